"""A network of the kernel's own under one hub: real TCP over packets that are really lost.

    hub in a network namespace          harness
    TCP ─ tun ─ packets ──► file descriptor ─► Wire (weather) ─► tun ─ TCP ─ proxy ─ broker
                                                                 UDP 53 ─ Names

The hub's process makes its namespace and its tun itself, hands the tun over a socket, and takes
both with it when it dies. The kernel's netem would do as well where it is compiled in; a tun is
everywhere, and one queue for all packets of a direction is what a home's modem has.

    loss          a packet is lost with this chance, in each direction
    latency_s     each packet takes so much longer
    bytes_per_s   the line's width; a modem holds QUEUE_S of it, and drops what comes then
    cut           nothing passes, and nobody is told
    forget        a NAT that has forgotten: connections that stand are dead, new ones live
    names         what the resolver does: "answer", "silent", "fail" (SERVFAIL), "nowhere"
"""

import array
import asyncio
import contextlib
import ctypes
import fcntl
import os
import random
import socket
import struct
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self, cast

CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
NAME = "broker.ansim.test"
TCP, SYN_ONLY, SYN_ACK = 6, 0x02, 0x12
QUEUE_S = 8.0
PACKET = 2048
TUN = Path("/dev/net/tun")


@dataclass(frozen=True, slots=True)
class Line:
    """How the line is; see the module."""

    loss: float = 0.0
    latency_s: float = 0.0
    bytes_per_s: float = 0.0
    cut: bool = False
    forget: bool = False
    names: str = "answer"


@dataclass(frozen=True, slots=True)
class Lease:
    """What the hub is told of its network: its address, the harness's, where its tun goes."""

    inside: str
    outside: str
    door: Path
    resolver: Path


def lease(seed: int, directory: Path) -> Lease:
    """Return addresses of this run's own, out of 10.213.0.0/16."""
    base = seed % 16_384 * 4
    net = f"10.213.{base >> 8}"
    resolver = directory / "resolv.conf"
    resolver.write_text(f"nameserver {net}.{(base & 255) + 1}\n")
    inside, outside = f"{net}.{(base & 255) + 2}", f"{net}.{(base & 255) + 1}"
    return Lease(inside, outside, directory / "tun.sock", resolver)


def tun(name: str) -> int:
    """Return the descriptor of a new tun, in this process's namespace."""
    descriptor = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI)
    fcntl.ioctl(descriptor, TUNSETIFF, request)
    return descriptor


def ip(*words: str) -> None:
    """Run `ip`, which must succeed."""
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S607


def move_in(leased: Lease) -> None:
    """In the hub's process: live behind the wire from now on."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET | CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)  # noqa: S607
    subprocess.run(
        ["mount", "--bind", str(leased.resolver), "/etc/resolv.conf"],  # noqa: S607
        check=True,
    )
    descriptor = tun("home0")
    ip("link", "set", "lo", "up")
    ip("address", "add", leased.inside, "peer", leased.outside, "dev", "home0")
    ip("link", "set", "home0", "up")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as door:
        door.connect(str(leased.door))
        socket.send_fds(door, [b"tun"], [descriptor])
        door.recv(1)
    os.close(descriptor)


class Wire:
    """The harness's end: carries packets between the hub's tun and one of its own."""

    def __init__(self, leased: Lease, chance: random.Random) -> None:
        self._lease, self._chance = leased, chance
        self.line = Line()
        self.carried = self.lost = 0
        self._loop = asyncio.get_running_loop()
        self._inside: int | None = None
        self._outside = -1
        self._free = [0.0, 0.0]
        self._known: set[bytes] = set()
        self._dead: set[bytes] = set()
        self._names: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        number = self._lease.outside.split(".")
        device = f"an{number[2]}x{number[3]}"
        self._outside = tun(device)
        ip("address", "add", self._lease.outside, "peer", self._lease.inside, "dev", device)
        ip("link", "set", device, "up")
        self._loop.add_reader(self._outside, self._read, self._outside, False)  # noqa: FBT003
        self._names, _ = await self._loop.create_datagram_endpoint(
            lambda: Names(self), (self._lease.outside, 53)
        )
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
        self._door.bind(str(self._lease.door))
        self._door.listen()
        self._loop.add_reader(self._door, self._moved_in)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._names is not None
        self._names.close()
        self._loop.remove_reader(self._door)
        self._door.close()
        self._hang_up()
        self._loop.remove_reader(self._outside)
        os.close(self._outside)

    async def change(self, line: Line) -> None:
        """Let the line turn. What has been forgotten stays so."""
        if line.forget:
            self._dead |= self._known
        self.line = replace(line, forget=False)

    def _moved_in(self) -> None:
        """Take the tun of a hub that has just started."""
        with contextlib.suppress(OSError):
            door, _ = self._door.accept()
            with door:
                door.setblocking(True)  # noqa: FBT003 - the socket's own call
                _, descriptors, _, _ = socket.recv_fds(door, 16, 1)
                self._hang_up()
                (self._inside,) = array.array("i", descriptors)
                os.set_blocking(self._inside, False)
                self._loop.add_reader(self._inside, self._read, self._inside, True)  # noqa: FBT003
                door.send(b"1")

    def _hang_up(self) -> None:
        if self._inside is not None:
            self._loop.remove_reader(self._inside)
            os.close(self._inside)
            self._inside = None

    def _read(self, descriptor: int, up: bool) -> None:  # noqa: FBT001 - the loop's call
        for _ in range(64):
            try:
                packet = os.read(descriptor, PACKET)
            except BlockingIOError:
                return
            except OSError:  # the hub has died, and its network with it
                self._loop.remove_reader(descriptor)
                return
            self._carry(packet, up)

    def _carry(self, packet: bytes, up: bool) -> None:  # noqa: FBT001 - as above
        line, now = self.line, self._loop.time()
        if line.cut or self._dropped(packet, up=up) or self._chance.random() < line.loss:
            self.lost += 1
            return
        due = max(now, self._free[up])
        if line.bytes_per_s:
            if due - now > QUEUE_S:
                self.lost += 1
                return
            due += len(packet) / line.bytes_per_s
        self._free[up] = due
        self.carried += 1
        if due + line.latency_s <= now:
            self._put(packet, up)
        else:
            self._loop.call_at(due + line.latency_s, self._put, packet, up)

    def _put(self, packet: bytes, up: bool) -> None:  # noqa: FBT001 - as above
        target = self._outside if up else self._inside
        if target is not None:
            with contextlib.suppress(OSError):  # a hub that is gone, a full queue: lost
                os.write(target, packet)

    def _dropped(self, packet: bytes, *, up: bool) -> bool:
        """Return whether a NAT has forgotten this TCP connection; note a new one."""
        head = (packet[0] & 15) * 4
        if packet[0] >> 4 != 4 or packet[9] != TCP or len(packet) < head + 14:
            return False
        port = packet[head : head + 2] if up else packet[head + 2 : head + 4]
        if up and packet[head + 13] & SYN_ACK == SYN_ONLY:
            self._dead.discard(port)
            self._known.add(port)
        return port in self._dead


class Names(asyncio.DatagramProtocol):
    """The resolver of a home's provider, which knows one name."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str | int, int]) -> None:
        """Answer one question, or not."""
        code = {"answer": 0, "fail": 2, "nowhere": 3}.get(self._wire.line.names)
        if code is not None and self._transport is not None:
            self._transport.sendto(answer(data, code, self._wire._lease.outside), address)


def answer(question: bytes, code: int, address: str) -> bytes:
    """Return a DNS answer: the address to an A question, no record to any other."""
    end = question.index(0, 12) + 5  # the name, its type and class
    wanted = question[end - 4 : end - 2] == b"\x00\x01"
    count = int(wanted and not code)
    head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, count, 0, 0)
    record = b"\xc0\x0c\x00\x01\x00\x01" + struct.pack("!IH", 1, 4) + socket.inet_aton(address)
    return head + question[12:end] + (record if count else b"")


def can_wire() -> bool:
    """Return whether this user may make a tun and a namespace: root, mostly."""
    if os.geteuid() != 0 or not TUN.exists():
        return False
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            if not ctypes.CDLL(None).unshare(CLONE_NEWNET | CLONE_NEWNS):
                os.close(tun("try0"))
                ip("link", "set", "lo", "up")
                status = 0
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

"""A hub's connection until it is open: TCP and TLS. One clockwork for all of them."""

import asyncio
import heapq
import itertools
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.edge.brokers import Turns
from gateway.edge.mqtt import ANSWER_S
from gateway.edge.tls import client_context
from gateway.settings import BrokerSettings
from tests.fleet.light import LightHub, order

LOOK_S = 0.01


class Clockwork:
    """All that is due at some time, in one heap."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def at(self, after_s: float, what: Callable[[], None]) -> None:
        """Do it then."""
        heapq.heappush(self._due, (self._loop.time() + after_s, next(self._number), what))

    async def run(self) -> None:
        """Turn."""
        while True:
            now = self._loop.time()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()
            await asyncio.sleep(LOOK_S)


class Wire:
    """A hub and its connection, if it has one."""

    __slots__ = (
        "hub",
        "life",
        "mid",
        "order",
        "reached",
        "rest",
        "since",
        "sock",
        "turns",
        "up",
        "waits",
    )

    def __init__(self, hub: LightHub, brokers: Sequence[tuple[str, int]]) -> None:
        self.hub = hub
        self.order = bytes(order(hub.id, brokers))
        self.sock: socket.socket | None = None
        self.turns = Turns(len(brokers))
        self.rest = b""
        self.mid = self.life = 0
        self.since = 0.0
        self.reached = self.up = False
        self.waits = False  # a timer for what is to be repeated stands


class Dialler:
    """Opens and closes wires. `reached`: it is open. `lost`: it cannot be, and why."""

    def __init__(
        self,
        brokers: Sequence[tuple[str, int]],
        tls: str,
        clockwork: Clockwork,
        *,
        reached: Callable[[Wire], None],
        lost: Callable[[Wire, str], None],
    ) -> None:
        self._brokers, self._tls = tuple(brokers), tls
        self._clockwork = clockwork
        self._loop = asyncio.get_running_loop()
        self._greet, self._lost = reached, lost

    def dial_in(self, pause_s: float, wire: Wire) -> None:
        """Dial then, unless something else happens to the wire before."""
        life = wire.life
        self._clockwork.at(pause_s, lambda: self.dial(wire) if wire.life == life else None)

    def dial(self, wire: Wire) -> None:
        """Begin; `reached` or `lost` tells the end of it."""
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003 - its only argument
        wire.sock, wire.rest, wire.life, wire.reached = sock, b"", wire.life + 1, False
        with suppress(BlockingIOError):
            sock.connect(self._brokers[wire.order[wire.turns.now]])
        self._loop.add_writer(sock.fileno(), self._connected, wire)
        self.unless(ANSWER_S, wire, lambda: wire.reached, "not reached")

    def unless(self, after_s: float, wire: Wire, there: Callable[[], bool], why: str) -> None:
        """Give this life of the wire up then, unless it is so."""
        life = wire.life
        self._clockwork.at(
            after_s, lambda: None if wire.life != life or there() else self._lost(wire, why)
        )

    def close(self, wire: Wire) -> None:
        """End this life of the wire."""
        if wire.sock is not None:
            self._loop.remove_reader(wire.sock.fileno())
            self._loop.remove_writer(wire.sock.fileno())
            wire.sock.close()
        wire.sock, wire.up, wire.rest = None, False, b""
        wire.life += 1

    def _connected(self, wire: Wire) -> None:
        assert wire.sock is not None
        self._loop.remove_writer(wire.sock.fileno())
        if wire.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._lost(wire, "nobody listens")
            return
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._tls:
            self._open(wire)
            return
        pems = Path(self._tls)
        files = BrokerSettings(
            "mqtts://127.0.0.1",
            ca_file=pems / "ca.crt",
            cert_file=pems / f"{wire.hub.id}.crt",
            key_file=pems / f"{wire.hub.id}.key",
        )
        context = client_context(files, check_dates=True)
        context.sslsocket_class = ssl.SSLSocket  # one that may be asked again
        host, _ = self._brokers[0]
        wire.sock = context.wrap_socket(
            wire.sock, server_hostname=host, do_handshake_on_connect=False
        )
        self._shake(wire)

    def _shake(self, wire: Wire) -> None:
        """Go on with the handshake; what it sends fits every socket's buffer."""
        assert isinstance(wire.sock, ssl.SSLSocket)
        self._loop.add_reader(wire.sock.fileno(), self._shake, wire)
        try:
            wire.sock.do_handshake()
        except ssl.SSLWantReadError:
            return
        except OSError:
            self._lost(wire, "no handshake")
            return
        self._open(wire)

    def _open(self, wire: Wire) -> None:
        wire.reached = True
        self._greet(wire)

"""Processes of a run: born in the nursery, kept alive by keepers, which note how they end."""

import asyncio
import contextlib
import itertools
import os
import pickle
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.faults.nursery import HEAD, frame

ROOT = Path(__file__).resolve().parent.parent.parent

STARTING_S = 3.0
"""So long a process may take until it hears SIGTERM."""


class Nursery:
    """The harness's end of nursery.py."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._listening: asyncio.Task[None] | None = None
        self._numbers = itertools.count()
        self._unborn: dict[int, asyncio.Future[int]] = {}
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def __aenter__(self) -> Self:
        mine, its = socket.socketpair()
        with its:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.faults.nursery",
                str(its.fileno()),
                cwd=ROOT,
                pass_fds=[its.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        mine.setblocking(False)  # noqa: FBT003 - the socket's own call
        self._reader, self._writer = await asyncio.open_unix_connection(sock=mine)
        await self._message()
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._writer is not None
        assert self._listening is not None
        self._listening.cancel()
        self._writer.close()
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def bear(self, role: str, log: Path, spec: object) -> "Child":
        """Fork a child."""
        assert self._writer is not None
        number = next(self._numbers)
        born = self._unborn[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(frame({"for": number, "role": role, "log": log, "spec": spec}))
            pid = await born
        finally:
            del self._unborn[number]
        return Child(pid, self._ends[pid])

    async def _message(self) -> dict[str, int]:
        assert self._reader is not None
        (length,) = HEAD.unpack(await self._reader.readexactly(HEAD.size))
        message: dict[str, int] = pickle.loads(await self._reader.readexactly(length))  # noqa: S301
        return message

    async def _listen(self) -> None:
        while True:
            message = await self._message()
            if "born" in message:
                self._ends[message["born"]] = asyncio.get_running_loop().create_future()
                waiting = self._unborn.get(message["for"])
                if waiting is None or waiting.done():  # who asked for it has gone
                    os.kill(message["born"], signal.SIGKILL)
                else:
                    waiting.set_result(message["born"])
            else:
                self._ends.pop(message["ended"]).set_result(message["status"])


@dataclass(frozen=True, slots=True)
class Child:
    """A process of the nursery's."""

    pid: int
    ended: "asyncio.Future[int]"

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it has ended."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@dataclass(slots=True)
class Keeper:
    """Starts a process again whenever it has died, while `wanted`; notes deaths of its own."""

    name: str
    start: Callable[[], "asyncio.Future[Child]"]
    findings: list[str]
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    restart_s: float = 0.05
    child: Child | None = None
    deaths: int = 0
    _stopping: bool = False
    _born_s: float = 0.0
    starts: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Keep it until cancelled."""
        while True:
            await self.wanted.wait()
            self.child = await self.start()
            self.starts += 1
            self._born_s = asyncio.get_running_loop().time()
            self.changed.set()
            status = await asyncio.shield(self.child.ended)
            self.child = None
            self.changed.set()
            self.deaths += status == -signal.SIGKILL
            if status != -signal.SIGKILL and not self._stopping:
                self.findings.append(f"the {self.name} ended by itself with status {status}")
            await asyncio.sleep(self.restart_s)

    def kill(self) -> None:
        """kill -9."""
        if self.child is not None:
            self.child.kill()

    async def down(self) -> None:
        """Kill it and keep it dead."""
        self.wanted.clear()
        while self.child is not None:
            self.changed.clear()
            self.child.kill()
            await self.changed.wait()

    async def stop(self, within_s: float = 10.0) -> None:
        """SIGTERM: it must end in order."""
        self.wanted.clear()
        self._stopping = True
        child = self.child
        if child is None:
            return
        young = asyncio.get_running_loop().time() - self._born_s < STARTING_S
        child.kill(signal.SIGTERM)
        try:
            async with asyncio.timeout(within_s):
                status = await asyncio.shield(child.ended)
        except TimeoutError:
            self.findings.append(f"the {self.name} did not stop within {within_s:g} s of SIGTERM")
            child.kill()
            return
        if status and not (young and status == -signal.SIGTERM):  # it had not begun
            self.findings.append(f"the {self.name} ended with status {status} after SIGTERM")

"""Herds in processes of their own, counted together; and what a stretch of time looked like."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from tests.fleet.census import Habits
from tests.hubs import ROOT

HERD = 15_000
"""Hubs a process: the limit of open files is 20,000."""

LINE_LIMIT = 16 * 1024 * 1024
NUMBERS = ("connected", "connects", "lost", "refused", "heartbeats", "pubacks", "telemetry")
MORE = ("telemetry_stored", "repeats", "grown")


@dataclass(slots=True)
class Stretch:
    """Alarms pressed between two moments; `least`: the fewest hubs connected meanwhile."""

    name: str
    began: float
    least: int
    ids: list[str] = field(default_factory=list)


class Flock:
    """All hubs."""

    def __init__(
        self,
        hubs: int,
        district: str,
        brokers: Sequence[tuple[str, int]],
        *,
        seed: int,
        habits: Habits,
        over_s: float,
    ) -> None:
        self.hubs = hubs
        cuts = range(0, hubs, -(-hubs // -(-hubs // HERD)))
        shared = {"district": district, "brokers": list(brokers), "seed": seed, "over_s": over_s}
        self._specs: list[dict[str, Any]] = [
            {**shared, "habits": asdict(habits), "first": cut, "last": min(cut + cuts.step, hubs)}
            for cut in cuts
        ]
        self.processes: list[Process] = []
        self._readers: list[asyncio.Task[None]] = []
        self._latest: list[dict[str, Any]] = [{} for _ in cuts]
        self._changed = asyncio.Event()
        self._ended = 0
        self._loop = asyncio.get_running_loop()
        self.pressed: list[str] = []
        self.to_stored: dict[str, float] = {}
        self.stretches: list[Stretch] = []

    async def __aenter__(self) -> Self:
        for number, spec in enumerate(self._specs):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.fleet.child",
                json.dumps(spec),
                cwd=ROOT,
                stdin=PIPE,
                stdout=PIPE,
                limit=LINE_LIMIT,
            )
            self.processes.append(process)
            self._readers.append(asyncio.create_task(self._read(number, process)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self.processes:
            if process.returncode is None:
                process.kill()
                await process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)

    async def _read(self, number: int, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            told = json.loads(line)
            fresh = told.pop("pressed")
            self.pressed += fresh
            if self.stretches:
                self.stretches[-1].ids += fresh
            self.to_stored.update(told.pop("to_stored"))
            self._latest[number] = told
            if self.stretches and all(self._latest):
                least = self.count()["connected"]
                self.stretches[-1].least = min(self.stretches[-1].least, least)
            self._changed.set()
        self._ended += 1
        self._changed.set()

    def count(self) -> Counter[str]:
        """Return the numbers of all herds together, as last told."""
        total: Counter[str] = Counter()
        for told in self._latest:
            total.update({name: told.get(name, 0) for name in NUMBERS + MORE})
            total.update(told.get("why", {}))
        return total

    def stretch(self, name: str) -> None:
        """Begin a stretch of time."""
        self.stretches.append(Stretch(name, self._loop.time(), self.hubs))

    def waiting(self) -> int:
        """Return how many alarms the centre has not stored."""
        return len(self.pressed) - len(self.to_stored)

    async def rate(self, presses_s: float) -> None:
        """Let buttons be pressed so often from now on."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"rate {presses_s / len(self.processes)}\n".encode())
            await process.stdin.drain()

    async def until(self, holds: Callable[[], bool], patience_s: float) -> float | None:
        """Wait until it holds; return how long it took, None if it never did.

        A herd that has died counts no more: then there is nothing to wait for.
        """
        began = self._loop.time()
        try:
            async with asyncio.timeout(patience_s):
                while not holds():
                    if self._ended:
                        raise ChildProcessError(f"{self._ended} herds of hubs have ended")
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return None
        return self._loop.time() - began


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of them do not exceed; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * int(share * 100) // 100) - 1)] if ordered else 0.0

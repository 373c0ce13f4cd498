"""A sitting: many runs, several at a time, resumable; a run mostly waits, so lanes share a core.

    sitting ── seed ─► lane (a process and what it starts, in a session of its own)
            ◄─ account ┘

A run's account goes to the file of the job before it is told. What the harness itself breaks on is
no account: the seed is tried once more at the end, and is missing if that fails too. A lane that
says nothing for `RUN_LIMIT_S` is ended with all it has started, and another takes its place.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.children import ROOT

RUN_LIMIT_S = 420.0
LET_GO_S = 5.0
TRIES = 2
ANSWER_LIMIT = 1 << 24


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be run: how many at a time, and what each run is told (see lane.py)."""

    seeds: tuple[int, ...]
    jobs: int = 1
    theme: str = ""
    broker: str = "mosquitto"
    keep: Path | None = None
    keep_bad: Path | None = None
    sabotage: str = ""
    tls: bool = False
    mqtt: str = "auto"

    @property
    def of(self) -> dict[str, str | bool]:
        """What a run's outcome depends on beside its seed."""
        return {
            "theme": self.theme,
            "broker": self.broker,
            "sabotage": self.sabotage,
            "tls": self.tls,
            "mqtt": str(self.mqtt),
        }

    def job(self, seed: int) -> bytes:
        """Return what a lane is told of one run."""
        told = {
            "seed": seed,
            "keep": str(self.keep.resolve()) if self.keep else "",
            "keep_bad": str(self.keep_bad.resolve()) if self.keep_bad else "",
            **self.of,
        }
        return json.dumps(told).encode() + b"\n"


class Lane:
    """A lane's process, and everything it starts."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls) -> Any:
        """Start one; at the end nothing of it is left, neither processes nor files."""
        temporary = tempfile.TemporaryDirectory(prefix="ansim-lane-", ignore_cleanup_errors=True)
        with temporary as directory:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.faults.lane",
                cwd=ROOT,
                env={**os.environ, "TMPDIR": directory},
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
                limit=ANSWER_LIMIT,
            )
            lane = cls(process)
            try:
                yield lane
            finally:
                await lane._end()

    async def run(self, job: bytes) -> dict[str, Any] | None:
        """Return the answer to one job, or None of a lane that has died."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(ConnectionError, ValueError):
            self._process.stdin.write(job)
            await self._process.stdin.drain()
            answer: dict[str, Any] = json.loads(await self._process.stdout.readline())
            return answer
        return None

    async def _end(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LET_GO_S):
                await self._process.wait()
        with contextlib.suppress(ProcessLookupError):  # also what it left behind: brokers, hubs
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()


@dataclass
class Sitting:
    """Does what is wanted and not done yet. `told`: is shown each account as it comes."""

    wanted: Wanted
    told: Callable[[dict[str, Any]], None]
    file: Path | None = None
    accounts: dict[int, dict[str, Any]] = field(default_factory=dict)
    troubles: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.accounts = read(self.file)
        for seed, account in self.accounts.items():
            if account.get("of", self.wanted.of) != self.wanted.of:
                raise ValueError(
                    f"{self.file}: seed {seed} was another job's, {account['of']}; "
                    f"this one is {self.wanted.of}"
                )
        if self.file is not None:
            end_line(self.file)
        self._left = [seed for seed in self.wanted.seeds if seed not in self.accounts]
        self._tries: dict[int, int] = {}

    @property
    def missing(self) -> list[int]:
        """The seeds that have no account."""
        return [seed for seed in self.wanted.seeds if seed not in self.accounts]

    async def run(self) -> None:
        """Do the runs."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(min(self.wanted.jobs, len(self._left))):
                lanes.create_task(self._lane())

    async def _lane(self) -> None:
        while self._left:
            async with Lane.open() as lane:
                while self._left:
                    seed = self._left.pop(0)
                    answer = None
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(RUN_LIMIT_S):
                            answer = await lane.run(self.wanted.job(seed))
                    if answer is not None and "account" in answer:
                        self._done(seed, answer["account"])
                        continue
                    self._failed(seed, "the lane hung or died" if answer is None else answer)
                    if answer is None:
                        break

    def _done(self, seed: int, account: dict[str, Any]) -> None:
        self.accounts[seed] = account
        self.troubles.pop(seed, None)
        if self.file is not None:
            with self.file.open("a") as file:
                file.write(json.dumps({**account, "of": self.wanted.of}) + "\n")
        self.told(account)

    def _failed(self, seed: int, answer: "dict[str, Any] | str") -> None:
        self.troubles[seed] = answer if isinstance(answer, str) else answer["trouble"]
        self._tries[seed] = self._tries.get(seed, 1) + 1
        if self._tries[seed] <= TRIES:
            self._left.append(seed)


def end_line(path: Path) -> None:
    """Make the file, and end a line that a crash has cut off: the next would be lost with it."""
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")


def read(path: Path | None) -> dict[int, dict[str, Any]]:
    """Return the runs of earlier sittings by seed; a line cut off by a crash is left out."""
    if path is None or not path.exists():
        return {}
    return {account["seed"]: account for account in _lines(path.read_text().splitlines())}


def _lines(lines: Iterable[str]) -> Iterable[dict[str, Any]]:
    for line in lines:
        with contextlib.suppress(ValueError):
            yield json.loads(line)

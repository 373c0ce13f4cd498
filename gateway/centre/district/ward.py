"""One partition in the hands of this worker: its ledger, and its two feeds."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.centre.district.feed import Arrival, Feed
from gateway.centre.district.streams import Lane
from gateway.centre.household import Household
from gateway.centre.ledger import Ledger


class Inbox:
    """What has arrived and is not committed: alarms stand before everything else."""

    def __init__(self) -> None:
        self._waiting: dict[Lane, deque[Arrival]] = {lane: deque() for lane in Lane}
        self._some = asyncio.Event()

    def put(self, arrival: Arrival) -> None:
        """Take one in."""
        self._waiting[arrival.lane].append(arrival)
        self._some.set()

    async def some(self) -> None:
        """Wait until there is something."""
        while not any(self._waiting.values()):
            self._some.clear()
            await self._some.wait()

    def take(self, most: int) -> list[Arrival]:
        """Return the next ones, alarms first, each lane in its order."""
        taken: list[Arrival] = []
        for lane in Lane:
            waiting = self._waiting[lane]
            taken += [waiting.popleft() for _ in range(min(len(waiting), most - len(taken)))]
        return taken

    def forget(self, partition: int) -> None:
        """Drop what has arrived of a partition that is no longer ours."""
        for lane, waiting in self._waiting.items():
            self._waiting[lane] = deque(one for one in waiting if one.partition != partition)


@dataclass(slots=True)
class Ward:
    """`kept`: its hubs as they were last written. `since_ms`: since when it is ours."""

    number: int
    ledger: Ledger
    feeds: Mapping[Lane, Feed]
    since_ms: int
    kept: dict[str, Household] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def start(self, failed: Callable[[asyncio.Task[None]], None]) -> None:
        """Begin to read; a feed ends only by being cancelled, or by a bug."""
        for lane, feed in self.feeds.items():
            task = asyncio.create_task(feed.run(), name=f"feed {lane} {self.number}")
            task.add_done_callback(failed)
            self.tasks.append(task)

    def stop(self) -> None:
        """End the feeds."""
        for task in self.tasks:
            task.cancel()

    def listening_ms(self, now_ms: int) -> int:
        """Return since when its hubs are heard as they speak: not while it reads what is old."""
        if all(feed.current for feed in self.feeds.values()):
            return self.since_ms
        self.since_ms = now_ms
        return now_ms

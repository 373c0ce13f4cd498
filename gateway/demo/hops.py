"""How long each hop of an alarm took, read from the daemon's own log lines.

    on the air ─► decided ─► durable ─► published ─► stored

The daemon says each of these once in its journal (`alarm decided`, ...), with the message's id;
this is a structlog processor that stamps them with the event loop's time. Nothing in the daemon
knows of it.
"""

import asyncio
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import structlog

HOPS = ("decided", "durable", "published", "stored")


@dataclass(slots=True)
class Trip:
    """One message's way. Times are the event loop's, seconds; `air`: when its packet was sent."""

    message: str
    kind: str = ""
    msg: str = ""
    air: float | None = None
    at: dict[str, float] = field(default_factory=dict)
    attempts: int = 0

    def ms(self, first: str, last: str) -> float | None:
        """Return the milliseconds from one hop to a later one; None if it did not get there."""
        begin = self.air if first == "air" else self.at.get(first)
        end = self.at.get(last)
        return None if begin is None or end is None else (end - begin) * 1000


class Hops:
    """Collects trips; `told` is called for every log line of the daemon."""

    def __init__(
        self, told: Callable[[MutableMapping[str, Any]], None] = lambda _line: None
    ) -> None:
        self.trips: dict[str, Trip] = {}
        self.air: float | None = None
        self._told = told

    def install(self) -> None:
        """Become the process's log, instead of lines on a terminal."""
        structlog.configure(
            processors=[self._process], logger_factory=structlog.ReturnLoggerFactory()
        )

    def on_air(self) -> None:
        """Note that a packet goes out now; the next decision is its."""
        self.air = asyncio.get_running_loop().time()

    def _process(
        self, _logger: object, method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event = str(line.get("event", ""))
        word = event.removeprefix("alarm ")
        if word in HOPS and "message" in line:
            trip = self.trips.setdefault(line["message"], Trip(line["message"]))
            trip.at.setdefault(word, asyncio.get_running_loop().time())
            trip.attempts = max(trip.attempts, line.get("attempt", 0))
            if word == "decided":
                trip.kind, trip.msg = line["kind"], line["state"]
                trip.air, self.air = self.air, None
        self._told({**line, "level": method})
        return line


def spread(values: Iterable[float | None]) -> tuple[int, float, float, float] | None:
    """Return count, p50, p99 and maximum of what is there; None if nothing is."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    p99 = known[min(len(known) - 1, -(-len(known) * 99 // 100) - 1)]
    return len(known), median(known), p99, known[-1]

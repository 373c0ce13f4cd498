"""A fall's evidence: acceleration from 10 s before to 10 s after, and what the home saw.

An operator who hears "fall" wants to know more, and whoever must find out afterwards why it rang
needs the samples. They leave the home only with an alarm, in parts of less than 2 KiB on a lane of
their own, and refer to the alarm's id (gateway.core.bodies gives the form).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gateway.core.alerts import Alert
from gateway.core.bodies import acceleration_bodies, event_item, home_bodies
from gateway.core.instants import elapsed_ms
from gateway.core.model import AccelerationBlock, At

BEFORE_MS = AFTER_MS = 10_000
KEEP_MS = 60_000  # a decision comes up to 30 s after the impact, and 10 s lie before it
HOME_MS = 600_000
HOME_ITEMS = 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """An alert whose window is not complete yet."""

    alert: Alert
    complete: At


class Evidence:
    """Remembers the last minute of acceleration and the last ten of the home, in bounded memory."""

    def __init__(self) -> None:
        self._blocks: dict[str, deque[AccelerationBlock]] = {}
        self._home: deque[tuple[At, str, str, Any]] = deque(maxlen=200)
        self._wanted: list[Wanted] = []
        self._asked: deque[str] = deque(maxlen=64)

    def block(self, device: str, block: AccelerationBlock) -> None:
        """Remember samples."""
        ring = self._blocks.setdefault(device, deque())
        ring.append(block)
        while ring[0].t_ms[-1] < block.t_ms[-1] - KEEP_MS:
            ring.popleft()

    def event(self, at: At, device: str, what: str, value: object) -> None:
        """Remember what a sensor of the home said."""
        self._home.append((at, device, what, value))

    def want(self, alert: Alert) -> None:
        """Ask for the window of an alert; `ready` gives it when it is complete, once."""
        if alert.id not in self._asked:
            self._asked.append(alert.id)
            self._wanted.append(Wanted(alert, alert.onset.plus(AFTER_MS)))

    def ready(self, at: At) -> Iterator[tuple[Alert, dict[str, Any]]]:
        """Return the parts of every window that is complete by now."""
        for wanted in tuple(self._wanted):
            left = elapsed_ms(at, wanted.complete)
            if left is None or left <= 0:
                self._wanted.remove(wanted)
                for part in self._parts(wanted.alert, at):
                    yield wanted.alert, part

    def _parts(self, alert: Alert, at: At) -> Iterator[dict[str, Any]]:
        yield from home_bodies(alert.id, at, self._seen(at))
        blocks = list(self._cut(alert))
        if blocks:
            yield from acceleration_bodies(alert.id, at, alert.device, blocks)

    def _seen(self, at: At) -> list[dict[str, Any]]:
        recent = [
            event_item(seen, device, what, value)
            for seen, device, what, value in self._home
            if (age := elapsed_ms(seen, at)) is not None and age <= HOME_MS
        ]
        return recent[-HOME_ITEMS:]

    def _cut(self, alert: Alert) -> Iterator[AccelerationBlock]:
        first, last = alert.onset.mono_ms - BEFORE_MS, alert.onset.mono_ms + AFTER_MS
        for block in self._blocks.get(alert.device, ()):
            inside = (block.t_ms >= first) & (block.t_ms <= last)
            if inside.any():
                yield AccelerationBlock(block.t_ms[inside], block.acc_mg[inside])

"""A fall's evidence: acceleration from 10 s before to 10 s after, and what the home saw.

An operator who hears "fall" wants to know more, and whoever must find out afterwards why it rang
needs the samples. They leave the home only with an alarm, in parts of less than 2 KiB on a lane of
their own, and refer to the alarm's id.

    part 0        {"what": "home", items: [[seconds before the alarm, device, what, value], ...]}
    parts 1..n    {"what": "acceleration", "rate_hz", "t0_ms", base64 of zlib of int16 differences}
"""

import base64
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gateway.core.alerts import Alert
from gateway.core.instants import elapsed_ms
from gateway.core.model import AccelerationBlock, At

BEFORE_MS = AFTER_MS = 10_000
KEEP_MS = 60_000  # a decision comes up to 30 s after the impact, and 10 s lie before it
HOME_MS = 600_000
HOME_ITEMS = 20
PART_CHARS = 1300  # with the envelope's 400 this stays under the contract's 2 KiB


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
        """Ask for the window of an alert; `ready` gives it when it is complete."""
        if all(wanted.alert.id != alert.id for wanted in self._wanted):
            self._wanted.append(Wanted(alert, alert.onset.plus(AFTER_MS)))

    def ready(self, at: At) -> Iterator[tuple[Alert, dict[str, Any]]]:
        """Return the parts of every window that is complete by now."""
        for wanted in tuple(self._wanted):
            left = elapsed_ms(at, wanted.complete)
            if left is None or left <= 0:
                self._wanted.remove(wanted)
                parts = [self._home_part(wanted.alert, at), *self._acceleration(wanted.alert)]
                for number, part in enumerate(parts):
                    yield wanted.alert, {"part": number, "parts": len(parts), **part}

    def _home_part(self, alert: Alert, at: At) -> dict[str, Any]:
        items = [
            [round((elapsed_ms(alert.onset, seen) or 0) / 1000, 1), device, what, value]
            for seen, device, what, value in self._home
            if (age := elapsed_ms(seen, at)) is not None and age <= HOME_MS
        ]
        return {"what": "home", "items": items[-HOME_ITEMS:]}

    def _acceleration(self, alert: Alert) -> Iterator[dict[str, Any]]:
        ring = self._blocks.get(alert.device, deque())
        first, last = alert.onset.mono_ms - BEFORE_MS, alert.onset.mono_ms + AFTER_MS
        if not ring:
            return
        t_ms = np.concatenate([block.t_ms for block in ring])
        acc_mg = np.concatenate([block.acc_mg for block in ring])
        chosen = (t_ms >= first) & (t_ms <= last)
        t_ms, acc_mg = t_ms[chosen], acc_mg[chosen]
        per_part = 150
        for start in range(0, len(t_ms), per_part):
            yield from _parts(
                t_ms[start : start + per_part], acc_mg[start : start + per_part], alert
            )


def _parts(
    t_ms: np.ndarray[Any, np.dtype[np.int64]],
    acc_mg: np.ndarray[Any, np.dtype[np.int16]],
    alert: Alert,
) -> Iterator[dict[str, Any]]:
    """Return the samples as one part, or as two when a lively stretch does not fit one."""
    data = pack(acc_mg)
    if len(data) > PART_CHARS:
        half = len(t_ms) // 2
        yield from _parts(t_ms[:half], acc_mg[:half], alert)
        yield from _parts(t_ms[half:], acc_mg[half:], alert)
        return
    yield {
        "what": "acceleration",
        "device": alert.device,
        "t0_ms": int(t_ms[0]) - alert.onset.mono_ms,
        "t1_ms": int(t_ms[-1]) - alert.onset.mono_ms,
        "n": len(t_ms),
        "data": data,
    }


def pack(acc_mg: np.ndarray[Any, np.dtype[np.int16]]) -> str:
    """Return int16 [n, 3] as base64 of zlib of the little-endian differences along time."""
    steps = np.diff(acc_mg, axis=0, prepend=np.zeros((1, 3), np.int16)).astype("<i2")
    return base64.b64encode(zlib.compress(steps.tobytes(), 9)).decode()


def unpack(data: str) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Return what `pack` was given; int16 differences wrap, and so does their sum."""
    steps = np.frombuffer(zlib.decompress(base64.b64decode(data)), "<i2").reshape(-1, 3)
    return np.cumsum(steps, axis=0, dtype=np.int16)

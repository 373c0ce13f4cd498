"""The silence that is running: since when, after which sensor, how far it has come, what was said.

Times are the home's steady ones. It survives a restart; a state of another version is dropped.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from gateway.core.model import At

VERSION: Final = 1


@dataclass(slots=True)
class Running:
    """One silence. `level`: levels already told; `limits_ms`: each level's silence.

    away_ms: when the resident was said to go out. until_ms: when they were said to be back.
    onset: the last sign as an instant of its boot, for the alert.
    granted_ms: the silence that the routine allows from `granted_at_ms` on, all sensors seen.
    signed: it was granted by a sign of life, so that it can be asked for again.
    unseen_ms: of this silence, time in which nobody could hear; it is not counted in its length.
    blind_ms: how long the deafness that goes on has lasted.
    lost: nobody saw whether the resident left in such a time.
    """

    limits_ms: tuple[int, int, int]
    since_ms: int | None = None
    onset: At | None = None
    last: str = ""
    level: int = 0
    away_ms: int | None = None
    until_ms: int | None = None
    granted_ms: int = 0
    granted_at_ms: int | None = None
    signed: bool = False
    unseen_ms: int = 0
    blind_ms: int = 0
    lost: bool = False

    def begin(self, now_ms: int, at: At, last: str) -> None:
        """Begin anew, after a sign of life."""
        self.since_ms, self.onset, self.last, self.level = now_ms, at, last, 0
        self.unseen_ms, self.blind_ms, self.lost = 0, 0, False

    def length_ms(self, now_ms: int) -> int:
        """Return how long it has lasted."""
        return now_ms - (now_ms if self.since_ms is None else self.since_ms)


@dataclass(frozen=True, slots=True)
class Saved:
    """What the duty keeps beside the routine.

    at: the instant of saving, to know what was still watched after it.
    states: what each contact and motion sensor said last.
    unheard: when each sensor that promises nothing was heard last.
    """

    running: Running
    steady_ms: int
    at: At | None
    states: Mapping[str, bool] = field(default_factory=dict)
    unheard: Mapping[str, int] = field(default_factory=dict)

    def encode(self) -> bytes:
        """Return it as one line of JSON."""
        return json.dumps({"version": VERSION} | asdict(self)).encode()


def decode(line: bytes) -> Saved | None:
    """Return what `encode` gave; None for another version, or what cannot be read."""
    try:
        values: dict[str, Any] = json.loads(line)
        if values["version"] != VERSION:
            return None
        told = values["running"]
        told["onset"] = At(**told["onset"]) if told["onset"] else None
        told["limits_ms"] = tuple(told["limits_ms"])
        at = At(**values["at"]) if values["at"] else None
        unheard = {str(name): int(ms) for name, ms in values.get("unheard", {}).items()}
        return Saved(Running(**told), values["steady_ms"], at, values["states"], unheard)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None

"""The inactivity detector on duty in a home: signs of life in, levels out.

    Heard ─► signs of life ─► Routine: the deadline         Tick ─► silence against the levels
    adapter deaf, hub off, sensors dead ─► time that does not count

Theory of operation. Silence is counted on the home's steady time (gateway.core.timeline), which
stands still while nobody can hear. The first level is suspected, so that the resident can show
that all is well; the next ones are noted on the same alert; a sign of life withdraws it.

Invariants
1. Blind time is never inactivity: not while the adapter is deaf, the hub off, or every sensor that
   promises to be heard is silent. It is nobody's reassurance either: the deadline waits, and the
   sensors' own watch (gateway.core.detectors.health) reports the fault.
2. A wall clock moves no deadline; while it is not proven, nothing is learnt and no bound that
   depends on the time of day holds.
3. The deadline does not depend on when ticks come.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

from gateway.core.detectors.inactivity import UNKNOWN_TOD, Routine
from gateway.core.detectors.inactivity_kernels import HOUR_MS
from gateway.core.detectors.inactivity_levels import LEVELS, WET_ROOMS, Levels
from gateway.core.detectors.life import LifeSensor, LifeSigns, Sign
from gateway.core.detectors.presence import ARRIVED, BAND, BED, HOME, LEFT
from gateway.core.detectors.visibility import Visibility
from gateway.core.fields import timestamp
from gateway.core.inputs import Asked, Input
from gateway.core.instants import elapsed_ms
from gateway.core.model import (
    At,
    Button,
    Decision,
    Heard,
    HubReturned,
    Kind,
    Link,
    LinkChange,
    Press,
    Reason,
    Stage,
    Tick,
)
from gateway.core.texts import render
from gateway.core.timeline import HomeTime
from gateway.core.wire import CommandName

DEVICE: Final = "home"
SAME_SIGN_MS: Final = 60_000
GOING_OUT_MS: Final = 600_000
PRESENCE: Final = {HOME: "home", BED: "asleep", LEFT: "away", ARRIVED: "arrived"}
AT_HOME: Final = {
    "home": 0.95, "asleep": 0.97, "away": 0.1, "arrived": 0.6, "said-away": 0.02, "unknown": 0.5
}  # fmt: skip


class InactivityDuty:
    """One home's watch over silence. `local_ms` turns Unix ms into local ms counted as UTC."""

    name = "inactivity"

    def __init__(
        self,
        sensors: Sequence[LifeSensor],
        levels: Levels,
        local_ms: Callable[[int], int],
        *,
        away_buttons: frozenset[str] = frozenset(),
    ) -> None:
        self._sensors = tuple(sensors)
        self._levels = levels
        self._local_ms = local_ms
        self._away_buttons = away_buttons
        self._signs = LifeSigns(self._sensors)
        self._routine = Routine([sensor.name for sensor in self._sensors])
        self._time = HomeTime()
        self._seen = Visibility(self._sensors)
        self._at: At | None = None
        self._began_ms: int | None = None
        self._last: tuple[int, int] | None = None  # sensor and steady time of the last sign
        self._onset: At | None = None
        self._saved: At | None = None
        self._limits = levels.limits_ms(levels.attention_ms, away=False)
        self._level = 0
        self._said_away_ms: int | None = None

    # -------------------------------------------------------------------------------- feeding
    def feed(self, given: Input) -> Iterable[Decision]:
        """Take one input; return levels reached, and their end."""
        self._go(given.at)
        match given:
            case Heard():
                self._seen.heard(given.device, self._time.steady_ms)
                yield from self._heard(given)
            case Tick():
                yield from self._judge(given.at)
            case LinkChange(link=Link.ADAPTER, up=up):
                self._seen.deaf(not up)
                self._routine.spoil()
            case HubReturned():
                self._returned(given)
            case Asked(command=command) if command.name is CommandName.AWAY:
                self._say_away()
            case Asked(command=command) if command.name is CommandName.HOME:
                yield from self._say_home(given.at)
            case _:
                pass

    def _go(self, at: At) -> None:
        """Let the home's time follow; across boots nobody watched, so nothing has passed."""
        before, self._at = self._at, at
        passed = (elapsed_ms(before, at) or 0) if before and before.boot == at.boot else 0
        was_blind = self._seen.blind
        self._time.go(self._local_ms(at.wall_ms), max(0, passed), blind=was_blind)
        if self._began_ms is None:
            self._began_ms = self._time.steady_ms
        if self._onset is None:
            self._onset = at
        if was_blind:
            self._routine.spoil()

    def _returned(self, given: HubReturned) -> None:
        """Go on where the last run stopped: what it saw after its last commit was silence too."""
        if self._saved is not None and given.last_seen is not None:
            watched_ms = elapsed_ms(self._saved, given.last_seen) or 0
            self._time.steady_ms += max(0, watched_ms)
        if (Kind.INACTIVITY, DEVICE) in given.open:
            self._level = max(self._level, 1)
        self._routine.spoil()

    def _heard(self, given: Heard) -> Iterator[Decision]:
        for reading in given.readings:
            sign = self._signs.of(reading)
            if sign is None:
                continue
            toggled = (
                isinstance(reading.value, Button)
                and reading.value.press is Press.LONG
                and given.device in self._away_buttons
            )
            yield from self._sign(given.at, sign)
            if toggled and self._said_away_ms is None:
                self._say_away()
            elif toggled:
                self._said_away_ms = None
                self._allow()

    def _sign(self, at: At, sign: Sign) -> Iterator[Decision]:
        now_ms = self._time.steady_ms
        if sign.kind == BAND and self._last is not None and self._level == 0:
            sensor, last_ms = self._last
            if sensor == sign.sensor and now_ms - last_ms < SAME_SIGN_MS:
                return  # a moving arm says so every second
        if self._level:
            yield self._over(at, sign)
        self._level = 0
        self._last, self._onset = (sign.sensor, now_ms), at
        if self._said_away_ms is not None and now_ms - self._said_away_ms > GOING_OUT_MS:
            self._said_away_ms = None
        allowed_ms = self._routine.sign(
            now_ms,
            self._tod(at),
            sign.sensor,
            sign.kind,
            sign.state,
            learn=at.proven,
            doorless=self._seen.doorless,
        )
        self._allow(allowed_ms)

    def _tod(self, at: At) -> int:
        return self._time.tod_ms if at.proven else UNKNOWN_TOD

    def _allow(self, allowed_ms: int | None = None) -> None:
        presence = self.presence
        if presence == "said-away":
            allowed_ms = self._levels.away_ms
        elif allowed_ms is None:
            now_ms, tod = self._time.steady_ms, self._tod(self._at) if self._at else UNKNOWN_TOD
            allowed_ms = self._routine.allowed_ms(now_ms, tod, doorless=self._seen.doorless)
        away = presence in ("away", "said-away")
        self._limits = self._levels.limits_ms(allowed_ms, away=away)

    def _say_away(self) -> None:
        self._said_away_ms = self._time.steady_ms
        self._allow()

    def _say_home(self, at: At) -> Iterator[Decision]:
        self._said_away_ms = None
        self._routine.returned()
        self._allow()
        yield from self._judge(at)

    # ------------------------------------------------------------------------------- judging
    @property
    def presence(self) -> str:
        """Return where the resident probably is."""
        if self._said_away_ms is not None:
            return "said-away"
        if self._last is None or not self._seen.sees_door:
            return "unknown"
        return PRESENCE[self._routine.regime]

    @property
    def _since_ms(self) -> int:
        return (self._began_ms or 0) if self._last is None else self._last[1]

    def _judge(self, at: At) -> Iterator[Decision]:
        self._seen.look(self._time.steady_ms)
        if not self._sensors or self._seen.blind:
            return
        silence_ms = self._time.steady_ms - self._since_ms
        level = sum(silence_ms >= limit for limit in self._limits)
        if level <= self._level or (level == 1 and self._waits(at)):
            return
        higher = self._level > 0
        self._level = level
        if higher:
            yield self._decision(at, Stage.NOTED, level)
        # On an open alert this says nothing; where the centre has closed it, it opens a new one.
        yield self._decision(at, Stage.SUSPECTED, level)

    def _waits(self, at: At) -> bool:
        """Return whether the night holds this level back."""
        last = self._sensors[self._last[0]] if self._last else None
        if not at.proven or (last is not None and last.place in WET_ROOMS):
            return False
        return self._levels.held_ms(self._time.tod_ms) > 0

    def _decision(self, at: At, stage: Stage, level: int) -> Decision:
        silence_ms = self._time.steady_ms - self._since_ms
        values: dict[str, int | float | str] = {
            "hours": silence_ms / HOUR_MS,
            "allowed": self._limits[level - 1] / HOUR_MS,
            "last": self._last_name,
        }
        name, presence = LEVELS[level - 1], self.presence
        return Decision(
            kind=Kind.INACTIVITY,
            stage=stage,
            at=at,
            device=DEVICE,
            reason=Reason(f"inactivity.{name}.{presence}", values),
            probability=AT_HOME[presence],
            onset=self._onset,
            evidence={"level": name, "presence": presence},
        )

    def _over(self, at: At, sign: Sign) -> Decision:
        hours = (self._time.steady_ms - self._since_ms) / HOUR_MS
        last = self._sensors[sign.sensor].name
        reason = Reason("inactivity.over", {"hours": hours, "last": last})
        return Decision(Kind.INACTIVITY, Stage.WITHDRAWN, at, DEVICE, reason)

    @property
    def _last_name(self) -> str:
        return self._sensors[self._last[0]].name if self._last else "-"

    # ------------------------------------------------------------------------------- telling
    def outlook(self) -> dict[str, Any]:
        """Return when it will ask for help if nothing more is heard, and why: `ansim status`."""
        presence, at = self.presence, self._at
        told: dict[str, Any] = {"presence": presence, "probability": AT_HOME[presence]}
        left_ms = self._since_ms + self._limits[0] - self._time.steady_ms
        hours = (self._time.steady_ms - self._since_ms) / HOUR_MS
        values: dict[str, int | float | str] = {
            "left": max(0, left_ms) / HOUR_MS, "hours": hours, "last": self._last_name
        }  # fmt: skip
        code = f"inactivity.outlook.{presence}"
        if not self._sensors:
            code = "inactivity.no-sensor"
        elif self._seen.blind:
            code = "inactivity.blind"
        elif self._level:
            code = f"inactivity.{LEVELS[self._level - 1]}.{presence}"
            values["allowed"] = self._limits[self._level - 1] / HOUR_MS
        elif self._last is None:
            code = "inactivity.nothing-yet"
        english, korean = render(Reason(code, values))
        due = self._sensors and at is not None and not self._seen.blind
        told["at"] = timestamp(at.wall_ms + left_ms) if due and at is not None else None
        return told | {"en": english, "ko": korean}

    # ------------------------------------------------------------------------------ surviving
    def save(self) -> bytes:
        """Return the routine and the silence that is running."""
        running = {
            "version": 1,
            "steady": self._time.steady_ms,
            "began": self._began_ms,
            "last": [self._last_name, self._last[1]] if self._last else None,
            "limits": self._limits,
            "level": self._level,
            "away": self._said_away_ms,
            "states": self._signs.states,
            "onset": asdict(self._onset) if self._onset else None,
            "saved": asdict(self._at) if self._at else None,
        }
        return json.dumps(running).encode() + b"\n" + self._routine.save()

    def load(self, state: bytes) -> None:
        """Go on from the last commit."""
        head, _, routine = state.partition(b"\n")
        try:
            running = json.loads(head)
            usable = running["version"] == 1
        except (ValueError, KeyError, TypeError):
            return
        if not usable or not self._routine.load(routine):
            return
        self._time = HomeTime(running["steady"])
        self._began_ms = running["began"]
        names = [sensor.name for sensor in self._sensors]
        if running["last"] and running["last"][0] in names:
            self._last = (names.index(running["last"][0]), running["last"][1])
        self._limits = tuple(running["limits"])
        self._level = running["level"]
        self._said_away_ms = running["away"]
        self._signs.states.update(running["states"])
        self._onset = At(**running["onset"]) if running["onset"] else None
        self._saved = At(**running["saved"]) if running["saved"] else None

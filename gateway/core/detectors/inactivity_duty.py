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

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from gateway.core.detectors.inactivity import UNKNOWN_TOD, Routine
from gateway.core.detectors.inactivity_levels import DAY_MS, LEVELS, WET_ROOMS, Levels
from gateway.core.detectors.inactivity_running import Running, Saved, decode
from gateway.core.detectors.inactivity_survey import HOUR_MS
from gateway.core.detectors.life import LifeSensor, LifeSigns, Sign
from gateway.core.detectors.presence import BAND
from gateway.core.detectors.visibility import Visibility
from gateway.core.detectors.whereabouts import SAID_AWAY, UNKNOWN, ceiling_ms, presence
from gateway.core.fields import parse_timestamp, timestamp
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
        self._place = {sensor.name: sensor.place for sensor in self._sensors}
        self._signs = LifeSigns(self._sensors)
        self._routine = Routine([sensor.name for sensor in self._sensors])
        self._time = HomeTime()
        self._seen = Visibility(self._sensors)
        self._at: At | None = None
        self._saved: At | None = None
        self._run = Running(levels.limits_ms(levels.attention_ms))

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
                until = command.args.get("until")
                self._say_away(parse_timestamp(until) if until else None)
            case Asked(command=command) if command.name is CommandName.HOME:
                yield from self._said_home(given.at)
            case _:
                pass

    def _go(self, at: At) -> None:
        """Let the home's time follow; across boots nobody watched, so nothing has passed."""
        before, self._at = self._at, at
        passed = (elapsed_ms(before, at) or 0) if before and before.boot == at.boot else 0
        was_blind = self._seen.blind
        self._time.go(self._local_ms(at.wall_ms), max(0, passed), blind=was_blind)
        if self._run.since_ms is None:
            self._run.begin(self._time.steady_ms, at, "")
        if was_blind:
            self._routine.spoil()

    def _returned(self, given: HubReturned) -> None:
        """Go on where the last run stopped: what it saw after its last commit was silence too."""
        if self._saved is not None and given.last_seen is not None:
            watched_ms = elapsed_ms(self._saved, given.last_seen) or 0
            self._time.steady_ms += max(0, watched_ms)
        if (Kind.INACTIVITY, DEVICE) in given.open:
            self._run.level = max(self._run.level, 1)
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
            if toggled and self._run.away_ms is None:
                self._say_away()
            elif toggled:
                self._say_home(given.at)

    def _sign(self, at: At, sign: Sign) -> Iterator[Decision]:
        now_ms, run = self._time.steady_ms, self._run
        last = self._sensors[sign.sensor].name
        silence_ms = run.length_ms(now_ms)
        if sign.kind == BAND and run.last == last and not run.level and silence_ms < SAME_SIGN_MS:
            return  # a moving arm says so every second
        if run.level:
            reason = Reason("inactivity.over", {"hours": silence_ms / HOUR_MS, "last": last})
            yield Decision(Kind.INACTIVITY, Stage.WITHDRAWN, at, DEVICE, reason)
        run.begin(now_ms, at, last)
        if run.away_ms is not None and now_ms - run.away_ms > GOING_OUT_MS:
            run.away_ms = None
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

    def _allow(self, allowed_ms: int) -> None:
        """Set the levels: what the routine allows from now on, or what was announced."""
        run, levels, now_ms = self._run, self._levels, self._time.steady_ms
        known = bool(run.last) and self._seen.sees_door
        allowed_ms = min(allowed_ms, ceiling_ms(self._routine if known else None, now_ms, levels))
        length_ms = run.length_ms(now_ms)
        if run.away_ms is not None and run.until_ms is not None:
            run.limits_ms = levels.after_return_ms(length_ms + max(0, run.until_ms - now_ms))
            return
        if run.away_ms is not None:
            allowed_ms = levels.away_ms
        run.limits_ms = levels.limits_ms(length_ms + allowed_ms)

    def _say_away(self, until_ms: int | None = None) -> None:
        """Take it that the resident goes out; `until_ms`: Unix time of the announced return."""
        run, now_ms = self._run, self._time.steady_ms
        run.away_ms, run.until_ms = now_ms, None
        if until_ms is not None and self._at is not None:
            run.until_ms = now_ms + max(0, until_ms - self._at.wall_ms)
        self._allow(self._levels.away_ms)

    def _say_home(self, at: At) -> None:
        """Take it that the resident is home now: whoever said so has seen or heard them."""
        run, now_ms = self._run, self._time.steady_ms
        run.begin(now_ms, at, run.last)
        run.away_ms = None
        self._routine.returned()
        self._allow(self._routine.allowed_ms(now_ms, self._tod(at), doorless=self._seen.doorless))

    def _said_home(self, at: At) -> Iterator[Decision]:
        """Take the centre's word that the resident is home: the silence told of is over."""
        hours = self._run.length_ms(self._time.steady_ms) / HOUR_MS
        if self._run.level:
            reason = Reason("inactivity.said-home", {"hours": hours})
            yield Decision(Kind.INACTIVITY, Stage.WITHDRAWN, at, DEVICE, reason)
        self._say_home(at)

    # ------------------------------------------------------------------------------- judging
    @property
    def presence(self) -> str:
        """Return where the resident probably is."""
        return self._presence()[0]

    def _presence(self) -> tuple[str, float]:
        """Return where the resident probably is, and how probably at home."""
        run, now_ms = self._run, self._time.steady_ms
        if run.away_ms is not None:
            return SAID_AWAY
        if not run.last or not self._seen.sees_door:
            return UNKNOWN
        return presence(self._routine, now_ms, run.length_ms(now_ms))

    @property
    def silence_ms(self) -> tuple[int, int]:
        """Return how long the present silence lasts, and how long it may until attention."""
        return self._run.length_ms(self._time.steady_ms), self._run.limits_ms[0]

    @property
    def last(self) -> str:
        """Return which sensor gave the last sign of life."""
        return self._run.last

    def _judge(self, at: At) -> Iterator[Decision]:
        self._seen.look(self._time.steady_ms)
        if not self._sensors or self._seen.blind:
            return
        run = self._run
        silence_ms = run.length_ms(self._time.steady_ms)
        level = sum(silence_ms >= limit for limit in run.limits_ms)
        if level <= run.level or (level == 1 and self._held_ms(0) > 0):
            return
        higher = run.level > 0
        run.level = level
        if higher:
            yield self._decision(at, Stage.NOTED, level)
        # On an open alert this says nothing; where the centre has closed it, it opens a new one.
        yield self._decision(at, Stage.SUSPECTED, level)

    def _held_ms(self, due_ms: int) -> int:
        """Return how long the night holds back an attention due in `due_ms`: to warning at most."""
        at, wet = self._at, self._place.get(self._run.last, "") in WET_ROOMS
        if at is None or not at.proven or wet or self.presence == "arrived":
            return 0
        warning_ms = self._run.limits_ms[1] - self._run.length_ms(self._time.steady_ms) - due_ms
        return min(self._levels.held_ms((self._time.tod_ms + due_ms) % DAY_MS), max(0, warning_ms))

    def _warned_first(self, left_ms: int, held_ms: int) -> bool:
        """Return whether warning ends the holding back, before the night does."""
        run = self._run
        return max(0, left_ms) + held_ms >= run.limits_ms[1] - run.length_ms(self._time.steady_ms)

    def _values(self) -> dict[str, int | float | str]:
        run, now_ms = self._run, self._time.steady_ms
        return {
            "hours": run.length_ms(now_ms) / HOUR_MS,
            "allowed": run.limits_ms[max(0, run.level - 1)] / HOUR_MS,
            "left": max(0, run.limits_ms[0] - run.length_ms(now_ms)) / HOUR_MS,
            "last": run.last or "-",
        }

    def _decision(self, at: At, stage: Stage, level: int) -> Decision:
        name = LEVELS[level - 1]
        where, at_home = self._presence()
        return Decision(
            kind=Kind.INACTIVITY,
            stage=stage,
            at=at,
            device=DEVICE,
            reason=Reason(f"inactivity.{name}.{where}", self._values()),
            probability=at_home,
            onset=self._run.onset,
            evidence={"level": name, "presence": where},
        )

    # ------------------------------------------------------------------------------- telling
    def outlook(self) -> dict[str, Any]:
        """Return when it will ask for help if nothing more is heard, and why: `ansim status`."""
        (where, at_home), at, run = self._presence(), self._at, self._run
        code = f"inactivity.outlook.{where}"
        if not self._sensors:
            code = "inactivity.no-sensor"
        elif self._seen.blind:
            code = "inactivity.blind"
        elif run.level:
            code = f"inactivity.{LEVELS[run.level - 1]}.{where}"
        elif not run.last:
            code = "inactivity.nothing-yet"
        english, korean = render(Reason(code, self._values()))
        due = held = None
        if at is not None and self._sensors and not self._seen.blind:
            left_ms = run.limits_ms[0] - run.length_ms(self._time.steady_ms)
            due = timestamp(at.wall_ms + left_ms)
            if not run.level and (held_ms := self._held_ms(max(0, left_ms))):
                held = timestamp(at.wall_ms + max(0, left_ms) + held_ms)
                until = "held-to-warning" if self._warned_first(left_ms, held_ms) else "held"
                night = render(Reason(f"inactivity.{until}", {"hours": held_ms / HOUR_MS}))
                english, korean = f"{english}; {night[0]}", f"{korean}. {night[1]}"
        return {
            "at": due,
            "held_until": held,
            "presence": where,
            "probability": round(at_home, 3),
            "en": english,
            "ko": korean,
        }

    # ------------------------------------------------------------------------------ surviving
    def save(self) -> bytes:
        """Return the routine and the silence that is running."""
        running = Saved(self._run, self._time.steady_ms, self._at, self._signs.states)
        return running.encode() + b"\n" + self._routine.save()

    def load(self, state: bytes) -> None:
        """Go on from the last commit."""
        line, _, routine = state.partition(b"\n")
        saved = decode(line)
        if saved is None or not self._routine.load(routine):
            return
        self._time = HomeTime(saved.steady_ms)
        self._run, self._saved = saved.running, saved.at
        self._signs.states.update(saved.states)

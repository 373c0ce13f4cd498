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
4. A pulse is no sign of life: it moves no deadline. It tells only that its wearer has not left, or
   is back.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from gateway.core.detectors.inactivity_levels import LEVELS, Levels
from gateway.core.detectors.inactivity_standing import Standing
from gateway.core.detectors.inactivity_survey import HOUR_MS
from gateway.core.detectors.inactivity_words import notes, outlook, values
from gateway.core.detectors.life import LifeSensor, Sign
from gateway.core.detectors.presence import ARRIVED, BAND, GRACE_BAND_MS, LEFT
from gateway.core.fields import parse_timestamp
from gateway.core.inputs import Asked, Input
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
    Reading,
    Reason,
    Stage,
    Tick,
)
from gateway.core.texts import render
from gateway.core.wire import CommandName

DEVICE: Final = "home"
SAME_SIGN_MS: Final = 60_000
REACH_MS: Final = 600_000
"""A band not heard for so long has been out of reach."""


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
        self._home = Standing(sensors, levels, local_ms)
        self._away_buttons = away_buttons
        self._pulse_ms: dict[int, int] = {}

    # -------------------------------------------------------------------------------- feeding
    def feed(self, given: Input) -> Iterable[Decision]:
        """Take one input; return levels reached, and their end."""
        home = self._home
        home.go(given.at)
        match given:
            case Heard():
                home.seen.heard(given.device, home.now_ms)
                home.hears()
                yield from self._heard(given)
            case Tick():
                yield from self._judge(given.at)
            case LinkChange(link=Link.ADAPTER, up=up):
                home.seen.deaf(not up)
                home.routine.spoil()
                home.hears()
            case HubReturned():
                if (Kind.INACTIVITY, DEVICE) in given.open:
                    home.run.level = max(home.run.level, 1)
                home.returned(given)
            case Asked(command=command) if command.name is CommandName.AWAY:
                until = command.args.get("until")
                home.say_away(parse_timestamp(until) if until else None)
            case Asked(command=command) if command.name is CommandName.HOME:
                yield from self._said_home(given.at)
            case _:
                pass

    def _heard(self, given: Heard) -> Iterator[Decision]:
        home = self._home
        for reading in given.readings:
            sign = home.signs.of(reading)
            if sign is None:
                yield from self._pulse(given.at, reading)
                continue
            toggled = (
                isinstance(reading.value, Button)
                and reading.value.press is Press.LONG
                and given.device in self._away_buttons
            )
            yield from self._sign(given.at, sign)
            if toggled and home.run.away_ms is None:
                home.say_away()
            elif toggled:
                home.say_home(given.at)

    def _pulse(self, at: At, reading: Reading) -> Iterator[Decision]:
        """Take a pulse: who may have left has not, or has just come back into reach."""
        home = self._home
        sensor = home.signs.pulse(reading)
        if sensor is None:
            return
        before_ms, self._pulse_ms[sensor] = self._pulse_ms.get(sensor), home.now_ms
        announced = home.run.away_ms is not None
        out = home.routine.regime in (LEFT, ARRIVED) or announced
        if before_ms is None or home.now_ms - before_ms >= REACH_MS:
            if out:
                yield from self._sign(at, Sign(sensor, BAND, 1))
            return
        # A band goes out with its wearer, and is heard through the wall for a while.
        if (out or home.run.lost) and not announced and home.length_ms > GRACE_BAND_MS:
            home.stayed()

    def _sign(self, at: At, sign: Sign) -> Iterator[Decision]:
        home, run = self._home, self._home.run
        last, silence_ms = home.sensors[sign.sensor].name, home.length_ms
        if sign.kind == BAND and run.last == last and not run.level and silence_ms < SAME_SIGN_MS:
            return  # a moving arm says so every second
        if run.level:
            reason = Reason("inactivity.over", {"hours": silence_ms / HOUR_MS, "last": last})
            yield Decision(Kind.INACTIVITY, Stage.WITHDRAWN, at, DEVICE, reason)
        home.sign(at, sign)

    def _said_home(self, at: At) -> Iterator[Decision]:
        """Take the centre's word that the resident is home: the silence told of is over."""
        home = self._home
        if home.run.level:
            reason = Reason("inactivity.said-home", {"hours": home.length_ms / HOUR_MS})
            yield Decision(Kind.INACTIVITY, Stage.WITHDRAWN, at, DEVICE, reason)
        home.say_home(at)

    # ------------------------------------------------------------------------------- judging
    @property
    def presence(self) -> str:
        """Return where the resident probably is."""
        return self._home.presence()[0]

    @property
    def silence_ms(self) -> tuple[int, int]:
        """Return how long the present silence lasts, and how long it may until attention."""
        return self._home.length_ms, self._home.run.limits_ms[0]

    @property
    def last(self) -> str:
        """Return which sensor gave the last sign of life."""
        return self._home.run.last

    def _judge(self, at: At) -> Iterator[Decision]:
        home, run = self._home, self._home.run
        home.look()
        if not home.watched or home.seen.blind:
            return
        silence_ms = home.length_ms
        level = sum(silence_ms >= limit for limit in run.limits_ms)
        if level <= run.level or (level == 1 and home.held_ms(0) > 0):
            return
        higher = run.level > 0
        run.level = level
        if higher:
            yield self._decision(at, Stage.NOTED, level)
        # On an open alert this says nothing; where the centre has closed it, it opens a new one.
        yield self._decision(at, Stage.SUSPECTED, level)

    def _decision(self, at: At, stage: Stage, level: int) -> Decision:
        name = LEVELS[level - 1]
        where, at_home = self._home.presence()
        told = [render(note) for note in notes(self._home)]
        also = {"also": {"en": [one[0] for one in told], "ko": [one[1] for one in told]}}
        return Decision(
            kind=Kind.INACTIVITY,
            stage=stage,
            at=at,
            device=DEVICE,
            reason=Reason(f"inactivity.{name}.{where}", values(self._home)),
            probability=at_home,
            onset=self._home.run.onset,
            evidence={"level": name, "presence": where} | (also if told else {}),
        )

    def outlook(self) -> dict[str, Any]:
        """Return when it will ask for help if nothing more is heard, and why: `ansim status`."""
        return outlook(self._home)

    # ------------------------------------------------------------------------------ surviving
    def save(self) -> bytes:
        """Return the routine and the silence that is running."""
        return self._home.save()

    def load(self, state: bytes) -> None:
        """Go on from the last commit."""
        self._home.load(state)

"""Where a home stands: the silence that runs, what it may last, and how much of it is seen.

    last sign ──► granted by the routine ──► x what is not seen ──► under the ceiling ──► levels

A silence is counted while the home is watched. What the routine grants is kept beside the limits,
so that they follow the sensors: one that dies stretches the silence that runs, one that is back
takes the stretch away. A sign of life ends every doubt; a time without hearing brings one.
"""

from collections.abc import Callable, Sequence
from typing import Final

from gateway.core.detectors.inactivity import UNKNOWN_TOD, Routine
from gateway.core.detectors.inactivity_levels import DAY_MS, WET_ROOMS, Levels
from gateway.core.detectors.inactivity_running import Running, Saved, decode
from gateway.core.detectors.life import LifeSensor, LifeSigns, Sign
from gateway.core.detectors.presence import LEFT
from gateway.core.detectors.sight import LEFT_UNSEEN_MS, TOLD, stretch
from gateway.core.detectors.visibility import Visibility
from gateway.core.detectors.whereabouts import (
    OUT_OF_REACH,
    SAID_AWAY,
    UNKNOWN,
    ceiling_ms,
    presence,
)
from gateway.core.instants import elapsed_ms
from gateway.core.model import At, HubReturned, Kind
from gateway.core.timeline import HomeTime

GOING_OUT_MS: Final = 600_000
CLOCK_MS: Final = 600_000
"""So long the clock has to be proven before a time off counts as long: NTP needs minutes."""
UNTIL_AT_MOST_MS: Final = 31 * DAY_MS
"""An announced return lies no further ahead: a longer absence is announced again."""
OPEN: Final = (Kind.INACTIVITY, "home")


class Standing:
    """One home. `local_ms` turns Unix ms into local ms counted as UTC."""

    def __init__(
        self, sensors: Sequence[LifeSensor], levels: Levels, local_ms: Callable[[int], int]
    ) -> None:
        self.sensors = tuple(sensors)
        self.levels = levels
        self.routine = Routine([sensor.name for sensor in self.sensors])
        self.time = HomeTime()
        self.seen = Visibility(self.sensors)
        self.signs = LifeSigns(self.sensors)
        self.run = Running(levels.limits_ms(levels.attention_ms))
        self.run.granted_ms = levels.attention_ms
        self.at: At | None = None
        self._local_ms = local_ms
        self.full_ms = levels.attention_ms  # what would be allowed if all were seen
        self._saved: At | None = None
        self._stopped: tuple[At | None, At] | None = None  # last seen, begun: off how long?
        self._place = {sensor.name: sensor.place for sensor in self.sensors}
        self._limited_by: tuple[object, ...] = ()

    @property
    def now_ms(self) -> int:
        """Return the home's steady time."""
        return self.time.steady_ms

    @property
    def length_ms(self) -> int:
        """Return how long the silence has lasted, as far as it was watched."""
        return self.run.length_ms(self.now_ms)

    @property
    def left_ms(self) -> int:
        """Return how long until the first level; negative once it is reached."""
        return self.run.limits_ms[0] - self.length_ms

    @property
    def tod_ms(self) -> int:
        """Return the time of day, or that it is not known."""
        return self.time.tod_ms if self.at is not None and self.at.proven else UNKNOWN_TOD

    @property
    def watched(self) -> bool:
        """Whether any device here can give a sign of life."""
        return any(sensor.signs for sensor in self.sensors)

    # --------------------------------------------------------------------------------- time
    def go(self, at: At) -> None:
        """Let the home's time follow; across boots nobody watched, so nothing has passed."""
        before, self.at = self.at, at
        passed = (elapsed_ms(before, at) or 0) if before and before.boot == at.boot else 0
        passed = max(0, passed)
        blind = self.seen.blind
        broke = self.time.go(self._local_ms(at.wall_ms), passed, blind=blind)
        if broke and before and before.proven and at.proven:
            self.time.doubt(broke.by_ms)
        if self.run.since_ms is None:
            self.run.begin(self.now_ms, at, "")
        if blind:
            self.routine.spoil()
            self.run.unseen_ms += passed
            self.run.blind_ms += passed
        if self._stopped is not None:
            self._began(at)

    def hears(self) -> None:
        """Take it that hearing may have begun again: what was a long deafness leaves a doubt."""
        run = self.run
        if run.blind_ms and not self.seen.blind:
            deaf_ms, run.blind_ms = run.blind_ms, 0
            if deaf_ms >= LEFT_UNSEEN_MS:
                self._lose()

    def returned(self, given: HubReturned) -> None:
        """Go on where the last run stopped: what it saw after its last commit was silence too."""
        run, seen = self.run, given.last_seen
        self.routine.spoil()
        if self._saved is None:
            run.level = max(run.level, 1 if OPEN in given.open else 0)
            return
        if seen is not None:
            self.time.steady_ms += max(0, elapsed_ms(self._saved, seen) or 0)
        if OPEN in given.open:  # told after the last saving
            run.level = max(run.level, self.levels.reached(self.length_ms, run.limits_ms))
        self._stopped = (seen, given.at)
        self._began(given.at)

    def _began(self, at: At) -> None:
        """Find how long the hub was off, as soon as the clock can say so."""
        if self._stopped is None:
            return
        seen, start = self._stopped
        off_ms = None
        if seen is not None and (seen.boot == at.boot or (seen.proven and at.proven)):
            off_ms = (elapsed_ms(seen, at) or 0) - (elapsed_ms(start, at) or 0)
        elif not at.proven and (elapsed_ms(start, at) or 0) < CLOCK_MS:
            return
        self._stopped = None
        self.run.unseen_ms += max(0, off_ms or 0)
        if off_ms is None or off_ms >= LEFT_UNSEEN_MS:
            self._lose()

    def _lose(self) -> None:
        """Take it that nobody saw whether the resident left, and that an absence begins now.

        Under the ceiling for a presence that is not known, which counts from the silence's
        beginning: any number of doubts moves the deadline no further.
        """
        run = self.run
        run.lost = True
        if run.level or run.away_ms is not None or self.routine.regime == LEFT:
            return
        run.most_ms = max(run.most_ms, run.limits_ms[0])
        self.grant(max(self.left_ms, self.routine.away_ms(self.now_ms, self.tod_ms)))

    # ---------------------------------------------------------------------------- allowances
    def sign(self, at: At, sign: Sign) -> None:
        """Begin a new silence after a sign of life."""
        run, now_ms = self.run, self.now_ms
        run.begin(now_ms, at, self.sensors[sign.sensor].name)
        if run.away_ms is not None and now_ms - run.away_ms > GOING_OUT_MS:
            run.away_ms, run.back_ms = None, now_ms
        other = self.time.other_tod_ms if at.proven else None
        doorless = self.seen.doorless
        allowed_ms = self.routine.sign(
            now_ms,
            self.tod_ms,
            sign.sensor,
            sign.kind,
            sign.state,
            learn=at.proven and other is None,
            doorless=doorless,
        )
        if other is not None:
            again_ms = self.routine.allowed_ms(now_ms, other, doorless=doorless)
            allowed_ms = max(allowed_ms, again_ms)
        self.grant(allowed_ms, signed=True)

    def stayed(self) -> None:
        """Take it that who may have left has not: the silence is one at home, since it began."""
        run = self.run
        self.routine.returned()
        run.lost, run.away_ms = False, None
        if run.level or run.since_ms is None:
            return
        run.granted_ms, run.granted_at_ms = self.routine.again_ms(doorless=False), run.since_ms
        run.signed = True
        self.limit()

    def came(self) -> None:
        """Take it that who was out is within reach again: no sign of life, but a return."""
        run = self.run
        self.routine.came(self.now_ms)
        if run.away_ms is not None:
            run.away_ms, run.back_ms = None, self.now_ms
        if not run.level:
            allowed_ms = self.routine.allowed_ms(self.now_ms, self.tod_ms)
            run.most_ms = self.length_ms + min(allowed_ms, self.levels.attention_ms)
            self.grant(allowed_ms)

    def grant(self, allowed_ms: int, *, signed: bool = False) -> None:
        """Allow so much silence from now on."""
        run = self.run
        run.granted_ms, run.granted_at_ms, run.signed = allowed_ms, self.now_ms, signed
        self.limit()

    def look(self) -> None:
        """See which sensors have fallen silent, and let the limits follow."""
        run, now_ms = self.run, self.now_ms
        self.seen.off = self.signs.off
        self.seen.look(now_ms)
        if self.stretched >= TOLD or self.seen.doorless:
            self.routine.spoil()  # a silence of which a good part was not seen teaches nothing
        if run.level or run.since_ms is None:
            return
        if run.away_ms is not None and run.pressed and now_ms - run.away_ms > GOING_OUT_MS:
            run.pressed = False
            if self.seen.sees_door and self.routine.door_ms < run.away_ms - GOING_OUT_MS:
                self.stayed()  # who presses is at home, and nobody has opened the door since
        by = (self.sights(), self.seen.doorless, self.seen.out_of_reach)
        if by == self._limited_by and run.until_ms is None:
            return
        moved = self._limited_by and self.seen.doorless != self._limited_by[1]
        if moved and run.signed and self.routine.regime != LEFT:
            run.granted_ms = self.routine.again_ms(doorless=self.seen.doorless)
        self.limit()

    def limit(self) -> None:
        """Set the levels from what was granted, what is seen of it, and the ceilings."""
        run, levels = self.run, self.levels
        self._limited_by = (self.sights(), self.seen.doorless, self.seen.out_of_reach)
        at_ms = self.now_ms if run.granted_at_ms is None else run.granted_at_ms
        before_ms = run.length_ms(at_ms)
        if run.away_ms is not None:
            if run.until_ms is None:
                run.limits_ms = levels.limits_ms(before_ms + levels.away_ms, home=False)
            elif self.at is not None and self.at.proven:  # the one deadline that a calendar sets
                return_ms = self.length_ms + run.until_ms - self.at.wall_ms
                run.limits_ms = levels.after_return_ms(return_ms)
            return
        if self.seen.out_of_reach:
            run.limits_ms = levels.limits_ms(levels.away_ms, home=False)
            return
        known = self.routine if self._known else None
        most_ms = ceiling_ms(known, at_ms, levels)
        self.full_ms = min(before_ms + run.granted_ms, most_ms)
        allowed_ms = before_ms + round(run.granted_ms * self.stretched)
        allowed_ms = min(allowed_ms, max(run.most_ms, most_ms))
        run.limits_ms = levels.limits_ms(allowed_ms, home=self.routine.regime != LEFT)

    @property
    def stretched(self) -> float:
        """Return by how much what is not seen stretches this silence; an absence needs no sight."""
        if self.routine.regime == LEFT:
            return 1.0
        return stretch(self.routine.share(self.sights()))

    @property
    def _known(self) -> bool:
        """Whether anybody can tell home from out. Who was seen to leave is out until heard."""
        if not self.run.last:
            return False
        return self.routine.regime == LEFT or (self.seen.sees_door and not self.run.lost)

    def say_away(self, until_ms: int | None = None, *, pressed: bool = False) -> None:
        """Take it that the resident goes out; `until_ms`: Unix time of the announced return.

        pressed: by a button at home, so that the door must be heard next.
        """
        run, at = self.run, self.at
        run.away_ms, run.until_ms, run.pressed = self.now_ms, until_ms, pressed
        if until_ms is not None and at is not None and at.proven:
            run.until_ms = min(until_ms, at.wall_ms + UNTIL_AT_MOST_MS)
        if until_ms is not None:  # until the clock is proven, as without it
            run.limits_ms = self.levels.limits_ms(self.length_ms + self.levels.away_ms, home=False)
        self.grant(self.levels.away_ms)

    def say_home(self, at: At) -> None:
        """Take it that the resident is home now: whoever said so has seen or heard them."""
        run, now_ms = self.run, self.now_ms
        run.begin(now_ms, at, run.last)
        run.away_ms, run.said = None, True
        self.routine.returned()
        doorless = self.seen.doorless
        self.grant(self.routine.allowed_ms(now_ms, self.tod_ms, doorless=doorless))

    # --------------------------------------------------------------------------------- telling
    def presence(self) -> tuple[str, float]:
        """Return where the resident probably is, and how probably at home."""
        if self.run.away_ms is not None:
            return SAID_AWAY
        if self.seen.out_of_reach:
            return OUT_OF_REACH
        if not self._known or self.seen.blind:
            return UNKNOWN
        return presence(self.routine, self.now_ms, self.length_ms, self.levels)

    def held_ms(self, due_ms: int) -> int:
        """Return how long the night holds back an attention due in `due_ms`: to warning at most."""
        at, wet = self.at, self._place.get(self.run.last, "") in WET_ROOMS
        if at is None or not at.proven or wet or self.presence()[0] == "arrived":
            return 0
        warning_ms = self.run.limits_ms[1] - self.length_ms - due_ms
        return min(self.levels.held_ms((self.time.tod_ms + due_ms) % DAY_MS), max(0, warning_ms))

    def sights(self) -> tuple[float, ...]:
        """Return how far each sensor can be believed; a band on the table shows nothing."""
        self.seen.off = self.signs.off
        return self.seen.sights

    # ------------------------------------------------------------------------------- surviving
    def save(self) -> bytes:
        """Return the routine and the silence that is running."""
        saved = Saved(
            self.run,
            self.now_ms,
            self.at,
            self.signs.states,
            self.seen.unheard,
            tuple(sorted(self.seen.dead)),
            tuple(sorted(self.signs.off)),
        )
        return saved.encode() + b"\n" + self.routine.save()

    def load(self, state: bytes) -> None:
        """Go on from the last commit."""
        line, _, routine = state.partition(b"\n")
        saved = decode(line)
        if not self.routine.load(routine) or saved is None:
            return
        self.time = HomeTime(saved.steady_ms)
        self.run, self._saved = saved.running, saved.at
        self.signs.states.update(saved.states)
        self.signs.remember_off(saved.off)
        self.seen.remember(saved.unheard, saved.dead)

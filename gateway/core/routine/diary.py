"""The home's diary: what it hears becomes days, and once a day the last one becomes a summary.

    Heard ─► signs of life, visits, band        ┐
    Tick  ─► minute by minute: seen or blind,    ├─► today's Day ──► summary at `tell_ms` of the
             in or out, how near the deadline    │                   next day, then kept four weeks
    alerts ─► what rang                          ┘

Theory of operation. Every minute that is watched is counted into its hour; a minute in which the
hub was off, deaf or without a proven clock is counted as blind there, and never as quiet. A day is
told once: its number is committed in the same transaction as its message, and is remembered longer
than the day, so that neither a restart nor a clock that jumps tells it twice. Memory is bounded:
four weeks of days of a few hundred bytes.

It learns nothing while the clock is not proven: a Raspberry Pi that starts without the network has
no idea what day it is.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from gateway.core.alerts import Alert
from gateway.core.detectors.life import LifeSensor, LifeSigns
from gateway.core.detectors.life_kernels import moves
from gateway.core.detectors.presence import BAND
from gateway.core.detectors.visibility import Visibility
from gateway.core.inputs import Input
from gateway.core.instants import elapsed_ms
from gateway.core.model import (
    AccelerationBlock,
    At,
    Decision,
    Heard,
    HeartRate,
    Link,
    LinkChange,
    Reading,
    Tick,
    Worn,
)
from gateway.core.routine.day import (
    DAY_MS,
    HOUR_MS,
    MINUTE_MS,
    TURN_MS,
    Day,
    Told,
    hour_of,
    night_of,
    number_at,
)
from gateway.core.routine.measures import WEEKS_4, Senses
from gateway.core.routine.summary import summary_body

VERSION: Final = 1
KEPT: Final = "routine.days"
APART_MS: Final = 40 * MINUTE_MS  # a silence that ends a stretch of signs of life
UP_MS: Final = 30 * MINUTE_MS  # in the night, a shorter stretch is a walk to the bathroom
VISIT_MS: Final = 10 * MINUTE_MS  # signs of the bathroom closer together are one visit
OUT_MS: Final = 10 * MINUTE_MS  # less is a look at the letterbox
STALLED_MS: Final = 5 * MINUTE_MS  # without a tick: nobody watched
JUMP_MS: Final = 2 * MINUTE_MS
PULSE_MS: Final = 5 * MINUTE_MS
PULSE_LEAST: Final = 3
LATE_DAYS: Final = 7  # a day that ended longer ago is not told any more
OUT: Final = frozenset({"away", "said-away"})
DOUBT: Final = "arrived"  # the door moved after an absence, nothing inside since
GUESS: Final = "unknown"


class Watch(Protocol):
    """What the diary asks of the watch over silence."""

    @property
    def presence(self) -> str:
        """Return where the resident probably is."""
        ...

    @property
    def silence_ms(self) -> tuple[int, int]:
        """Return how long the present silence lasts, and how long it may."""
        ...


@dataclass(slots=True)
class _Minute:
    """What came in since the last full minute, by the band; and the five minutes of pulse."""

    blocks: int = 0
    moving: int = 0
    pulse_bin: int = -1
    pulse: list[int] = field(default_factory=list)


class Diary:
    """See the module. `quiet_ms`: local times of day at which the night begins and ends."""

    name = "routine"

    def __init__(
        self,
        sensors: Sequence[LifeSensor],
        senses: Senses,
        local_ms: Callable[[int], int],
        *,
        watch: Watch | None,
        quiet_ms: tuple[int, int],
        tell_ms: int,
    ) -> None:
        self.senses = senses
        self._local_of = local_ms
        self._watch = watch
        self._quiet_ms = quiet_ms
        self._tell_ms = max(tell_ms, TURN_MS, quiet_ms[1])
        self._signs = LifeSigns(sensors)
        self._seen = Visibility(sensors)
        self._days: dict[int, Day] = {}
        self._told: list[int] = []  # numbers, the newest last
        self._counted: At | None = None
        self._steady_ms = 0
        self._offset_ms: int | None = None
        self._until_ms: int | None = None  # wall time up to which minutes are counted
        self._out_since_ms: int | None = None  # local
        self._stretch = (0, -DAY_MS, False)  # local: of signs of life; whether the resident is up
        self._wet_ms: int | None = None  # local: the last sign from the bathroom
        self._off: set[str] = set()
        self._minute = _Minute()
        self._stale = False  # a day already told has changed

    @property
    def days(self) -> tuple[Day, ...]:
        """Return what is remembered, the oldest first."""
        return tuple(self._days[number] for number in sorted(self._days))

    # -------------------------------------------------------------------------------- feeding
    def feed(self, given: Input) -> Iterable[Decision]:
        """Take one input; it decides nothing."""
        match given:
            case Heard(at=at, device=device, readings=readings):
                self._seen.heard(device, self._steady_ms)
                if at.proven:
                    for reading in readings:
                        self._heard(self._local(at), reading)
            case Tick(at=at):
                self._tick(at)
            case LinkChange(link=Link.ADAPTER, up=up):
                self._seen.deaf(not up)
            case _:
                pass
        return ()

    def alerts(self, alerts: Iterable[Alert]) -> None:
        """Take what rang, or what became of it."""
        for alert in alerts:
            if not alert.at.proven:
                continue
            local_ms = self._local_of(alert.at.wall_ms)
            day = next((one for one in self._days.values() if one.knows(alert.id)), None)
            day = day or self._day(number_at(local_ms))
            day.tell(
                Told(
                    id=alert.id,
                    at_min=(local_ms - day.number * DAY_MS) // MINUTE_MS,
                    kind=alert.kind.value,
                    device=alert.device,
                    matter=alert.matter.value,
                    code=alert.reason.code,
                    values=dict(alert.reason.values),
                )
            )
            self._stale = self._stale or day.number in self._told

    def _day(self, number: int) -> Day:
        return self._days.setdefault(number, Day(number))

    # -------------------------------------------------------------------------------- hearing
    def _heard(self, local_ms: int, reading: Reading) -> None:
        match reading.value:
            case AccelerationBlock(acc_mg=acc_mg):
                if reading.device not in self._off:
                    self._minute.blocks += 1
                    self._minute.moving += bool(moves(acc_mg))
                return
            case Worn(worn=worn):
                (self._off.discard if worn else self._off.add)(reading.device)
            case HeartRate(bpm=bpm, contact=contact):
                if contact is not None:
                    (self._off.discard if contact else self._off.add)(reading.device)
                if bpm and contact is not False:
                    self._pulse(local_ms, bpm)
                return
            case _:
                pass
        sign = self._signs.of(reading)
        if sign is not None and sign.kind != BAND:
            self._sign(local_ms, reading.device)

    def _sign(self, local_ms: int, device: str) -> None:
        day = self._day(number_at(local_ms))
        day.signs[hour_of(local_ms)] += 1
        self._up(local_ms, day)
        if device not in self.senses.bathroom:
            return
        fresh = self._wet_ms is None or not 0 <= local_ms - self._wet_ms < VISIT_MS
        self._wet_ms = local_ms
        if fresh and self._quiet(local_ms):
            self._day(night_of(local_ms)).visits += 1

    def _up(self, local_ms: int, day: Day) -> None:
        """Move the day's first and last motion, unless this is a short walk in the night."""
        begun_ms, latest_ms, up = self._stretch
        if not 0 <= local_ms - latest_ms < APART_MS:
            begun_ms, up = local_ms, False
        up = up or not self._quiet(local_ms) or local_ms - begun_ms >= UP_MS
        self._stretch = (begun_ms, local_ms, up)
        if up:
            begun_ms = begun_ms if number_at(begun_ms) == day.number else local_ms
            midnight_ms = day.number * DAY_MS
            day.up((begun_ms - midnight_ms) // MINUTE_MS, (local_ms - midnight_ms) // MINUTE_MS)

    def _pulse(self, local_ms: int, bpm: int) -> None:
        minute, which = self._minute, local_ms // PULSE_MS
        if which != minute.pulse_bin:
            if len(minute.pulse) >= PULSE_LEAST:
                mean = str(round(sum(minute.pulse) / len(minute.pulse)))
                counts = self._day(number_at(minute.pulse_bin * PULSE_MS)).pulse
                counts[mean] = counts.get(mean, 0) + 1
            minute.pulse_bin, minute.pulse = which, []
        minute.pulse.append(bpm)

    def _quiet(self, local_ms: int) -> bool:
        begins_ms, ends_ms = self._quiet_ms
        return (local_ms - begins_ms) % DAY_MS < (ends_ms - begins_ms) % DAY_MS

    # ------------------------------------------------------------------------------- counting
    def _tick(self, at: At) -> None:
        """Count the full minutes since the last count."""
        before = self._counted
        passed_ms = elapsed_ms(before, at) if before and before.boot == at.boot else None
        if before is not None and passed_ms is not None and passed_ms < MINUTE_MS:
            return
        self._counted = at
        self._steady_ms += passed_ms or 0
        self._seen.look(self._steady_ms)
        self._offset_ms = None
        if not at.proven:
            return
        watched = before is not None and before.proven and passed_ms is not None
        local_ms = self._local(at)
        until_ms, self._until_ms = self._until_ms, at.wall_ms
        if until_ms is None:  # nothing is known of the day before its first minute
            self._unseen(local_ms - (local_ms - TURN_MS) % DAY_MS, local_ms)
            return
        gap_ms = at.wall_ms - until_ms
        if watched and abs(gap_ms - (passed_ms or 0)) > JUMP_MS:
            for jumped_ms in (local_ms, local_ms - gap_ms):
                self._day(number_at(jumped_ms)).jumped = True
        elif watched and gap_ms <= STALLED_MS:
            self._count(local_ms, max(1, round(gap_ms / MINUTE_MS)))
        elif gap_ms > 0:
            self._unseen(local_ms - gap_ms, local_ms)

    def _local(self, at: At) -> int:
        """Return local ms; the zone is asked once a minute."""
        if self._offset_ms is None:
            self._offset_ms = self._local_of(at.wall_ms) - at.wall_ms
        return at.wall_ms + self._offset_ms

    def _count(self, local_ms: int, minutes: int) -> None:
        """Count minutes that were watched, the last of which has passed at `local_ms`."""
        hour, day = hour_of(local_ms - 1), self._day(number_at(local_ms - 1))
        if self._seen.blind:
            self._unseen(local_ms - minutes * MINUTE_MS, local_ms)
        for device in self._seen.dead:
            day.unheard[device] = day.unheard.get(device, 0) + minutes
        heard = self._minute
        if heard.blocks:
            day.worn += minutes
            day.active += minutes * (heard.moving * 2 >= heard.blocks)
            heard.blocks = heard.moving = 0
        if self._watch is not None:
            self._where(local_ms, day, minutes)
            silence_ms, allowed_ms = self._watch.silence_ms
            day.allowed[hour] = round(allowed_ms / 360_000)
            share = 100 * silence_ms // max(1, allowed_ms)
            day.used[hour] = min(999, max(day.used[hour], share))

    def _where(self, local_ms: int, day: Day, minutes: int) -> None:
        presence = self._watch.presence if self._watch else GUESS
        if presence in OUT:
            if self._out_since_ms is None:
                self._out_since_ms = local_ms - minutes * MINUTE_MS
        elif presence != DOUBT:
            self._came_home(local_ms)
            day.guessed += minutes * (presence == GUESS)

    def _came_home(self, local_ms: int) -> None:
        since_ms, self._out_since_ms = self._out_since_ms, None
        if since_ms is not None and OUT_MS <= local_ms - since_ms <= LATE_DAYS * DAY_MS:
            for start_ms, minutes in _spread(since_ms, local_ms):
                day, hour = self._day(number_at(start_ms)), hour_of(start_ms)
                day.out[hour] = min(60, day.out[hour] + minutes)

    def _unseen(self, from_ms: int, to_ms: int) -> None:
        """Note that nobody watched between two local times; a day that never began stays so."""
        today = number_at(to_ms)
        for start_ms, minutes in _spread(max(from_ms, to_ms - WEEKS_4 * DAY_MS), to_ms):
            number, night = number_at(start_ms), night_of(start_ms)
            if number == today or number in self._days:
                self._day(number).unseen(hour_of(start_ms), minutes)
                self._stale = self._stale or number in self._told
            if self._quiet(start_ms) and night in self._days:
                self._days[night].night_blind += minutes

    # -------------------------------------------------------------------------------- telling
    def bodies(self, at: At) -> list[dict[str, Any]]:
        """Return the summaries whose time has come: of each day one, ever."""
        if not at.proven or at != self._counted:
            return []
        local_ms = self._local(at)
        today = number_at(local_ms)
        due = [
            number
            for number in sorted(self._days)
            if number not in self._told
            and today - LATE_DAYS <= number < today
            and local_ms >= (number + 1) * DAY_MS + self._tell_ms
        ]
        if due and self._out_since_ms is not None:  # what is certain of an absence that goes on
            since_ms = self._out_since_ms
            self._came_home(local_ms)
            self._out_since_ms = local_ms if local_ms - since_ms >= OUT_MS else since_ms
        return [self._told_now(number, at) for number in due]

    def _told_now(self, number: int, at: At) -> dict[str, Any]:
        before = [day for n, day in sorted(self._days.items()) if n < number]
        missed = 0
        if self._told and (last := self._told[-1]) < number - 1 and number - last <= WEEKS_4:
            missed = sum(n not in self._days for n in range(last + 1, number))
        self._told = [*self._told, number][-2 * WEEKS_4 :]
        self._stale = True
        body = summary_body(self._days[number], before, self.senses, at, missed=missed)
        self._forget(number)
        return body

    def _forget(self, number: int) -> None:
        """Forget what is four weeks older than a day; also a day that a wrong clock invented."""
        for n in list(self._days):
            if n < number - WEEKS_4 or n > number + LATE_DAYS:
                del self._days[n]

    # ------------------------------------------------------------------------------ surviving
    def save(self) -> bytes:
        """Return what must survive a restart and changes by the minute: the days not yet told."""
        running = [day.to_json() for n, day in sorted(self._days.items()) if n not in self._told]
        return _packed(
            {
                "told": self._told,
                "days": running,
                "until": self._until_ms,
                "out": self._out_since_ms,
                "wet": self._wet_ms,
            }
        )

    def kept(self) -> tuple[tuple[str, bytes], ...]:
        """Return the days told, when they have changed: once a day, to spare the SD card."""
        if not self._stale:
            return ()
        self._stale = False
        told = [day.to_json() for n, day in sorted(self._days.items()) if n in self._told]
        return ((KEPT, _packed({"days": told})),)

    def load(self, state: bytes) -> None:
        """Take back what `save` returned, or the days of `kept`."""
        values = unpacked(state)
        days = {day.number: day for day in days_of(values)}
        self._days |= days
        if "told" in values:
            self._told = [int(number) for number in values["told"]]
            self._until_ms = values["until"]
            self._out_since_ms, self._wet_ms = values["out"], values["wet"]


def _spread(from_ms: int, to_ms: int) -> Iterable[tuple[int, int]]:
    """Yield (start, minutes) of each hour, or part of one, between two local times."""
    while from_ms < to_ms:
        end_ms = min(to_ms, from_ms - from_ms % HOUR_MS + HOUR_MS)
        minutes = round((end_ms - from_ms) / MINUTE_MS)
        if minutes:
            yield from_ms, minutes
        from_ms = end_ms


def _packed(values: dict[str, Any]) -> bytes:
    whole = json.dumps({"version": VERSION, **values}, separators=(",", ":"))
    return zlib.compress(whole.encode())


def unpacked(state: bytes) -> dict[str, Any]:
    """Return a saved state as JSON values; one of another version, or broken, is empty."""
    try:
        values = json.loads(zlib.decompress(state))
    except (ValueError, zlib.error):
        return {}
    known = isinstance(values, dict) and values.get("version") == VERSION
    return values if known else {}


def days_of(values: dict[str, Any]) -> list[Day]:
    """Return the days of a saved state; what is none is left out."""
    days = []
    for one in values.get("days", ()):
        try:
            days.append(Day.from_json(one))
        except (TypeError, ValueError):
            continue
    return days

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

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

from gateway.core.alerts import Alert
from gateway.core.detectors.life import LifeSensor, LifeSigns
from gateway.core.detectors.presence import BAND
from gateway.core.detectors.visibility import Visibility
from gateway.core.inputs import Input
from gateway.core.instants import elapsed_ms
from gateway.core.model import At, Decision, Heard, Link, LinkChange, Reading, Tick
from gateway.core.routine.band import Bands
from gateway.core.routine.day import DAY_MS, MINUTE_MS, TURN_MS, Day, Night, hour_of
from gateway.core.routine.measures import Senses
from gateway.core.routine.shelf import KEPT, LATE_DAYS, Shelf, packed, unpacked
from gateway.core.routine.summary import summary_body
from gateway.core.routine.walks import Walks

OUT_MS: Final = 10 * MINUTE_MS  # less is a look at the letterbox
STALLED_MS: Final = 5 * MINUTE_MS  # without a tick: nobody watched
JUMP_MS: Final = 2 * MINUTE_MS
OUT: Final = frozenset({"away", "said-away"})
# The door moved and nothing inside since: they may have come, or may have gone.
DOUBT: Final = frozenset({"arrived", "ambiguous"})
GUESSED: Final = frozenset({"unknown", "out-of-reach"})


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
        night = Night(*quiet_ms)
        self._tell_ms = max(tell_ms, TURN_MS, night.ends_ms)
        self._signs = LifeSigns(sensors)
        self._seen = Visibility(sensors)
        self._shelf = Shelf(night)
        self._walks = Walks(night, senses.bathroom, senses.bedroom)
        self._bands = Bands()
        self._counted: At | None = None
        self._steady_ms = 0
        self._offset_ms: int | None = None
        self._until_ms: int | None = None  # wall time up to which minutes are counted
        self._out_since_ms: int | None = None  # local

    @property
    def days(self) -> tuple[Day, ...]:
        """Return what is remembered, the oldest first."""
        return self._shelf.days

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
            if alert.at.proven:
                self._shelf.alert(alert, self._local_of(alert.at.wall_ms))

    def _heard(self, local_ms: int, reading: Reading) -> None:
        if self._bands.heard(local_ms, reading, self._shelf):
            return
        sign = self._signs.of(reading)
        if sign is not None and sign.kind != BAND:
            self._walks.sign(local_ms, reading.device, self._shelf)

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
            self._shelf.unseen(local_ms - (local_ms - TURN_MS) % DAY_MS, local_ms)
            return
        gap_ms = at.wall_ms - until_ms
        if watched and abs(gap_ms - (passed_ms or 0)) > JUMP_MS:
            for jumped_ms in (local_ms, local_ms - gap_ms):
                self._shelf.day(jumped_ms).jumped = True
        elif watched and gap_ms <= STALLED_MS:
            self._count(local_ms, max(1, round(gap_ms / MINUTE_MS)))
        elif gap_ms > 0:
            self._shelf.unseen(local_ms - gap_ms, local_ms)

    def _local(self, at: At) -> int:
        """Return local ms; the zone is asked once a minute."""
        if self._offset_ms is None:
            self._offset_ms = self._local_of(at.wall_ms) - at.wall_ms
        return at.wall_ms + self._offset_ms

    def _count(self, local_ms: int, minutes: int) -> None:
        """Count minutes that were watched, the last of which has passed at `local_ms`."""
        hour, day = hour_of(local_ms - 1), self._shelf.day(local_ms - 1)
        if self._seen.blind:
            self._shelf.unseen(local_ms - minutes * MINUTE_MS, local_ms)
            day.deaf += minutes
        for device in self._seen.dead:
            day.unheard[device] = day.unheard.get(device, 0) + minutes
        self._bands.minute(day, minutes)
        if self._watch is not None:
            presence = self._watch.presence
            self._where(presence, local_ms, day, minutes)
            silence_ms, allowed_ms = self._watch.silence_ms
            if presence not in OUT and presence != "ambiguous":
                day.allowed[hour] = round(allowed_ms / 360_000)
            share = 100 * silence_ms // max(1, allowed_ms)
            day.used[hour] = min(999, max(day.used[hour], share))

    def _where(self, presence: str, local_ms: int, day: Day, minutes: int) -> None:
        if presence in OUT:
            if self._out_since_ms is None:
                self._out_since_ms = local_ms - minutes * MINUTE_MS
        elif presence in GUESSED:  # an absence that began before goes on until somebody is heard
            day.guessed += minutes
        elif presence not in DOUBT:
            self._came_home(local_ms)

    def _came_home(self, local_ms: int) -> bool:
        """Take down the absence that ends now; return whether it was one."""
        since_ms, self._out_since_ms = self._out_since_ms, None
        if since_ms is None or not OUT_MS <= local_ms - since_ms <= LATE_DAYS * DAY_MS:
            return False
        self._shelf.out(since_ms, local_ms)
        return True

    # -------------------------------------------------------------------------------- telling
    def bodies(self, at: At) -> list[dict[str, Any]]:
        """Return the summaries whose time has come: of each day one, ever."""
        if not at.proven or at != self._counted:
            return []
        local_ms = self._local(at)
        due = self._shelf.due(local_ms, self._tell_ms)
        since_ms = self._out_since_ms
        if due and since_ms is not None:  # what is certain of an absence that goes on
            self._out_since_ms = local_ms if self._came_home(local_ms) else since_ms
        return [self._told(day, at) for day in due]

    def _told(self, day: Day, at: At) -> dict[str, Any]:
        before, missed = self._shelf.tell(day)
        return summary_body(day, before, self.senses, at, missed=missed)

    # ------------------------------------------------------------------------------ surviving
    def save(self) -> bytes:
        """Return what must survive a restart and changes by the minute: the days not yet told."""
        since = {"until": self._until_ms, "out": self._out_since_ms}
        return packed(self._shelf.running() | since)

    def kept(self) -> tuple[tuple[str, bytes], ...]:
        """Return the days told, when they have changed: once a day, to spare the SD card."""
        return self._shelf.kept()

    def load(self, state: bytes) -> None:
        """Take back what `save` returned, or the days of `kept`."""
        values = unpacked(state)
        self._shelf.load(values)
        if "told" in values:
            self._until_ms, self._out_since_ms = values.get("until"), values.get("out")


__all__ = ["KEPT", "Diary", "Watch"]

"""A home's log through the hub's own pipeline: every silence, deadline and alarm of months.

The pipeline is the daemon's, with the watch over silence and the diary as its rules; a tick comes
every minute, as in the daemon every second. A log has no heartbeats, so no sensor of it can be
found dead, and no centre, so an alarm is closed when life goes on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from gateway import plan as plans
from gateway.core.alerts import Matter
from gateway.core.inputs import Acknowledge, Input
from gateway.core.model import AccelerationBlock, At, Heard, HeartRate, Kind, Reading, Tick
from gateway.core.outputs import Outputs, Stream
from gateway.core.pipeline import Pipeline, Plan
from gateway.core.routine.day import Day
from gateway.core.routine.diary import OUT
from gateway.core.routine.measures import Senses
from gateway.core.wire import PLACES, Ack, AckStatus, Cause
from gateway.replay.direct import BOOT, pipeline_of
from gateway.replay.home import DISTRICT, HUB
from gateway.replay.homelog import HomeLog
from gateway.settings import BrokerSettings, HubSettings, Settings, UplinkSettings

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
NEVER_MS: Final = 1 << 60
WORTH_MS: Final = HOUR_MS
"""Shorter silences are not listed."""


@dataclass(frozen=True, slots=True)
class Silence:
    """One silence, local ms: from the last sign of life to the next; what was allowed, and where.

    rang_ms: when attention was told, None if it was not.
    """

    from_ms: int
    to_ms: int
    allowed_ms: int
    presence: str
    last: str
    rang_ms: int | None = None

    @property
    def out(self) -> bool:
        """Whether the resident was thought to be out."""
        return self.presence in OUT


@dataclass(frozen=True, slots=True)
class Rang:
    """One step of an alarm, with its reason."""

    local_ms: int
    kind: str
    state: str
    en: str
    ko: str


@dataclass(slots=True)
class Lived:
    """What a replayed home went through."""

    name: str
    simulated: bool
    senses: Senses
    days: dict[int, Day] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    alarms: list[Rang] = field(default_factory=list)
    summaries: list[tuple[str, str]] = field(default_factory=list)


def settings_of(log: HomeLog, like: Settings | None = None) -> Settings:
    """Return the settings of a log's home; `like`: whose hours and levels it takes."""
    made = Settings(
        hub=HubSettings(id=HUB, district=DISTRICT, timezone="UTC"),
        uplink=UplinkSettings(brokers=(BrokerSettings(url="mqtt://127.0.0.1"),)),
        devices=log.devices,
    )
    if like is None:
        return made
    known = {stanza.name: stanza for stanza in like.devices}
    devices = tuple(known.get(stanza.name, stanza) for stanza in log.devices)
    return replace(made, devices=devices, inactivity=like.inactivity, routine=like.routine)


class _Home:
    """A pipeline and what is taken down of it."""

    def __init__(self, log: HomeLog, settings: Settings) -> None:
        self.watch = plans.watch(settings, log.able)
        self.diary = plans.diary(settings, log.able, self.watch)
        self.pipeline: Pipeline = pipeline_of(
            Plan(
                detectors=(self.watch,),
                save_every_ms=NEVER_MS,
                place={stanza.name: PLACES[stanza.place] for stanza in settings.devices},
                test_alarm_every_ms=NEVER_MS,
                diary=self.diary,
            )
        )
        self.lived = Lived(log.name, log.simulated, self.diary.senses)
        self._rang_ms: int | None = None
        self._running = Silence(0, 0, 0, "", "")

    def feed(self, given: Input) -> None:
        """Feed one input, and take down what it ended."""
        outputs = self.pipeline.feed(given)
        if outputs.posts:
            self._note(outputs, given.at)
        silence_ms, allowed_ms = self.watch.silence_ms
        running, now_ms = self._running, given.at.wall_ms
        if silence_ms < now_ms - running.from_ms:
            if running.to_ms - running.from_ms >= WORTH_MS:
                ended = replace(running, to_ms=now_ms, rang_ms=self._rang_ms)
                self.lived.silences.append(ended)
            self._rang_ms = None
        presence = self.watch.presence if silence_ms >= WORTH_MS else ""
        self._running = Silence(now_ms - silence_ms, now_ms, allowed_ms, presence, self.watch.last)

    def ended(self) -> Lived:
        """Return what was lived through, with the silence in which the log ends."""
        running = self._running
        if running.to_ms - running.from_ms >= WORTH_MS:
            self.lived.silences.append(replace(running, rang_ms=self._rang_ms))
        self.lived.days |= {day.number: day for day in self.diary.days}
        return self.lived

    def _note(self, outputs: Outputs, at: At) -> None:
        for post in outputs.posts:
            body = post.body
            if post.stream is Stream.ROUTINE:
                self.lived.summaries.append((body["en"], body["ko"]))
                self.lived.days |= {day.number: day for day in self.diary.days}
            elif post.stream is Stream.ALARM:
                told = body["evid"]
                over = told["reason"] == "inactivity.over"
                if body["type"] == Kind.INACTIVITY and not over and self._rang_ms is None:
                    self._rang_ms = at.wall_ms
                state = "over" if over else str(body["state"])
                rang = Rang(at.wall_ms, str(body["type"]), state, told["en"], told["ko"])
                self.lived.alarms.append(rang)
        ended = [alert for alert in outputs.alerts if alert.matter is not Matter.CLOSED]
        if any(alert.reason.code == "inactivity.over" for alert in ended):
            ids = tuple(alert.id for alert in ended)
            ack = Ack("", Stream.ALARM, AckStatus.CLOSED, ids=ids, cause=Cause.FALSE)
            self.pipeline.feed(Acknowledge(at, ack))


def live(log: HomeLog, settings: Settings) -> Lived:
    """Let a log's home be lived through a hub of these settings."""
    home = _Home(log, settings)
    for given in inputs(log):
        home.feed(given)
    return home.ended()


def inputs(log: HomeLog) -> Iterator[Input]:
    """Yield what the log's hub would have heard, and a tick each minute."""
    first_ms = log.events[0][0]
    ticked_ms = first_ms - first_ms % MINUTE_MS
    began_ms = ticked_ms
    for local_ms, device, value in log.events:
        while ticked_ms + MINUTE_MS <= local_ms:
            ticked_ms += MINUTE_MS
            yield Tick(At(BOOT, ticked_ms - began_ms, ticked_ms, proven=True))
        at = At(BOOT, local_ms - began_ms, local_ms, proven=True)
        yield Heard(at, device, (Reading(at, device, value),))
    while ticked_ms + MINUTE_MS <= log.until_ms:
        ticked_ms += MINUTE_MS
        yield Tick(At(BOOT, ticked_ms - began_ms, ticked_ms, proven=True))


def counted(log: HomeLog) -> dict[int, int]:
    """Return the events of each date (days since 1970), the band's samples not counted."""
    found: dict[int, int] = {}
    for local_ms, _, value in log.events:
        if not isinstance(value, AccelerationBlock | HeartRate):
            found[local_ms // 86_400_000] = found.get(local_ms // 86_400_000, 0) + 1
    return found


def moment(local_ms: int) -> datetime:
    """Return a local time as its clock showed it."""
    return datetime.fromtimestamp(local_ms / 1000, UTC).replace(tzinfo=None)

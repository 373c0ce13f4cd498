"""A home's log through the hub's own pipeline: every silence, deadline and alarm of months.

The pipeline is the daemon's, with the watch over silence and the diary as its rules; a tick comes
every minute, as in the daemon every second. A log has no heartbeats, so no sensor of it can be
found dead, and no centre, so an alarm is closed when life goes on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from gateway import plan as plans
from gateway.core.detectors.inactivity_duty import InactivityDuty
from gateway.core.inputs import Acknowledge, Input
from gateway.core.model import AccelerationBlock, At, Heard, HeartRate, Kind, Reading, Tick
from gateway.core.outputs import Outputs, Post, Stream
from gateway.core.pipeline import Plan
from gateway.core.routine.day import Day
from gateway.core.routine.diary import OUT, Diary
from gateway.core.routine.measures import Senses
from gateway.core.wire import PLACES, Ack, AckStatus, Cause
from gateway.replay.direct import BOOT, pipeline_of
from gateway.replay.home import DISTRICT, HUB
from gateway.replay.homelog import HomeLog
from gateway.settings import BrokerSettings, HubSettings, Settings, UplinkSettings

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
NEVER_MS: Final = 1 << 60
OVER: Final = "inactivity.over"
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


class Witness:
    """Takes down what a pipeline goes through: every silence, its deadline, what rang.

    local_ms: from Unix ms to the home's local time.
    """

    def __init__(
        self,
        name: str,
        watch: InactivityDuty,
        diary: Diary,
        local_ms: Callable[[int], int] = lambda wall_ms: wall_ms,
        *,
        simulated: bool = False,
    ) -> None:
        self._watch, self._diary, self._local_ms = watch, diary, local_ms
        self._lived = Lived(name, simulated, diary.senses)
        self._rang_ms: int | None = None
        # The silence that runs, as the last input left it.
        self._from_ms = self._to_ms = self._allowed_ms = 0
        self._presence = self._last = ""

    def saw(self, given: Input, outputs: Outputs) -> None:
        """Take down what an input ended and caused."""
        now_ms = self._local_ms(given.at.wall_ms)
        for post in outputs.posts:
            self._post(post, now_ms)
        watch = self._watch
        silence_ms, allowed_ms = watch.silence_ms
        if silence_ms < now_ms - self._from_ms:
            self._over(now_ms)
        self._from_ms, self._to_ms, self._allowed_ms = now_ms - silence_ms, now_ms, allowed_ms
        self._presence = watch.presence if silence_ms >= WORTH_MS else ""
        self._last = watch.last

    def ended(self) -> Lived:
        """Return it all, with the silence in which it ends."""
        self._over(self._to_ms)
        self._lived.days |= {day.number: day for day in self._diary.days}
        return self._lived

    def _over(self, to_ms: int) -> None:
        rang_ms, self._rang_ms = self._rang_ms, None
        if to_ms - self._from_ms >= WORTH_MS and self._presence:
            over = Silence(
                self._from_ms, to_ms, self._allowed_ms, self._presence, self._last, rang_ms
            )
            self._lived.silences.append(over)

    def _post(self, post: Post, now_ms: int) -> None:
        body = post.body
        if post.stream is Stream.ROUTINE:
            self._lived.summaries.append((body["en"], body["ko"]))
            self._lived.days |= {day.number: day for day in self._diary.days}
        elif post.stream is Stream.ALARM and body["msg"] != "test":
            told = body["evid"]
            over = told["reason"] == OVER
            if body["type"] == Kind.INACTIVITY and not over and self._rang_ms is None:
                self._rang_ms = now_ms
            state = "over" if over else str(body["state"])
            rang = Rang(now_ms, str(body["type"]), state, told["en"], told["ko"])
            self._lived.alarms.append(rang)


def live(log: HomeLog, settings: Settings) -> Lived:
    """Let a log's home be lived through a hub of these settings."""
    watch = plans.watch(settings, log.able)
    diary = plans.diary(settings, log.able, watch)
    pipeline = pipeline_of(
        Plan(
            detectors=(watch,),
            save_every_ms=NEVER_MS,
            place={stanza.name: PLACES[stanza.place] for stanza in settings.devices},
            test_alarm_every_ms=NEVER_MS,
            diary=diary,
            telemetry=False,
        )
    )
    witness = Witness(log.name, watch, diary, simulated=log.simulated)
    for given in inputs(log):
        outputs = pipeline.feed(given)
        witness.saw(given, outputs)
        over = tuple(alert.id for alert in outputs.alerts if alert.reason.code == OVER)
        if over:
            ack = Ack("", Stream.ALARM, AckStatus.CLOSED, ids=over, cause=Cause.FALSE)
            pipeline.feed(Acknowledge(given.at, ack))
    return witness.ended()


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

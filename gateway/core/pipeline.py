"""The core's one door: every input goes through `feed`, and what it causes comes out as values.

    Heard ──► cancel button? ──► record, evidence ──► detectors ──► book of alerts ──► Outputs
    Tick ───────────────────────────────────────────► detectors ──► due, unanswered ──► Outputs
    Acknowledge, Asked ─────────────────────────────────────────► book, commands ────► Outputs

Invariants
1. No clock is asked: time comes with each input.
2. The same inputs give the same outputs: ids come from the source that was handed in.
3. An input whose packet moved a replay counter carries it out in the same outputs, so that the
   counter is committed with whatever it caused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core.alerts import Alert
from gateway.core.bodies import ENVELOPE, MAX_PAYLOAD
from gateway.core.book import AlertBook
from gateway.core.commands import MEMORY, Commands, test_alarm
from gateway.core.detector import Detector, Learning
from gateway.core.draft import Draft
from gateway.core.evidence import Evidence
from gateway.core.fields import encode
from gateway.core.inputs import Acknowledge, Asked, FromCentre, Input, Published, Refused
from gateway.core.instants import elapsed_ms
from gateway.core.model import (
    AccelerationBlock,
    At,
    Button,
    ClockProven,
    Heard,
    HubReturned,
    Kind,
    LinkChange,
    Memory,
    Press,
    Tick,
)
from gateway.core.outing import tells_of_outing
from gateway.core.outputs import Announce, Outputs, Sound, Stream
from gateway.core.routine.diary import KEPT, Diary
from gateway.core.telemetry import Telemetry, spoken

SAVE_EVERY_MS = 600_000
BRIEF_MOST = MAX_PAYLOAD - ENVELOPE - 200  # bytes left for it in the answer to a command
TESTED = "@tested"  # when the last test alarm went out, kept beside the decoders' counters


@dataclass(frozen=True, slots=True)
class Plan:
    """What a home's settings make of the pipeline.

    window_ms: the cancel window of each kind (0 or absent: none).
    cancel_buttons: devices whose press says "I am well"; one that is also an SOS button cancels
        only by a single press while something is pending. A double or held press of it is no calm
        answer to a question: it cries for help at any time.
    place: the standard's location code of each device.
    telemetry: whether what is said when nothing is the matter is gathered; a replay of months that
        nobody will send wants alarms and days alone.
    """

    detectors: tuple[Detector, ...]
    learning: tuple[Learning, ...] = ()
    window_ms: Mapping[Kind, int] = field(default_factory=dict)
    cancel_buttons: frozenset[str] = frozenset()
    sos_buttons: frozenset[str] = frozenset()
    place: Mapping[str, int] = field(default_factory=dict)
    test_alarm_every_ms: int = 24 * 3_600_000
    diary: Diary | None = None
    save_every_ms: int = SAVE_EVERY_MS
    telemetry: bool = True


class Pipeline:
    """A home, as far as deciding goes."""

    def __init__(self, plan: Plan, new_id: Callable[[At], str]) -> None:
        self._plan = plan
        self._new_id = new_id
        self.book = AlertBook(new_id, plan.window_ms, lambda device: plan.place.get(device, 0))
        self.telemetry = Telemetry()
        self._outing = plan.cancel_buttons & plan.sos_buttons
        self._evidence = Evidence()
        self._commands = Commands(self.book, new_id, self._brief)
        self._saved: At | None = None
        self._tested: At | None = None
        self._tested_wall_ms: int | None = None

    @property
    def learning(self) -> tuple[Learning, ...]:
        """Return the detectors that learn."""
        return self._plan.learning

    @property
    def diary(self) -> Diary | None:
        """Return the home's diary, if it keeps one."""
        return self._plan.diary

    @property
    def outlook(self) -> Mapping[str, Any] | None:
        """Return when it will ask for help if nothing more is heard, and why: see the schema."""
        for learner in self._plan.learning:
            told = getattr(learner, "outlook", None)
            if told is not None:
                outlook: Mapping[str, Any] = told()
                return outlook
        return None

    def restore(
        self,
        alerts: tuple[Alert, ...],
        memories: Mapping[str, Mapping[str, int | str]],
        states: Mapping[str, bytes],
    ) -> None:
        """Take back what the previous run committed; `HubReturned` must be the first input."""
        self.book.restore(alerts)
        self._commands.restore(memories.get(MEMORY, {}))
        tested = memories.get(TESTED, {}).get("wall_ms")
        self._tested_wall_ms = tested if isinstance(tested, int) else None
        for detector in self._plan.learning:
            if detector.name in states:
                detector.load(states[detector.name])
        if self._plan.diary is not None:
            for name in (KEPT, self._plan.diary.name):
                self._plan.diary.load(states.get(name, b""))

    def feed(self, given: Input) -> Outputs:
        """Take one input; return everything it causes."""
        draft = Draft(given.at)
        detected: Input | None = given
        match given:
            case Heard():
                detected = self._heard(given, draft)
            case Tick():
                self._tick(given.at, draft)
            case Acknowledge() | Published() | Asked() | Refused():
                self._from_centre(given, draft)
                detected = None
            case ClockProven(at=at):
                self.book.repair(at, draft)
            case HubReturned():
                self._returned(given)
            case LinkChange():
                self.telemetry.note(
                    given.at,
                    given.device or given.link.value,
                    f"link.{given.link.value}",
                    {"up": given.up, "detail": given.detail[:80]},
                )
        if detected is not None:
            self._detect(detected, draft)
        if tells_of_outing(given, self._outing):
            self._confirm(given.at, draft)
        if self._plan.telemetry:
            self._report(given.at, draft)
        self._note(given, draft)
        return draft.outputs()

    # ------------------------------------------------------------------------------ details
    def _from_centre(self, given: FromCentre, draft: Draft) -> None:
        match given:
            case Acknowledge(at=at, ack=ack):
                self.book.acknowledge(at, ack, draft)
            case Published(id=message_id):
                self.book.published(message_id)
            case Asked():
                self._commands.ask(given, self._plan.detectors, draft)
            case Refused():
                self._commands.refuse(given, draft)

    def _heard(self, given: Heard, draft: Draft) -> Heard | None:
        if given.memory is not None:
            draft.memories.append(given.memory)
        if self._plan.telemetry:
            draft.keeps.extend(self.telemetry.heard(given))
        for reading in given.readings:
            if isinstance(reading.value, AccelerationBlock):
                self._evidence.block(given.device, reading.value)
            elif (event := spoken(reading.value)) is not None:
                self._evidence.event(reading.at, given.device, *event)
        if not self._cancels(given, draft):
            return given
        # The press was the resident's word: a sign of life to whoever counts silence, no cry for
        # help. The packet's other readings (the button's battery) are as good as any.
        rest = tuple(one for one in given.readings if not isinstance(one.value, Button))
        learning = self._plan.learning
        self._detect(given, draft, learning)
        others = tuple(rule for rule in self._plan.detectors if rule not in learning)
        self._detect(replace(given, readings=rest), draft, others)
        return None

    def _cancels(self, given: Heard, draft: Draft) -> bool:
        """Take the resident's word; return whether the press was that and nothing else."""
        presses = {one.value.press for one in given.readings if isinstance(one.value, Button)}
        presses -= {Press.RELEASE}
        if not presses or given.device not in self._plan.cancel_buttons:
            return False
        if given.device in self._plan.sos_buttons and not (
            self.book.pending and presses == {Press.SINGLE}
        ):
            return False
        self.book.resident(given.device, draft)
        return True

    def _detect(
        self, given: Input, draft: Draft, detectors: tuple[Detector, ...] | None = None
    ) -> None:
        for detector in self._plan.detectors if detectors is None else detectors:
            for decision in detector.feed(given):
                alert = self.book.decide(decision, draft)
                if alert is not None and alert.kind is Kind.FALL and alert.open:
                    self._evidence.want(alert)

    def _tick(self, at: At, draft: Draft) -> None:
        self.book.tick(at, draft)
        for alert, part in self._evidence.ready(at):
            draft.post(Stream.EVIDENCE, self._new_id(at), part, alert.id)
        self._test(at, draft)
        if self._saved is None:
            self._saved = at
        if (elapsed_ms(self._saved, at) or 0) >= self._plan.save_every_ms:
            self._saved = at
            draft.state.extend(self.save())

    def _test(self, at: At, draft: Draft) -> None:
        """Send the full-path test alarm when its time has come, also in a hub restarted daily."""
        if self._tested is None:
            self._tested = at
        waited = elapsed_ms(self._tested, at) or 0
        if self._tested_wall_ms is not None and at.proven:
            waited = max(waited, at.wall_ms - self._tested_wall_ms)
        if waited >= self._plan.test_alarm_every_ms:
            self._tested, self._tested_wall_ms = at, at.wall_ms
            draft.memories.append(Memory(TESTED, {"wall_ms": at.wall_ms}))
            test_alarm(at, self._new_id(at), draft)

    def _returned(self, given: HubReturned) -> None:
        off = elapsed_ms(given.last_seen, given.at) if given.last_seen else None
        if given.last_seen is not None:
            minutes = None if off is None else round(off / 60_000, 1)
            self.telemetry.note(given.at, "hub", "hub.returned", {"off_minutes": minutes})

    def _report(self, at: At, draft: Draft) -> None:
        for stream, body in self.telemetry.bodies(at):
            draft.post(stream, self._new_id(at), body)

    def _confirm(self, at: At, draft: Draft) -> None:
        """Keep what was said of the resident at once, and tell the resident of it.

        At once: a power cut ten minutes later would forget it, while the command's id is
        remembered as obeyed. Told: a button held by mistake would silence the watch for days.
        """
        draft.state.extend(self.save())
        draft.at_once = True
        watches = [getattr(one, "presence", None) for one in self._plan.learning]
        if any(watches):
            sound = Sound.AWAY if "said-away" in watches else Sound.HOME
            draft.announcements.append(Announce(at, sound))

    def _note(self, given: Input, draft: Draft) -> None:
        """Let the diary see what came in and what it caused, and tell the day that is due."""
        diary = self._plan.diary
        if diary is None:
            return
        diary.feed(given)
        diary.alerts(draft.alerts.values())
        if isinstance(given, Tick) and (bodies := diary.bodies(given.at)):
            for body in bodies:
                draft.post(Stream.ROUTINE, self._new_id(given.at), body)
            draft.state.extend(((diary.name, diary.save()), *diary.kept()))

    def _brief(self) -> Mapping[str, Any]:
        """Return what a centre that asks for the status is told; the words may not fit."""
        brief: dict[str, Any] = {
            "alerts": [
                {"id": alert.id, "type": alert.kind.value, "state": alert.matter.value}
                for alert in self.book
            ][:10],
            "deadline": self.outlook,
        }
        if brief["deadline"] and len(encode(brief)) > BRIEF_MOST:
            brief["deadline"] |= {"en": "", "ko": ""}
        return brief

    def save(self) -> tuple[tuple[str, bytes], ...]:
        """Return the learnt states as they are now, for the last flush before a stop."""
        learnt = [(learner.name, learner.save()) for learner in self._plan.learning]
        if self._plan.diary is not None:
            learnt += [(self._plan.diary.name, self._plan.diary.save()), *self._plan.diary.kept()]
        return tuple(learnt)

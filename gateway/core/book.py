"""The book of alerts: decisions, acknowledgements and time move alerts through their tables.

Invariants
1. Every change that the centre must know is a post on the alarm stream in the same outputs as the
   alert's new state: the store commits both or neither.
2. (kind, device) has at most one alert that decisions move. A decision about another happening (a
   second fall, a press after a person has handled the first) begins a new one: an alert that the
   centre forgot to close must not swallow the next fall.
3. A closed alert is forgotten; so is a cancelled one, once the centre has stored its cancel.
4. What was cancelled stays so: a detector that goes on about the same happening (it saw the arm lie
   still while the resident was pressing the button) does not open it again. What began after the
   cancel is another happening: whoever got up and falls once more has not cancelled that.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from gateway.core.alerts import Alert, Matter, Msg, Turn, Word, begin, move, told
from gateway.core.draft import Draft
from gateway.core.instants import elapsed_ms, reached, repaired
from gateway.core.model import At, Decision, Kind, Reason, Stage
from gateway.core.outputs import Sound, Stream
from gateway.core.texts import words
from gateway.core.wire import Ack, AckStatus, alarm_body

SAME_HAPPENING_MS = 60_000
NOT_STORED_MS = 30_000
NOT_PRESENTED_MS = 60_000

TURNS: Mapping[Stage, Turn] = {
    Stage.SUSPECTED: Turn.SUSPECT,
    Stage.CONFIRMED: Turn.CONFIRM,
    Stage.WITHDRAWN: Turn.WITHDRAW,
    Stage.ENDED: Turn.END,
    Stage.NOTED: Turn.NOTE,
}
OPENING = frozenset({Stage.SUSPECTED, Stage.CONFIRMED})
WORDS: Mapping[AckStatus, Word] = {
    AckStatus.STORED: Word.STORED,
    AckStatus.PRESENTED: Word.PRESENTED,
    AckStatus.HANDLED: Word.HANDLED,
}
SOUNDS: Mapping[Matter, Sound] = {
    Matter.PENDING: Sound.PENDING,
    Matter.RAISED: Sound.RAISED,
    Matter.CANCELLED: Sound.CANCELLED,
}


class AlertBook:
    """All alerts that are not over."""

    def __init__(
        self,
        new_id: Callable[[At], str],
        window_ms: Mapping[Kind, int],
        place_of: Callable[[str], int],
    ) -> None:
        self._new_id = new_id
        self._window_ms = window_ms
        self._place_of = place_of
        self._alerts: dict[str, Alert] = {}
        self._cancels: dict[str, str] = {}
        self._cancelled: dict[tuple[Kind, str], tuple[At, At]] = {}  # onset, when cancelled
        self._warned: set[tuple[str, Sound]] = set()
        self._again: dict[str, tuple[str, At]] = {}  # cries again, not stored: message, alert, when

    # ------------------------------------------------------------------------------ looking
    def __iter__(self) -> Iterator[Alert]:
        return iter(tuple(self._alerts.values()))

    @property
    def pending(self) -> tuple[Alert, ...]:
        """Alerts that the resident can still cancel."""
        return tuple(a for a in self._alerts.values() if a.matter is Matter.PENDING)

    @property
    def matters(self) -> frozenset[tuple[Kind, str]]:
        """What is open and not over: a detector has already said so."""
        return frozenset(
            (a.kind, a.device) for a in self._alerts.values() if a.open and not a.ended
        )

    def restore(self, alerts: Iterable[Alert]) -> None:
        """Take back the alerts of the previous run, as they were committed."""
        self._alerts = {alert.id: alert for alert in alerts}

    # ------------------------------------------------------------------------------- moving
    def decide(self, decision: Decision, draft: Draft) -> Alert | None:
        """Take a detector's decision; return the alert it began or moved, if any."""
        alert = self._current(decision)
        if alert is not None and alert.ended and decision.stage is Stage.ENDED:
            return alert  # two detectors had spoken of one device
        if alert is not None:
            return self._move(alert, TURNS[decision.stage], decision.reason, draft, decision)
        if decision.stage not in OPENING or self._was_cancelled(decision):
            return None  # an end, a note or a withdrawal of what is not open moves nothing
        alert, msg = begin(
            self._new_id(decision.at),
            decision,
            TURNS[decision.stage],
            self._window_ms.get(decision.kind, 0),
        )
        self._keep(alert, draft)
        self._say(alert, msg, draft, message_id=alert.id)
        self._sound(alert, draft)
        return alert

    def resident(self, device: str, draft: Draft) -> None:
        """Take the resident's word: pending alerts end, raised ones are told to the operator."""
        reason = Reason("resident.cancelled", {"button": device})
        for alert in self:
            if alert.open and not alert.kind.technical:
                self._move(alert, Turn.RESIDENT, reason, draft)

    def tick(self, at: At, draft: Draft) -> None:
        """Raise what is due; tell the resident what the centre does not answer."""
        for alert in self:
            # A clock that stands before the alert itself was wrong once: nobody waits for it.
            if alert.due is not None and (reached(alert.due, at) or not reached(alert.at, at)):
                # why it was suspected stays the reason: it is what an operator must read
                waited = round((elapsed_ms(alert.at, alert.due) or 0) / 1000)
                late = replace(alert, evidence={**alert.evidence, "not_cancelled_s": waited})
                self._move(late, Turn.DUE, alert.reason, draft)
            elif alert.matter is Matter.RAISED and not alert.kind.technical:
                self._watch(alert, at, draft)

    def acknowledge(self, at: At, ack: Ack, draft: Draft) -> None:
        """Take the centre's word about messages and alerts; what we do not know is not ours."""
        for message_id in ack.ids:
            if ack.status is AckStatus.STORED:
                self._again.pop(message_id, None)
            cancelled = self._cancels.get(message_id)
            if ack.status is AckStatus.STORED and cancelled is not None:
                del self._cancels[message_id]
                self._forget(cancelled, draft)
                continue
            alert = self._alerts.get(message_id)
            if alert is None:
                continue
            if ack.status is AckStatus.CLOSED:
                self._close(alert, ack, draft)
            else:
                self._told(alert, WORDS[ack.status], at, draft)

    def published(self, message_id: str) -> None:
        """Note that a message is on its way: in memory only, since a restart sends it again."""
        alert = self._alerts.get(message_id)
        if alert is not None:
            self._alerts[message_id] = told(alert, Word.SENT, alert.at)

    def repair(self, proof: At, draft: Draft) -> None:
        """Put right the times of alerts stamped before the clock was proven; tell the centre."""
        for alert in self:
            onset = repaired(alert.onset, proof)
            if onset == alert.onset:
                continue
            fixed = replace(
                alert,
                at=repaired(alert.at, proof),
                onset=onset,
                due=repaired(alert.due, proof) if alert.due else None,
            )
            self._keep(fixed, draft)
            if fixed.open:
                told_again = replace(fixed, reason=Reason("clock.repaired"))
                self._say(told_again, Msg.UPDATE, draft)

    # ------------------------------------------------------------------------------ details
    def _current(self, decision: Decision) -> Alert | None:
        """Return the open alert that this decision is about (invariant 2), the newest first."""
        for alert in reversed(self._alerts.values()):
            if (alert.kind, alert.device) != (decision.kind, decision.device) or not alert.open:
                continue
            follows = decision.stage not in OPENING
            if alert.kind.technical or (follows and alert.kind is not Kind.FALL):
                return alert
            if alert.kind is Kind.PERS:
                return alert if alert.word is not Word.HANDLED else None
            apart = elapsed_ms(alert.onset, decision.onset or decision.at)
            if (follows and apart is None) or (
                apart is not None and abs(apart) <= SAME_HAPPENING_MS
            ):
                return alert
        return None

    def _was_cancelled(self, decision: Decision) -> bool:
        """Return whether this happening has been cancelled already (invariant 4)."""
        cancelled = self._cancelled.get((decision.kind, decision.device))
        if cancelled is None or decision.kind is Kind.PERS:
            return False
        (onset, when), began = cancelled, decision.onset or decision.at
        apart, after = elapsed_ms(onset, began), elapsed_ms(when, began)
        if apart is None or after is None:
            return False
        return abs(apart) <= SAME_HAPPENING_MS and after <= 0

    def _move(
        self,
        alert: Alert,
        turn: Turn,
        reason: Reason,
        draft: Draft,
        decision: Decision | None = None,
    ) -> Alert:
        moved, msg = move(alert, turn, reason)
        if msg is None:
            return alert
        if decision is not None:
            moved = replace(
                moved,
                probability=max(moved.probability, decision.probability),
                evidence={**moved.evidence, **decision.evidence},
                ended=turn is Turn.END or (moved.ended and turn is not Turn.CONFIRM),
            )
        self._keep(moved, draft)
        message_id = self._say(moved, msg, draft)
        if turn is Turn.CONFIRM and alert.matter is Matter.RAISED:
            self._again[message_id] = alert.id, draft.at
        if moved.matter is Matter.CANCELLED:
            self._cancels[message_id] = moved.id
            self._cancelled[moved.kind, moved.device] = (moved.onset, draft.at)
        if moved.matter is not alert.matter:
            self._sound(moved, draft)
        return moved

    def _watch(self, alert: Alert, at: At, draft: Draft) -> None:
        """Tell the resident once when the centre is silent, or nobody looks (contract, rule 2)."""
        if alert.word in (Word.UNSENT, Word.SENT):
            self._warn(Sound.NOT_STORED, alert, alert.at, NOT_STORED_MS, at, draft)
        elif alert.word is Word.STORED and alert.stored_at is not None:
            self._warn(Sound.NOT_PRESENTED, alert, alert.stored_at, NOT_PRESENTED_MS, at, draft)
        for message_id, (about, since) in list(self._again.items()):
            waited = elapsed_ms(since, at)
            if about == alert.id and (waited is None or waited >= NOT_STORED_MS):
                del self._again[message_id]
                # Its first cry the centre may well have seen: that says nothing of this one.
                if alert.word not in (Word.UNSENT, Word.SENT):
                    draft.announce(Sound.NOT_STORED, alert)

    def _warn(
        self, sound: Sound, alert: Alert, since: At, limit_ms: int, at: At, draft: Draft
    ) -> None:
        waited = elapsed_ms(since, at)
        if (waited is None or waited >= limit_ms) and (alert.id, sound) not in self._warned:
            self._warned.add((alert.id, sound))
            draft.announce(sound, alert)

    def _told(self, alert: Alert, word: Word, at: At, draft: Draft) -> None:
        heard = told(alert, word, at)
        if heard.word is alert.word:
            return
        self._keep(heard, draft)
        raised = heard.matter is Matter.RAISED and not heard.kind.technical
        if raised and heard.word in (Word.STORED, Word.HANDLED):
            draft.announce(Sound(heard.word.value), heard)

    def _close(self, alert: Alert, ack: Ack, draft: Draft) -> None:
        closed, _ = move(alert, Turn.CLOSE)
        self._keep(replace(closed, cause=ack.cause.value if ack.cause else ""), draft)
        self._forget(alert.id, draft)

    def _keep(self, alert: Alert, draft: Draft) -> None:
        self._alerts[alert.id] = alert
        draft.alerts[alert.id] = alert

    def _forget(self, alert_id: str, draft: Draft) -> None:
        if self._alerts.pop(alert_id, None) is not None:
            draft.forget.append(alert_id)
            self._warned = {warned for warned in self._warned if warned[0] != alert_id}
            self._again = {m: it for m, it in self._again.items() if it[0] != alert_id}

    def _say(self, alert: Alert, msg: Msg, draft: Draft, message_id: str = "") -> str:
        message_id = message_id or self._new_id(draft.at)
        body = alarm_body(
            alert,
            msg,
            draft.at,
            loc=self._place_of(alert.device),
            evid={**words(alert.reason), **alert.evidence, "ended": alert.ended},
            refs=() if message_id == alert.id else (alert.id,),
        )
        draft.post(Stream.ALARM, message_id, body, alert.id)
        return message_id

    @staticmethod
    def _sound(alert: Alert, draft: Draft) -> None:
        if not alert.kind.technical:
            draft.announce(SOUNDS[alert.matter], alert)

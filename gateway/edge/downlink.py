"""What comes down: acknowledgements, commands, the centre's state; read, judged, handed on.

A command is never handed on after its `not_after`, nor one that would be good for days; that it is
done only once is the core's matter, which keeps the ids beyond a restart. So a command is
acknowledged to the broker only once it is answered: killed before that, the hub is told it again.
While the hub's clock is unproven lateness is judged by the centre's own time, as far as it is known
(a retained state may be old, so it is a lower bound, like the hub's own); with no time from the
centre only what does no harm late is handed on.
"""

from collections.abc import Callable

import structlog

from gateway.clock import Clock
from gateway.core.inputs import Acknowledge, Asked, Refused
from gateway.core.wire import (
    Ack,
    CentreState,
    Command,
    CommandName,
    Topics,
    command_id,
    parse_ack,
    parse_centre_state,
    parse_command,
)
from gateway.edge.mqtt import Received
from gateway.errors import CentreError

HARMLESS = frozenset(
    {CommandName.ACKNOWLEDGE, CommandName.RESEND, CommandName.STATUS, CommandName.HOME}
)

AHEAD_MS = 24 * 3_600_000
"""No command is good for longer: what was obeyed is remembered until its time is over."""

_log = structlog.get_logger(__name__)


class Downlink:
    """The way from the centre into the core.

    on_state: told the centre's state, and whether it is the retained one or has just been said.
    """

    def __init__(
        self,
        topics: Topics,
        clock: Clock,
        deliver: Callable[[Acknowledge | Asked | Refused], None],
        *,
        on_ack: Callable[[Ack], None],
        on_state: Callable[[CentreState, bool], None],
        on_resend: Callable[[], None],
    ) -> None:
        self._ack_topic = topics.dn("ack")
        self._cmd_topic = topics.dn("cmd")
        self._all = topics.dn("+")
        self._state_topic = topics.centre
        self._clock = clock
        self._deliver = deliver
        self._on_ack = on_ack
        self._on_state = on_state
        self._on_resend = on_resend
        self._centre_ahead_ms: int | None = None  # the centre's time less our mono_ms
        self._asked: str | None = None
        self.refusals = 0

    @property
    def topics(self) -> tuple[str, ...]:
        """What to subscribe to: two filters, for each costs a NATS cluster three replicas."""
        return self._all, self._state_topic

    def receive(self, message: Received) -> str | None:
        """Take one message in. What is not valid is counted, logged and, with an id, answered.

        Return the id of a command that the core will answer.
        """
        self._asked = None
        try:
            if message.topic == self._ack_topic:
                self._take_ack(parse_ack(message.payload))
            elif message.topic == self._cmd_topic:
                self._take_command(message.payload)
            elif message.topic == self._state_topic:
                self._take_state(parse_centre_state(message.payload), message.retained)
            else:
                raise CentreError(f"nothing is expected on {message.topic}")  # noqa: TRY301
        except CentreError as wrong:
            self.refusals += 1
            _log.warning("refused", topic=message.topic, reason=str(wrong))
        return self._asked

    def _take_ack(self, ack: Ack) -> None:
        self._on_ack(ack)
        self._deliver(Acknowledge(self._clock.now(), ack))

    def _take_state(self, state: CentreState, retained: bool) -> None:  # noqa: FBT001 - MQTT's flag
        if state.at_ms is not None:
            ahead = state.at_ms - self._clock.now().mono_ms
            self._centre_ahead_ms = max(ahead, self._centre_ahead_ms or ahead)
        self._on_state(state, retained)

    def _take_command(self, payload: bytes) -> None:
        try:
            command = parse_command(payload)
        except CentreError as wrong:
            self._refuse(command_id(payload), str(wrong))
            raise
        reason = self._too_late(command)
        if reason:
            self._refuse(command.id, reason)
            raise CentreError(f"command {command.id}: {reason}")
        self._asked = command.id
        self._deliver(Asked(self._clock.now(), command))
        if command.name is CommandName.RESEND:
            self._on_resend()

    def _refuse(self, ident: str | None, reason: str) -> None:
        if ident is not None:
            self._asked = ident
            self._deliver(Refused(self._clock.now(), ident, reason))

    def _too_late(self, command: Command) -> str:
        """Return why the command may no longer be obeyed, or nothing."""
        now = self._clock.now()
        known = [now.wall_ms]
        if self._centre_ahead_ms is not None:
            known.append(now.mono_ms + self._centre_ahead_ms)
        if (now.wall_ms if now.proven else max(known)) > command.not_after_ms:
            return "its time is over (not_after)"
        if now.proven and command.not_after_ms > now.wall_ms + AHEAD_MS:
            return "its time is over more than a day from now (not_after)"
        if not now.proven and self._centre_ahead_ms is None and command.name not in HARMLESS:
            return "the hub does not know the time, so it cannot tell whether this is still wanted"
        return ""

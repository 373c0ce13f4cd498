"""What comes from the centre: obeyed once and in time, or refused; no bytes can do harm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.inputs import Acknowledge, Asked, Refused
from gateway.core.wire import (
    Ack,
    AckStatus,
    CentreState,
    Command,
    CommandName,
    ack_payload,
    centre_state_payload,
    command_payload,
)
from gateway.edge.downlink import Downlink
from gateway.edge.mqtt import Received
from tests.fakes_uplink import EPOCH, TOPICS, StandingClock

DAY_MS = 86_400_000
NOW_MS = 1_795_000_000_000  # what the standing clock shows


class Desk:
    """A downlink, and what it handed on."""

    def __init__(self, *, proven: bool = True) -> None:
        self.inputs: list[Acknowledge | Asked | Refused] = []
        self.resends = 0
        self.states: list[CentreState] = []
        self.clock = StandingClock(proven=proven)
        self.downlink = Downlink(
            TOPICS,
            self.clock,
            self.inputs.append,
            on_ack=lambda _ack: None,
            on_state=lambda state, _retained: self.states.append(state),
            on_resend=self._resend,
        )

    def _resend(self) -> None:
        self.resends += 1

    @property
    def refused(self) -> list[str]:
        return [given.id for given in self.inputs if isinstance(given, Refused)]

    def receives(self, topic: str, payload: bytes) -> None:
        self.downlink.receive(Received(topic, payload, retained=False, mid=1, qos=1))

    def is_asked(self, name: CommandName, not_after_ms: int, ident: str = "c") -> bool:
        command = Command(ident, name, {}, not_after_ms)
        self.receives(TOPICS.dn("cmd"), command_payload(command))
        return any(isinstance(given, Asked) for given in self.inputs)


def test_an_acknowledgement_is_handed_on_with_its_instant() -> None:
    desk = Desk()
    ack = Ack(EPOCH, "alarm", AckStatus.HANDLED, ids=("a",))
    desk.receives(TOPICS.dn("ack"), ack_payload(ack))
    assert desk.inputs == [Acknowledge(desk.clock.at, ack)]


def test_a_resend_is_handed_on_and_starts_at_once() -> None:
    desk = Desk()
    args = {"epoch": EPOCH, "stream": "event", "from": 1, "to": 9}
    command = Command("c", CommandName.RESEND, args, NOW_MS)
    desk.receives(TOPICS.dn("cmd"), command_payload(command))
    assert desk.inputs == [Asked(desk.clock.at, command)]
    assert desk.resends == 1


@pytest.mark.parametrize(
    ("proven", "centre_ms", "name", "not_after_ms", "obeyed"),
    [
        (True, None, CommandName.AWAY, NOW_MS, True),
        (True, None, CommandName.AWAY, NOW_MS - 1, False),
        # What was obeyed is remembered until then, so not for ever.
        (True, None, CommandName.AWAY, NOW_MS + DAY_MS, True),
        (True, None, CommandName.AWAY, NOW_MS + DAY_MS + 1, False),
        # A proven clock is believed, whatever the centre's is.
        (True, NOW_MS + 60_000, CommandName.AWAY, NOW_MS, True),
        # An unproven clock: judged by the centre's time, where it is known.
        (False, NOW_MS + 60_000, CommandName.AWAY, NOW_MS + 59_000, False),
        (False, NOW_MS + 60_000, CommandName.AWAY, NOW_MS + 61_000, True),
        (False, NOW_MS - 60_000, CommandName.AWAY, NOW_MS - 1_000, False),  # surely over
        # Not known: only what does no harm late.
        (False, None, CommandName.AWAY, NOW_MS + 61_000, False),
        (False, None, CommandName.TEST_ALARM, NOW_MS + 61_000, False),
        (False, None, CommandName.HOME, NOW_MS + 61_000, True),
        (False, None, CommandName.STATUS, NOW_MS - 1, False),  # the hub's own is a lower bound
    ],
)
def test_a_command_is_obeyed_only_in_its_time(
    centre_ms: int | None, name: CommandName, not_after_ms: int, *, proven: bool, obeyed: bool
) -> None:
    desk = Desk(proven=proven)
    if centre_ms is not None:
        state = CentreState(online=True, at_ms=centre_ms)
        desk.receives(TOPICS.centre, centre_state_payload(state))
    assert desk.is_asked(name, not_after_ms) is obeyed
    assert desk.refused == ([] if obeyed else ["c"])


@given(
    st.sampled_from([TOPICS.dn("ack"), TOPICS.dn("cmd"), TOPICS.centre, "elsewhere"]),
    st.binary(max_size=300),
)
def test_any_bytes_are_refused_and_counted(topic: str, payload: bytes) -> None:
    desk = Desk()
    desk.receives(topic, payload)
    assert desk.downlink.refusals == 1
    assert (desk.inputs, desk.states) == ([], [])

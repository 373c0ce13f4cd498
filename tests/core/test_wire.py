"""The contract's readers: what is right comes back whole; anything else is refused, and why."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.wire import (
    Ack,
    AckStatus,
    Cause,
    CentreState,
    Command,
    CommandName,
    Topics,
    ack_payload,
    centre_state_payload,
    command_id,
    command_payload,
    parse_ack,
    parse_centre_state,
    parse_command,
    parse_timestamp,
    parse_up,
    timestamp,
)
from gateway.errors import CentreError, HubMessageError

EPOCH = "01J00000000000000000000000"
MESSAGE = "01J00000000000000000000001"
HUB = "MFRGGZDFMZTWQ2LKNNWG23TPOA"
TOPICS = Topics("1168010100", HUB)

ACK = {"v": 1, "epoch": EPOCH, "stream": "alarm", "status": "stored", "ids": [MESSAGE]}
COMMAND = {"v": 1, "id": "c1", "name": "status", "args": {}, "not_after": "2026-11-21T00:00:00Z"}
ALARM = {
    "v": 1,
    "hub": HUB,
    "boot": 3,
    "stream": "alarm",
    "epoch": EPOCH,
    "seq": 7,
    "id": MESSAGE,
    "msg": "new",
    "type": "fall",
    "state": "raised",
    "sev": 4,
    "t": "2026-11-21T00:00:00.000Z",
    "due": None,
    "refs": [],
}


def raw(message: object) -> bytes:
    return json.dumps(message).encode()


@pytest.mark.parametrize(
    "ack",
    [
        Ack(EPOCH, "alarm", AckStatus.STORED, ids=(MESSAGE,)),
        Ack(EPOCH, "event", AckStatus.STORED, upto=2**63 - 1),
        Ack(EPOCH, "alarm", AckStatus.PRESENTED, ids=(MESSAGE, "x"), operator="김 7"),
        Ack(EPOCH, "alarm", AckStatus.CLOSED, ids=(MESSAGE,), cause=Cause.RESIDENT),
    ],
)
def test_an_acknowledgement_comes_back_as_it_was_sent(ack: Ack) -> None:
    assert parse_ack(ack_payload(ack)) == ack


@pytest.mark.parametrize(
    ("name", "args"),
    [
        (CommandName.STATUS, {}),
        (CommandName.HOME, {}),
        (CommandName.TEST_ALARM, {}),
        (CommandName.AWAY, {}),
        (CommandName.AWAY, {"until": "2026-12-01T00:00:00.000Z"}),
        (CommandName.RESEND, {"epoch": EPOCH, "stream": "event", "from": 1, "to": 9}),
        (CommandName.ACKNOWLEDGE, {"ids": [MESSAGE], "status": "closed", "cause": "real"}),
    ],
)
def test_a_command_comes_back_as_it_was_sent(name: CommandName, args: dict[str, object]) -> None:
    command = Command("c-1", name, args, 1_795_000_000_123)
    assert parse_command(command_payload(command)) == command


@pytest.mark.parametrize("state", [CentreState(online=True, at_ms=1), CentreState(online=False)])
def test_the_centres_state_comes_back_as_it_was_sent(state: CentreState) -> None:
    assert parse_centre_state(centre_state_payload(state)) == state


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[1]", "a JSON array, not an object"),
        (b"{} " * 9000, "27000 bytes, more than 16384"),
        (b'{"v":' + b"[" * 5000, "nested too deeply"),
        (b'{"v":1,"x":' + b"[" * 20 + b"]" * 20 + b"}", "nested too deeply"),
        (b'{"v":1,"v":1}', "a key stands twice"),
        (b'{"v":NaN}', "NaN is not JSON"),
        (b'{"v":1e999}', "a number too large: 1e999"),
        (b'{"v":' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"v":1,"x":9223372036854775808}', "an integer beyond 64 bits"),
        (b'{"v":1,"x":"\\ud800"}', "a lone surrogate"),
        (b"{}", "v: missing"),
        (b'{"v":true}', "v: a boolean, not an integer"),
        (b'{"v":2}', "v: version 2, this end speaks 1"),
        (raw(ACK | {"stream": "cmd"}), "stream: 'cmd' does not look like one"),
        (raw(ACK | {"status": "seen"}), "status: 'seen' is none of stored, presented"),
        (raw(ACK | {"ids": ["a b"]}), "ids: 'a b' is no id"),
        (raw(ACK | {"ids": []}), "ids: an acknowledgement of nothing"),
        (raw(ACK | {"upto": -1}), "upto: -1 is not from 0"),
        (raw(ACK | {"upto": 1.0}), "upto: a number, not an integer"),
        (raw(ACK | {"status": "handled", "upto": 4}), "upto: only `stored`"),
        (raw(ACK | {"status": "closed"}), "cause: goes with `closed`"),
        (raw(ACK | {"cause": "real"}), "cause: goes with `closed`"),
        (raw(ACK | {"operator": "a\x1b[2J"}), "operator: 'a\\x1b[2J' does not look like one"),
    ],
)
def test_a_wrong_acknowledgement_is_refused_with_its_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(CentreError) as refused:
        parse_ack(payload)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "reboot"}, "name: 'reboot' is none of acknowledge, resend"),
        ({"sudo": True}, "sudo: unknown field"),
        ({"args": {"force": 1}}, "args.force: unknown field"),
        ({"args": []}, "args: a JSON array, not an object"),
        ({"not_after": "tomorrow"}, "not_after: not an RFC 3339 time"),
        ({"not_after": "2026-11-21T00:00:00"}, "not_after: not an RFC 3339 time"),
        ({"not_after": "2026-13-21T00:00:00Z"}, "not_after: not an RFC 3339 time"),
        ({"id": "../x"}, "id: '../x' does not look like one"),
        ({"name": "resend"}, "args.from: missing"),
        (
            {
                "name": "resend",
                "args": {"epoch": EPOCH, "stream": "event", "from": 5, "to": 4},
            },
            "args.to: 4 is not from 5",
        ),
        ({"name": "acknowledge", "args": {"ids": ["a"]}}, "args.status: missing"),
    ],
)
def test_a_wrong_command_is_refused_with_its_reason(change: dict[str, object], reason: str) -> None:
    with pytest.raises(CentreError) as refused:
        parse_command(raw(COMMAND | change))
    assert reason in str(refused.value)


def test_a_field_unknown_in_an_acknowledgement_is_ignored_for_the_centre_is_newer() -> None:
    assert parse_ack(raw(ACK | {"shift": "night"})).ids == (MESSAGE,)


def test_the_id_of_a_refused_command_is_found_when_there_is_one() -> None:
    assert command_id(raw(COMMAND | {"name": "reboot"})) == "c1"
    assert command_id(b"{") is None


def test_a_hubs_alarm_is_read_with_its_place_in_the_stream() -> None:
    message = parse_up(TOPICS.up("alarm"), raw(ALARM))
    assert (message.district, message.hub) == ("1168010100", HUB)
    assert (message.stream, message.epoch, message.seq, message.id) == ("alarm", EPOCH, 7, MESSAGE)
    assert message.body["type"] == "fall"


@pytest.mark.parametrize(
    ("leaf", "change", "reason"),
    [
        ("alarm", {"hub": "OTHER"}, "hub: 'OTHER' on the topic of"),
        ("event", {}, "stream: alarm on up/event"),
        ("alarm", {"seq": 0}, "seq: 0 is not from 1"),
        ("alarm", {"state": "pending"}, "due: goes with `pending`"),
        ("alarm", {"msg": "cancel"}, "refs: `cancel` of no alarm"),
        ("alarm", {"type": "flood"}, "type: 'flood' is none of"),
        ("root", {}, "not a topic of a hub"),
    ],
)
def test_a_hubs_wrong_message_is_refused_with_its_reason(
    leaf: str, change: dict[str, object], reason: str
) -> None:
    with pytest.raises(HubMessageError) as refused:
        parse_up(TOPICS.up(leaf), raw(ALARM | change))
    assert reason in str(refused.value)


def test_a_will_is_read_though_it_has_no_epoch() -> None:
    will = parse_up(
        TOPICS.up("state"), raw({"v": 1, "hub": HUB, "online": False, "boot": 1, "session": 2})
    )
    assert (will.leaf, will.stream, will.epoch, will.body["session"]) == ("state", "", "", 2)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
MUTATED = st.one_of(
    st.binary(max_size=200),
    JSON.map(raw),
    st.builds(
        lambda base, field, value: raw(base | {field: value}),
        st.sampled_from([ACK, COMMAND, ALARM]),
        st.sampled_from(sorted(ACK | COMMAND | ALARM)),
        JSON,
    ),
)


@given(MUTATED, st.sampled_from([*map(TOPICS.up, ("state", "hb", "alarm", "event")), "a/b"]))
def test_any_bytes_are_either_a_message_or_refused(payload: bytes, topic: str) -> None:
    for parse in (parse_ack, parse_command, parse_centre_state):
        try:
            parse(payload)
        except CentreError as refused:
            assert str(refused)  # noqa: PT017 - that it is a CentreError is the claim
    try:
        assert parse_up(topic, payload).body["v"] == 1
    except HubMessageError as refused:
        assert str(refused)  # noqa: PT017 - likewise


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    try:
        parse_timestamp(text)
    except CentreError as refused:
        assert str(refused)  # noqa: PT017 - that it is a CentreError is the claim


@given(st.integers(min_value=0, max_value=4_102_444_800_000))
def test_a_time_comes_back_to_the_millisecond(wall_ms: int) -> None:
    assert parse_timestamp(timestamp(wall_ms)) == wall_ms

"""The schemas, the builders and the readers are one contract: each is held against the others."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from gateway.core.alerts import Msg, Turn, begin
from gateway.core.model import AccelerationBlock, At, Decision, Kind, Reason, Stage
from gateway.core.outputs import Stream
from gateway.core.schemas import DIALECT, MESSAGES
from gateway.core.wire import (
    PLACES,
    Ack,
    AckStatus,
    Cause,
    CentreState,
    Command,
    CommandName,
    Topics,
    acceleration_bodies,
    ack_payload,
    alarm_body,
    birth_body,
    centre_state_payload,
    command_payload,
    encode,
    event_bodies,
    event_item,
    heartbeat_body,
    home_bodies,
    parse_up,
    result_body,
    summary_body,
    summary_item,
    will_body,
)
from gateway.errors import HubMessageError
from scripts.make_asyncapi import ROOT, text
from tests.contract import assert_valid

HUB = "MFRGGZDFMZTWQ2LKNNWG23TPOA"
ULID = "01J00000000000000000000000"
TOPICS = Topics("1168010100", HUB)
AT = At("boot", 5_000, 1_795_000_000_000, proven=False)
ITEM = event_item(AT, "현관 문", "contact", {"open": True})


def sealed(stream: Stream, body: dict[str, Any]) -> bytes:
    """Return a message as store and uplink complete it, at its longest."""
    head = {"v": 1, "id": ULID, "hub": HUB, "epoch": ULID, "stream": stream.value}
    attempt = {"attempt": 10**6} if stream is Stream.ALARM else {}
    return encode({**head, "seq": 2**62, "boot": 10**6, "durable": True, **body, **attempt})


def alarm(kind: Kind, turn: Turn, window_ms: int) -> dict[str, Any]:
    decision = Decision(kind, Stage.SUSPECTED, AT, "band", Reason("impact", {"g": 4.2}), 0.87654)
    alert, msg = begin(ULID, decision, turn, window_ms)
    return alarm_body(alert, msg, AT, loc=PLACES["living"], evid={"code": "impact", "g": 4.2})


def block(samples: int) -> AccelerationBlock:
    ramp = np.arange(samples)
    return AccelerationBlock(
        (ramp * 19).astype(np.int64), np.stack([ramp, -ramp, ramp % 1000], axis=1).astype(np.int16)
    )


@pytest.mark.parametrize("kind", list(Kind))
def test_an_alarm_of_every_kind_is_valid_and_read(kind: Kind) -> None:
    for turn, window_ms in ((Turn.CONFIRM, 0), (Turn.SUSPECT, 30_000)):
        payload = sealed(Stream.ALARM, alarm(kind, turn, window_ms))
        message = assert_valid(TOPICS.up("alarm"), payload)
        assert parse_up(TOPICS.up("alarm"), payload).body == message
        assert (message["due"] is not None) is (message["state"] == "pending")


def test_a_birth_a_will_and_a_heartbeat_are_valid_and_read() -> None:
    birth = birth_body(
        AT,
        hub=HUB,
        boot=1,
        epoch=ULID,
        versions={"ansim": "0.1.0"},
        last_seq={"alarm": 3},
        sensors=[{"name": "band", "driver": "polar_pmd", "loc": 3648, "role": "band"}] * 12,
    )
    beat = heartbeat_body(
        AT, hub=HUB, boot=1, epoch=ULID, high={"event": 9}, uptime_s=1, rss_kib=2, outbox=3
    )
    for leaf, body in (
        ("state", birth | {"session": 5}),
        ("state", will_body(HUB, 1, 5)),
        ("hb", beat | {"session": 5}),
    ):
        message = assert_valid(TOPICS.up(leaf), encode(body))
        assert parse_up(TOPICS.up(leaf), encode(body)).body == message


def test_events_are_cut_into_messages_below_2_kib_in_order_and_none_is_lost() -> None:
    items = [event_item(AT.plus(n), "현관 문", "contact", {"open": n % 2 > 0}) for n in range(200)]
    bodies = list(event_bodies(items))
    for body in bodies:
        assert_valid(TOPICS.up("event"), sealed(Stream.EVENT, body))
    assert [item for body in bodies for item in body["items"]] == items
    assert len(bodies) > 10


def test_the_evidence_of_a_fall_goes_in_parts_below_2_kib() -> None:
    bodies = list(acceleration_bodies(ULID, AT, "band", [block(520), block(520)]))
    assert [(body["part"], body["parts"]) for body in bodies] == [(n, 6) for n in range(1, 7)]
    for body in (*bodies, *home_bodies(ULID, AT, [ITEM] * 30)):
        assert_valid(TOPICS.up("evidence"), sealed(Stream.EVIDENCE, body))


def test_a_summary_and_a_commands_result_are_valid() -> None:
    body = summary_body(AT, 60, [summary_item("band", "heart_rate_bpm", [60, 61, 70.5])])
    assert assert_valid(TOPICS.up("sum"), sealed(Stream.SUM, body))["items"][0]["mean"] == 63.833
    assert_valid(TOPICS.up("res"), sealed(Stream.RES, result_body("c1", AT, ok=True)))
    refusal = result_body("c1", AT, ok=False, reason="late" * 100)
    assert_valid(TOPICS.up("res"), sealed(Stream.RES, refusal))


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TOPICS.dn("ack"), ack_payload(Ack(ULID, "alarm", AckStatus.STORED, ids=(ULID,)))),
        (TOPICS.dn("ack"), ack_payload(Ack(ULID, "sum", AckStatus.STORED, upto=0))),
        (
            TOPICS.dn("ack"),
            ack_payload(
                Ack(ULID, "alarm", AckStatus.CLOSED, ids=(ULID,), cause=Cause.REAL, operator="7")
            ),
        ),
        (TOPICS.dn("cmd"), command_payload(Command("c", CommandName.HOME, {}, 0))),
        (
            TOPICS.dn("cmd"),
            command_payload(
                Command(
                    "c",
                    CommandName.RESEND,
                    {"epoch": ULID, "stream": "event", "from": 1, "to": 2},
                    0,
                )
            ),
        ),
        (TOPICS.centre, centre_state_payload(CentreState(online=True, at_ms=1))),
        (TOPICS.centre, centre_state_payload(CentreState(online=False))),
    ],
)
def test_what_the_centre_says_is_valid(topic: str, payload: bytes) -> None:
    assert assert_valid(topic, payload)["v"] == 1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda message: message.pop("epoch"),
        lambda message: message.pop("state"),
        lambda message: message.update(msg="shout"),
        lambda message: message.update(sev=5),
        lambda message: message.update(seq=0),
        lambda message: message.update(t="yesterday"),
    ],
)
def test_what_the_schema_forbids_the_reader_refuses(
    spoil: Callable[[dict[str, Any]], object],
) -> None:
    message = json.loads(sealed(Stream.ALARM, alarm(Kind.FALL, Turn.CONFIRM, 0)))
    spoil(message)
    with pytest.raises(AssertionError):
        assert_valid(TOPICS.up("alarm"), encode(message))
    with pytest.raises(HubMessageError):
        parse_up(TOPICS.up("alarm"), encode(message))


def test_a_field_the_contract_does_not_know_is_not_valid() -> None:
    body = alarm(Kind.FALL, Turn.CONFIRM, 0) | {"name": "홍길동"}
    with pytest.raises(AssertionError, match="Additional properties"):
        assert_valid(TOPICS.up("alarm"), sealed(Stream.ALARM, body))


def test_every_message_has_a_schema_of_2020_12_that_is_itself_valid() -> None:
    assert Msg.TEST.value in MESSAGES["up/alarm"]["properties"]["msg"]["enum"]
    for schema in MESSAGES.values():
        jsonschema.Draft202012Validator.check_schema({"$schema": DIALECT, **schema})


def test_the_published_contract_is_the_one_in_the_code() -> None:
    published = Path(ROOT, "config", "asyncapi.yaml").read_text()
    assert published == text(), "run scripts/make_asyncapi.py"

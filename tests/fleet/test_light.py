"""A light hub speaks the contract: what it sends the centre reads, and the packets are MQTT's."""

import json

import jsonschema
import pytest

from gateway.core.schemas import MESSAGES
from gateway.core.wire import Ack, AckStatus, ack_payload, parse_up
from tests.fakes import at
from tests.fleet import packets
from tests.fleet.light import LightHub, order

DISTRICT = "11200"
IDS = [f"01JTEST000000000000000000{letter}" for letter in "ABC"]


def stored(hub: LightHub, *ids: str, stream: str = "alarm", upto: int | None = None) -> bytes:
    return ack_payload(Ack(hub.epoch, stream, AckStatus.STORED, ids, upto))


def test_what_it_says_is_what_the_centre_reads() -> None:
    hub = LightHub(1, 7, DISTRICT)
    alarm, summary = hub.press(at(0), 0.0, IDS[0]), hub.summary(at(300), 0.0, IDS[1])
    said = {
        "state": hub.birth(at(0)),
        "hb": hub.heartbeat(at(60)),
        "alarm": alarm.sent(0.0),
        "sum": summary.sent(0.0),
        "event": hub.batch(at(300), 0.0, IDS[2]).sent(0.0),
    }
    for leaf, payload in said.items():
        assert parse_up(hub.topics.up(leaf), payload).hub == hub.id
        jsonschema.validate(json.loads(payload), MESSAGES[f"up/{leaf}"])


def test_an_alarm_is_repeated_on_the_contracts_schedule_until_it_is_stored() -> None:
    hub = LightHub(1, 7, DISTRICT)
    one = hub.press(at(0), 0.0, IDS[0])
    due = [one.due for _ in range(6) if one.sent(one.due)]
    assert due == [5.0, 15.0, 35.0, 75.0, 135.0, 195.0]
    assert json.loads(one.sent(200.0))["attempt"] == 7
    assert hub.heard(stored(hub, one.body["id"])) == [one]
    assert hub.waiting is None


def test_a_summary_ends_with_a_run_that_is_stored() -> None:
    hub = LightHub(1, 7, DISTRICT)
    first, second = hub.summary(at(0), 0.0, IDS[0]), hub.summary(at(300), 300.0, IDS[1])
    alarm = hub.press(at(300), 300.0, IDS[2])
    assert hub.heard(stored(hub, stream="sum", upto=2)) == [first, second]
    assert list(hub.waiting or ()) == [alarm.body["id"]]


def test_the_brokers_order_is_the_hubs_own_and_spreads_hubs_evenly() -> None:
    brokers = [("127.0.0.1", port) for port in (1, 2, 3)]
    firsts = [order(LightHub(1, number, DISTRICT).id, brokers)[0] for number in range(3000)]
    assert all(900 < firsts.count(place) < 1100 for place in range(3))


@pytest.mark.parametrize("split", range(1, 12))
def test_packets_are_cut_wherever_the_network_cuts_them(split: int) -> None:
    data = packets.publish("a/b", b"x" * 300, 5) + packets.puback(9)
    *first, rest = packets.cut(data[: split * 28])
    assert isinstance(rest, bytes)
    *second, end = packets.cut(rest + data[split * 28 :])
    told = [one for one in first + second if isinstance(one, packets.Packet)]
    assert end == b""
    assert packets.published(told[0]) == ("a/b", b"x" * 300, 5)
    assert (told[1].kind, told[1].body) == (packets.PUBACK, b"\x00\x09")

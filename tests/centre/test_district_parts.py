"""The parts of a district's worker that need no server: partitions, shares, positions, batches."""

from pathlib import Path

import pytest

from gateway.centre.district import streams
from gateway.centre.district.feed import Arrival, Position, pause_s
from gateway.centre.district.leases import wanted
from gateway.centre.district.rows import HEARD_EVERY_MS, BatchShelf, Rows, worth_writing
from gateway.centre.district.settings import PARTITIONS, DistrictSettings
from gateway.centre.district.streams import Extent, Lane
from gateway.centre.district.ward import Inbox
from gateway.centre.household import Household, spoke
from gateway.centre.ledger import Ledger
from gateway.errors import ConfigurationError, HubMessageError
from tests.fakes_centre import HUB, T0, alarm, birth, heartbeat, received

SHIPPED = Path(__file__).resolve().parents[2] / "config" / "brokers" / "nats" / "partitions.conf"


def test_a_hub_belongs_to_the_partition_that_nats_server_computes() -> None:
    """As seen of nats-server 2.9.10 with {{partition(16,2)}}."""
    assert [streams.partition_of(hub, 16) for hub in ("hubA", "hubB")] == [7, 10]


def test_the_shipped_mappings_are_those_of_this_version() -> None:
    assert SHIPPED.read_text() == streams.mappings(PARTITIONS)


def test_no_two_mappings_fit_one_subject_for_the_server_would_take_either() -> None:
    leaves = [leaf for lane in streams.LEAVES.values() for leaf in lane]
    assert len(leaves) == len(set(leaves)) == 8
    assert "up.*" not in streams.mappings(16)


def test_a_subject_gives_the_topic_that_the_hub_published_on() -> None:
    number = streams.partition_of(HUB, 16)
    subject = f"ansim-in.alarm.{number}.11200.{HUB}.alarm"
    assert streams.topic(subject, number, 16) == f"ansim/1/11200/{HUB}/up/alarm"


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("ansim-in.alarm.3.11200.{hub}.alarm", "not its own"),
        ("ansim-in.rest.{own}.11200.{hub}.alarm", "in the lane"),
        ("ansim-in.alarm.{own}.11200.{hub}.hb", "in the lane"),
        ("ansim-in.other.{own}.11200.{hub}.hb", "in the lane"),
        ("ansim-in.alarm.{own}.11200.{hub}", "no subject"),
    ],
)
def test_a_hub_that_names_lane_or_partition_itself_is_refused(subject: str, why: str) -> None:
    own = streams.partition_of(HUB, 16)
    given = subject.format(hub=HUB, own=own)
    with pytest.raises(HubMessageError, match=why):
        streams.topic(given, int(given.split(".")[2]), 16)


def test_a_worker_that_does_not_hear_leaves_its_share_to_those_who_do() -> None:
    assert wanted(16, 2, hearing=False) == 0
    assert wanted(16, 0, hearing=False) == 16
    assert [wanted(16, members, hearing=True) for members in (0, 1, 3, 16, 20)] == [16, 16, 6, 1, 1]


def test_a_feed_goes_on_behind_its_position_and_begins_anew_with_a_stream_made_anew() -> None:
    position = Position("monday", 41)
    assert position.start(Extent("monday", 50)) == 42
    assert position.start(Extent("monday", 41)) == 42
    assert position.start(Extent("tuesday", 50)) == 1
    assert Position().start(Extent("monday", 50)) == 1


def test_a_stream_that_lost_its_tail_is_read_from_its_beginning() -> None:
    assert Position("monday", 41).start(Extent("monday", 30)) == 1


def test_a_feed_whose_lives_bring_nothing_makes_new_ones_ever_more_seldom() -> None:
    assert [pause_s(failures, 1.0) for failures in (0, 1, 3, 9)] == [0.5, 1.0, 4.0, 20.0]
    assert pause_s(9, 0.0) == 10.0


def test_alarms_stand_before_everything_that_came_earlier() -> None:
    inbox = Inbox()
    for number, lane in enumerate((Lane.REST, Lane.REST, Lane.ALARM)):
        inbox.put(Arrival(number, lane, Position("", number), "", b"", 0))
    assert [one.partition for one in inbox.take(2)] == [2, 0]
    assert [one.partition for one in inbox.take(2)] == [1]


def test_what_arrived_of_a_partition_given_away_is_dropped() -> None:
    inbox = Inbox()
    for number in (1, 2, 1):
        inbox.put(Arrival(number, Lane.REST, Position(), "", b"", 0))
    inbox.forget(1)
    assert [one.partition for one in inbox.take(9)] == [2]


def test_the_same_message_twice_in_one_batch_is_kept_once() -> None:
    shelf, rows = BatchShelf(), Rows()
    ledger = Ledger(shelf)
    for attempt in (1, 2):
        outcome = ledger.receive(received(alarm(1, attempt=attempt)), T0)
        shelf.decided(outcome)
        rows.add(0, outcome, {})
    assert [message.id for message in rows.messages] == ["A1"]
    assert list(rows.cases) == ["A1"]


def test_being_heard_again_is_written_every_five_minutes_and_all_else_at_once() -> None:
    ledger, kept = Ledger(BatchShelf()), dict[str, Household]()
    written = []
    for second in range(0, 660, 60):
        body = heartbeat(at_ms=T0 + second * 1000)
        rows = Rows()
        rows.add(0, ledger.receive(received(body), T0 + second * 1000), kept)
        written.append(bool(rows.homes))
    assert [60 * turn for turn, done in enumerate(written) if done] == [0, 300, 600]
    home = kept[HUB]
    again = spoke(home, received(birth(2)), home.heard_ms + 1, retained=False)
    assert worth_writing(home, again)
    assert again.heard_ms - home.heard_ms < HEARD_EVERY_MS


def test_a_heartbeat_that_says_nothing_new_writes_no_progress() -> None:
    ledger = Ledger(BatchShelf())
    first = ledger.receive(received(heartbeat(alarm=3)), T0)
    second = ledger.receive(received(heartbeat(alarm=3)), T0 + 60_000)
    assert len(first.progress) == 1
    assert second.progress == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"dsn": ""},
        {"nats": ()},
        {"districts": ()},
        {"partitions": 0},
        {"replicas": 2},
        {"retain_days": 0},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    right: dict[str, object] = {"dsn": "postgresql://", "nats": ("nats://h",), "districts": ("1",)}
    DistrictSettings(**right)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError):
        DistrictSettings(**(right | wrong))  # type: ignore[arg-type]

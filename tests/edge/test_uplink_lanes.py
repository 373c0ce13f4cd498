"""What is sent next, with a time that is only a number."""

from gateway.core.alerts import repeat_after_s
from gateway.edge.lanes import BULK_REPEAT_S, MAX_AWAITING, AlarmFeed, AlarmLane, BulkLane
from gateway.edge.unfinished import PAGE
from tests.fakes_uplink import EPOCH, FakeOutbox, alarm, event


def lane_with(*numbers: int) -> AlarmLane:
    lane = AlarmLane()
    for number in numbers:
        assert lane.offer(alarm(number), 0.0)
    return lane


def send_due(lane: AlarmLane, now: float, *, answered: bool = True) -> list[tuple[int, int]]:
    """Publish all that is due; return seq and attempt of each."""
    sent = []
    while (sending := lane.next(now)) is not None:
        sent.append((sending.row.seq, sending.attempt))
        if answered:
            lane.answered(sending.row.id)
    return sent


def test_an_alarm_is_repeated_at_5_10_20_40_and_then_every_60_s_without_end() -> None:
    lane, now, attempts = lane_with(1), 0.0, 200
    for attempt in range(1, attempts):
        assert send_due(lane, now) == [(1, attempt)]
        assert lane.next_due() == now + repeat_after_s(attempt)
        assert lane.next(now + repeat_after_s(attempt) - 0.001) is None
        now += repeat_after_s(attempt)
    assert now == 5 + 10 + 20 + 40 + 60 * (attempts - 5)


def test_a_fresh_alarm_goes_before_repetitions_that_are_long_due() -> None:
    lane = lane_with(1, 2, 3)
    send_due(lane, 0.0)
    lane.offer(alarm(4), 99.0)
    assert send_due(lane, 100.0) == [(4, 1), (1, 2), (2, 2), (3, 2)]


def test_messages_of_one_alert_keep_their_order() -> None:
    lane = AlarmLane()
    for number in (3, 1, 2):
        lane.offer(alarm(number), 0.0)
    assert send_due(lane, 0.0) == [(1, 1), (2, 1), (3, 1)]


def test_only_settling_ends_the_repetition() -> None:
    lane = lane_with(1, 2)
    send_due(lane, 0.0)
    lane.settle([alarm(1).id, "unknown"])
    assert send_due(lane, 5.0) == [(2, 2)]
    assert len(lane) == 1
    lane.settle([alarm(2).id])
    assert (send_due(lane, 1000.0), len(lane), lane.oldest_offered()) == ([], 0, None)


def test_what_the_broker_has_not_answered_is_not_repeated_on_the_same_connection() -> None:
    lane = lane_with(1)
    assert send_due(lane, 0.0, answered=False) == [(1, 1)]
    assert send_due(lane, 60.0) == []
    lane.answered(alarm(1).id)
    assert send_due(lane, 61.0) == [(1, 2)]


def test_after_a_reconnect_everything_goes_again_at_once_and_attempts_count_on() -> None:
    lane = lane_with(1, 2)
    send_due(lane, 0.0, answered=False)
    assert lane.oldest_sent() == 0.0
    lane.again(1.0)
    assert lane.oldest_sent() is None
    lane.offer(alarm(3), 1.0)
    assert send_due(lane, 1.0) == [(3, 1), (1, 2), (2, 2)]
    assert lane.oldest_offered() == 0.0


def test_an_alarm_about_the_resident_is_urgent_and_a_fault_is_not() -> None:
    lane = AlarmLane()
    lane.offer(alarm(1, "fault.link"), 0.0)
    assert not lane.urgent()
    lane.offer(alarm(2, "pers"), 0.0)
    assert lane.urgent()


async def test_a_row_settled_while_it_is_being_read_is_not_offered() -> None:
    lane = AlarmLane()

    class SettlesMeanwhile(FakeOutbox):
        async def unfinished(self, *args: object, **more: object) -> tuple[object, ...]:  # type: ignore[override] # the fake hands its arguments on
            found = await super().unfinished(*args, **more)  # type: ignore[arg-type]
            feed.settle({alarm(1).id})
            return found

    feed = AlarmFeed(SettlesMeanwhile([alarm(1), alarm(2)]), lane)  # type: ignore[arg-type]
    assert await feed.read()
    assert send_due(lane, 1e9) == [(2, 1)]


async def test_every_unfinished_alarm_is_read_however_many_pages_that_takes() -> None:
    lane = AlarmLane()
    feed = AlarmFeed(FakeOutbox(map(alarm, range(1, 3 * PAGE + 2))), lane)
    assert await feed.read()
    assert len(lane) == 3 * PAGE + 1
    assert not await feed.read()


async def drain(lane: BulkLane, outbox: FakeOutbox, now: float) -> list[int]:
    """Read and publish all the lane is willing to."""
    sent = []
    while True:
        while (row := lane.next(now)) is not None:
            sent.append(row.seq)
        wanted = lane.wants()
        if wanted is None:
            return sent
        lane.read(wanted[0], await outbox.unfinished(wanted[0], PAGE, after=wanted[1]))


async def test_a_backlog_is_never_held_in_memory_and_goes_on_as_the_centre_stores_it() -> None:
    outbox, lane = FakeOutbox(map(event, range(1, 1501))), BulkLane()
    sent = await drain(lane, outbox, 0.0)
    assert sent == list(range(1, MAX_AWAITING + 1))
    lane.settle_upto(EPOCH, "event", 50)
    assert await drain(lane, outbox, 1.0) == list(range(MAX_AWAITING + 1, MAX_AWAITING + 51))


async def test_a_row_is_sent_once_a_connection_and_again_after_a_minute_without_stored() -> None:
    outbox, lane = FakeOutbox(map(event, range(1, 4))), BulkLane()
    assert await drain(lane, outbox, 0.0) == [1, 2, 3]
    outbox.add(event(4))
    lane.woken()
    assert await drain(lane, outbox, 30.0) == [4]
    del outbox.rows[event(2).id]
    lane.settle([event(2).id])
    assert lane.next_due() == BULK_REPEAT_S
    assert not lane.overdue(BULK_REPEAT_S - 1)
    assert lane.overdue(BULK_REPEAT_S)
    assert await drain(lane, outbox, BULK_REPEAT_S) == [1, 3]  # 4 has its own minute

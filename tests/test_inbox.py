"""The queue sheds what may be lost, in order, and nothing else."""

import numpy as np

from gateway.core.inputs import Acknowledge, Input
from gateway.core.model import AccelerationBlock, Battery, Heard, Motion, Tick
from gateway.core.wire import Ack, AckStatus
from gateway.inbox import Inbox
from tests.fakes import at, heard, press, tick


def acceleration(seconds: float) -> Heard:
    block = AccelerationBlock(np.zeros(1, np.int64), np.zeros((1, 3), np.int16))
    return heard(seconds, "band", block)


async def drained(inbox: Inbox) -> list[Input]:
    return [await inbox.get() for _ in range(len(inbox))]


async def test_inputs_come_out_in_order_and_ticks_coalesce() -> None:
    inbox = Inbox()
    for given in (tick(0), press(1), tick(2), heard(3, "hall", Motion(detected=True)), tick(4)):
        inbox.put(given)
    assert [given.at for given in await drained(inbox)] == [at(0), at(1), at(3), at(4)]


async def test_a_queue_that_never_empties_starves_no_tick() -> None:
    inbox = Inbox()
    seen = 0
    for second in range(300):
        inbox.put(heard(second, "hall", Motion(detected=True)))
        inbox.put(heard(second, "hall", Motion(detected=False)))
        inbox.put(tick(second))
        seen += isinstance(await inbox.get(), Tick)
    assert seen > 5


async def test_a_flood_sheds_telemetry_first_and_counts_it() -> None:
    inbox = Inbox(limit=3)
    cries: list[Input] = [press(0), acceleration(1)]
    for given in cries:
        inbox.put(given)
    for second in range(50):
        inbox.put(heard(second, "hall", Battery(90)))
    assert (await drained(inbox))[:2] == cries
    assert inbox.shed == {"telemetry": 49}


async def test_old_acceleration_becomes_a_counted_gap_before_anything_is_lost() -> None:
    inbox = Inbox(limit=2)
    old, fresh = acceleration(0), acceleration(19)
    for given in (old, fresh, press(20)):
        inbox.put(given)
    assert [given.at for given in await drained(inbox)] == [at(19), at(20)]
    assert inbox.shed == {"acceleration": 1}


async def test_a_cry_an_answer_and_fresh_acceleration_are_never_shed() -> None:
    inbox = Inbox(limit=1)
    answer = Acknowledge(at(0), Ack("E", "alarm", AckStatus.STORED, ("x",)))
    given: list[Input] = [press(0), answer, acceleration(0), *(press(n) for n in range(1, 40))]
    for one in given:
        inbox.put(one)
    out = await drained(inbox)
    assert len(out) >= len(given) - 1, "only the acceleration, once it is older than ten seconds"
    assert [one for one in out if one != given[2]] == [one for one in given if one != given[2]]

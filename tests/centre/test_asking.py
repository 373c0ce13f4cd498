"""An operator's command is said again until a hub answers, and given up when it is void."""

from gateway.centre.asking import AGAIN_MS, Asking
from gateway.centre.outcome import Event, Notice
from gateway.core.from_hub import UpMessage
from gateway.core.wire import Command, CommandName
from tests.fakes_centre import DISTRICT, EPOCH, HUB, T0

COMMAND = Command("c1", CommandName.STATUS, {}, T0 + 60_000)


def asking() -> Asking:
    made = Asking()
    made.ask(DISTRICT, HUB, COMMAND, T0)
    return made


def answer(command: str) -> UpMessage:
    return UpMessage(DISTRICT, HUB, "res", "res", EPOCH, 1, "R1", {"cmd": command, "ok": True})


def test_a_command_is_said_again_every_five_seconds_with_its_own_id() -> None:
    made = asking()
    said = [at for at in range(T0, T0 + 20_000, 1_000) if made.again(at)]
    assert [at - T0 for at in said] == [5_000, 10_000, 15_000]
    (again,) = made.again(T0 + 20_000)
    assert (again.district, again.hub, again.command) == (DISTRICT, HUB, COMMAND)


def test_what_is_answered_is_not_said_again_and_another_answer_changes_nothing() -> None:
    made = asking()
    made.hear([answer("another")])
    assert made.again(T0 + AGAIN_MS)
    made.hear([answer("c1")])
    assert made.again(T0 + 2 * AGAIN_MS) == []
    assert made.void(T0 + 70_000) == []


def test_a_command_that_nobody_answered_is_told_once_when_it_is_void() -> None:
    made = asking()
    assert made.void(T0 + 60_000) == []
    told = Event(T0 + 60_001, Notice.UNANSWERED, HUB, "c1", "status")
    assert made.void(T0 + 60_001) == [told]
    assert made.void(T0 + 60_002) == []
    assert made.again(T0 + 65_000) == []

"""What the hub knows of the silence and of yesterday, told to a technician and to the centre."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from gateway.core.model import Tick
from gateway.core.outputs import Outputs, Stream
from gateway.core.pipeline import Pipeline, Plan
from gateway.core.routine.diary import Diary
from gateway.core.wire import Ack, AckStatus, CommandName, encode
from gateway.edge.store import Store
from gateway.replay.direct import pipeline_of
from gateway.settings import Settings
from gateway.status import Parts, Status
from gateway.virtual.time import SteppedClock
from tests.contract import assert_valid
from tests.fakes_routine import DAY, HOUR, Living
from tests.fakes_store import Disk, Epochs, opened, post
from tests.homes import settings
from tests.test_said_away import asked, at, home

ENVELOPE = {
    "v": 1,
    "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "hub": "mfzwizltmvzxg2lqnrsv6ylcmm",
    "epoch": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "stream": "res",
    "seq": 1,
    "boot": 1,
    "durable": True,
}


def asked_for_status(pipeline: Pipeline, seconds: int) -> dict[str, Any]:
    """Return what the centre is answered, held against the contract."""
    (post,) = pipeline.feed(asked(seconds, CommandName.STATUS)).posts
    message = assert_valid("x/up/res", encode({**ENVELOPE, **post.body}))
    result: dict[str, Any] = message["result"]
    return result


def test_a_centre_that_asks_is_told_the_deadline_and_where_the_resident_is_thought_to_be(
    tmp_path: Path,
) -> None:
    pipeline = home(tmp_path)
    pipeline.feed(Tick(at(1)))
    pipeline.feed(asked(5, CommandName.AWAY))
    told = asked_for_status(pipeline, 6)
    assert told == {"alerts": [], "deadline": pipeline.outlook}
    assert (told["deadline"]["presence"], told["deadline"]["probability"]) == ("said-away", 0.02)
    assert told["deadline"]["at"].startswith(
        "2027-01-17T08:00:05"
    )  # two days from when it was said
    assert told["deadline"]["en"]
    assert told["deadline"]["ko"]


def test_a_hub_that_watches_over_no_silence_answers_so(tmp_path: Path) -> None:
    assert asked_for_status(pipeline_of(Plan(detectors=())), 6)["deadline"] is None


@dataclass
class Night:
    """A hub in Seoul whose silence may ring by night, and waits for the morning."""

    settings: Settings
    outlook: dict[str, Any]

    @property
    def pipeline(self) -> "Night":
        return self


def test_a_technician_reads_both_times_of_a_deadline_in_the_homes_own_time(tmp_path: Path) -> None:
    outlook = {"at": "2026-11-21T18:00:00Z", "held_until": "2026-11-21T21:00:00Z", "en": "why"}
    made = settings(tmp_path, "mqtt://127.0.0.1")
    clock = SteppedClock(boot="1" * 32, mono_ms=1, wall_ms=1)
    hub = Night(made, outlook)
    assert Status(cast("Parts", hub), clock).deadline() == {
        "at": "2026-11-22 03:00:00+09:00",
        "held_until": "2026-11-22 06:00:00+09:00",
        "en": "why",
    }
    hub.outlook |= {"at": None, "held_until": None}
    assert Status(cast("Parts", hub), clock).deadline() == hub.outlook


@dataclass
class Hub:
    """The parts of a daemon that a summary is read from."""

    pipeline: "Told"
    store: Store


@dataclass
class Told:
    """A pipeline, as far as its diary."""

    diary: Diary | None


def status(store: Store, diary: Diary | None) -> Status:
    clock = SteppedClock(boot="1" * 32, mono_ms=1, wall_ms=1)
    return Status(cast("Parts", Hub(Told(diary), store)), clock)


def lived() -> Living:
    """Return a diary that has told its first day."""
    living = Living()
    living.day(0)
    living.until(DAY + 10 * HOUR)
    return living


async def test_the_last_summary_is_shown_until_stored_and_then_as_stored(tmp_path: Path) -> None:
    living = lived()
    (body,) = living.told
    async with opened(tmp_path, epochs=Epochs()) as store:
        shown = status(store, living.diary)
        await store.commit(Outputs(posts=(post("day-0", Stream.ROUTINE, **body),)))
        waits = await shown.summary()
        assert waits == {"day": "1970-01-01", "en": body["en"], "ko": body["ko"], "stored": False}
        await store.finish(Ack(store.epoch, Stream.ROUTINE, AckStatus.STORED, ids=("day-0",)))
        assert await shown.summary() == {**waits, "stored": True}


async def test_without_its_disk_a_hub_does_not_say_that_the_centre_has_it(tmp_path: Path) -> None:
    disk = Disk()
    async with opened(tmp_path, epochs=Epochs(), connect=disk.connect) as store:
        disk.breaks(10)
        await store.commit(Outputs(posts=(post("a", Stream.ALARM),)))
        told = await status(store, lived().diary).summary()
    assert told is not None
    assert told["stored"] is None


async def test_a_home_of_which_no_day_was_told_yet_shows_none(tmp_path: Path) -> None:
    async with opened(tmp_path, epochs=Epochs()) as store:
        assert await status(store, Living().diary).summary() is None
        assert await status(store, None).summary() is None


def test_the_last_day_is_known_after_a_restart_as_it_was_told() -> None:
    living = lived()
    living.day(3)  # nobody watched on two days between
    living.until(4 * DAY + 10 * HOUR)
    before = living.diary.latest()
    assert before is not None
    assert (before["en"], before["ko"]) == (living.told[-1]["en"], living.told[-1]["ko"])
    living.restarted()
    assert living.diary.latest() == before

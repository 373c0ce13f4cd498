"""A fixed handful of the fault harness's runs; `scripts/fault_run` does as many as one likes."""

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.brokers import needs_mosquitto
from tests.faults import summing
from tests.faults.account import Account, Stored, events_in_order, order_and_holes
from tests.faults.children import Nursery
from tests.faults.plan import plan
from tests.faults.points import INSIDE
from tests.faults.run import given_out, run
from tests.faults.sabotage import SABOTAGE
from tests.faults.sitting import Sitting, Wanted
from tests.faults.themes import ORDER, THEMES, WIRE, Step
from tests.faults.wire import answer

APART_S = 1.5
QUICK = ("kills", "points", "wire", "centre", "broker", "corrupt", "clock", "meddler", "twin")
SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "fault_run"


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    async with Nursery() as each:
        yield each


@needs_mosquitto
@pytest.mark.broker
@pytest.mark.timeout(180)
async def test_whatever_is_broken_every_cry_is_stored_exactly_once(nursery: Nursery) -> None:
    for number, theme in enumerate(QUICK):
        account = await run(nursery, plan(number, theme))
        assert account.caused >= 10
        assert account.good, account


@needs_mosquitto
@pytest.mark.broker
@pytest.mark.timeout(180)
def test_a_hub_or_centre_that_is_broken_itself_is_found_out() -> None:
    jobs = {
        name: subprocess.Popen(
            [sys.executable, str(SCRIPT), "--theme", theme, "--sabotage", name, "--runs", "2"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, (_role, theme, _how) in SABOTAGE.items()
    }
    for name, job in jobs.items():
        told, _ = job.communicate()
        assert job.returncode == 1, (name, told)
        assert "BAD" in told, (name, told)
        assert "2 of 2 runs" in told, (name, told)


@needs_mosquitto
@pytest.mark.broker
@pytest.mark.timeout(60)
def test_the_script_ends_when_nobody_reads_its_output_any_more() -> None:
    command = [sys.executable, str(SCRIPT), "--theme", "calm", "--runs", "50", "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout is not None
        assert job.stdout.readline().startswith("ok")
        job.stdout.close()
        assert job.wait() == 1


def test_any_run_of_seeds_as_long_as_the_order_has_every_theme() -> None:
    assert set(ORDER) == set(THEMES)
    assert {plan(seed).theme for seed in range(1000, 1000 + len(ORDER))} == set(THEMES)


def test_a_seed_plans_the_same_each_time() -> None:
    for seed in range(200):
        assert plan(seed) == plan(seed)


async def test_a_sitting_goes_on_where_the_one_before_was_cut_off(tmp_path: Path) -> None:
    file = tmp_path / "job"
    done = account(seed=3)
    file.write_text(json.dumps(done.as_json()) + '\n{"seed": 4, "cut of')
    sitting = Sitting(Wanted((3, 4)), lambda _account: None, file)
    assert sitting.missing == [4]
    assert sitting.accounts[3]["good"]
    sitting._done(4, account(seed=4).as_json())
    assert Sitting(Wanted((3, 4)), lambda _account: None, file).missing == []


async def test_a_sitting_takes_no_run_of_another_job_for_its_own(tmp_path: Path) -> None:
    file = tmp_path / "job"
    Sitting(Wanted((3,)), lambda _account: None, file)._done(3, account(seed=3).as_json())
    for other in (Wanted((3,), broker="nats"), Wanted((3,), theme="calm"), Wanted((3,), tls=True)):
        with pytest.raises(ValueError, match="seed 3 was another job's"):
            Sitting(other, lambda _account: None, file)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (("--runs", "0"), "1 or more"),
        (("--jobs", "-1"), "1 or more"),
        (("--theme", "wire", "--tls"), "not played on mosquitto with TLS"),
        (("--theme", "tls", "--broker", "nats"), "not played on nats"),
        (("--resume", "/nowhere/at/all"), "No such file or directory"),
    ],
)
def test_a_job_that_could_prove_nothing_is_refused(given: tuple[str, ...], why: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert why in done.stderr


@needs_mosquitto
@pytest.mark.broker
@pytest.mark.timeout(120)
async def test_every_named_crash_point_kills_whom_it_means(nursery: Nursery) -> None:
    for theme, what, points in (("points", "arm", INSIDE), ("wire", "arm_wire", WIRE)):
        rest: dict[str, float] = {"nth": 1} if what == "arm" else {"after_s": 0.0}
        steps = tuple(
            Step(0.1 + number * APART_S, what, {"point": point, **rest})
            for number, point in enumerate(points)
        )
        usual = plan(0, theme)
        pressings = tuple(
            replace(one, at_s=0.4 + number * APART_S) for number, one in enumerate(usual.pressings)
        )
        account = await run(nursery, replace(usual, steps=steps, pressings=pressings))
        assert account.good, account
        centres = sum(point.startswith("centre-") for point in points)
        deaths = account.kills["hub deaths"], account.kills["centre deaths"]
        assert deaths == (len(points) - centres, centres), account.kills


def account(**fields: object) -> Account:
    """Return a good run's account, but for `fields`."""
    good = Account(
        seed=1,
        theme="calm",
        caused=10,
        stored_once=10,
        lost=(),
        doubled=(),
        again=(),
        findings=(),
        alarms=10,
        messages=12,
        events=60,
        to_stored_s=(0.1,) * 9 + (3.0,),
        longest_s=3.0,
        took_s=5.0,
    )
    return replace(good, **fields)  # type: ignore[arg-type] # by the fields' names


@pytest.mark.parametrize(
    "wrong",
    [{"lost": ("sos-1 single",)}, {"doubled": ("sos-1",)}, {"findings": ("it ended",)}],
)
def test_the_exit_status_tells_of_a_single_bad_run_among_many(wrong: dict[str, object]) -> None:
    many = [account(seed=seed).as_json() for seed in range(50)]
    assert summing.status(many, []) == 0
    assert summing.status([*many, account(**wrong).as_json()], []) == 1
    assert summing.status(many, [51]) == 1


def test_the_sum_says_what_the_link_up_cost_and_what_is_over() -> None:
    told = "\n".join(summing.summary([account().as_json()]))
    assert "p50 0.100 s (<= 0.5), p99 3.000 s (<= 2), maximum 3.000 s (<= 10), 10 alarms" in told
    assert "OVER" in told


def stored(stream: str, *seqs: int) -> Iterator[Stored]:
    for seq in seqs:
        items = [{"mono_ms": seq * 10}, {"mono_ms": seq * 10 + 5}]
        yield Stored("E", stream, seq, f"{stream}-{seq}", {"boot": 1, "items": items}, 0.0)


def test_a_missing_number_is_a_finding_unless_the_hub_said_that_it_threw_it_away() -> None:
    assert order_and_holes(stored("event", 1, 2, 3), {}, set(), {}) == []
    holes = list(stored("event", 1, 4))
    assert order_and_holes(holes, {}, set(), {}) == ["event of epoch E: never came: [2, 3] of 4"]
    assert order_and_holes(holes, {}, set(), {}, {"event": 2}) == []
    assert order_and_holes(stored("alarm", 1, 3), {}, set(), {}, {"alarm": 5})


def test_the_last_message_of_a_stream_is_missed_too(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    assert given_out(path) == {}
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(
            "CREATE TABLE self (epoch); INSERT INTO self VALUES ('E');"
            "CREATE TABLE streams (stream, seq);"
            "INSERT INTO streams VALUES ('event', 5), ('sum', 2);"
            "CREATE TABLE outbox (stream, epoch, seq); INSERT INTO outbox VALUES ('event', 'E', 5);"
        )
    high = given_out(path)
    assert high == {("E", "event"): 4, ("E", "sum"): 2}
    here = [*stored("event", 1, 2, 3, 4), *stored("sum", 1)]
    assert order_and_holes(here, high, set(), {}) == ["sum of epoch E: never came: [2] of 2"]


def test_events_that_go_back_in_time_are_a_finding() -> None:
    right = list(stored("event", 1, 2))
    assert events_in_order(right) == []
    wrong = [Stored("E", "event", 3, "late", right[0].body, 0.0)]
    assert events_in_order([*right, *wrong]) == ["order: events of epoch E, boot 1 go back in time"]


def test_the_resolver_answers_an_address_question_and_says_when_it_cannot() -> None:
    name = b"\x06broker\x05ansim\x04test\x00"
    question = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name
    told = answer(question + b"\x00\x01\x00\x01", 0, "10.213.0.1")
    assert told[:2] == b"\x12\x34"
    assert told[6:8] == b"\x00\x01"
    assert told.endswith(b"\x00\x04\x0a\xd5\x00\x01")
    six = answer(question + b"\x00\x1c\x00\x01", 0, "10.213.0.1")
    assert six[3] & 15 == 0
    assert six[6:8] == b"\x00\x00"
    failed = answer(question + b"\x00\x01\x00\x01", 2, "10.213.0.1")
    assert failed[3] & 15 == 2
    assert failed[6:8] == b"\x00\x00"

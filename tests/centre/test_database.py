"""What the centre has committed survives anything; what it has not, it never said."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.centre import desk
from gateway.centre.board import render
from gateway.centre.database import DAY_MS, CentreDatabase
from gateway.centre.ledger import Ledger
from gateway.centre.outcome import Outcome
from gateway.centre.view import View, homes, open_cases, over_cases
from gateway.centre.watch import tick
from gateway.core.alerts import Matter
from gateway.core.wire import AckStatus, Cause, encode, parse_up
from gateway.errors import HubMessageError, StoreError
from gateway.settings import Language
from tests.fakes_centre import HUB, T0, alarm, birth, counted, heartbeat, received, topic


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "centre.db"


@pytest.fixture
def database(path: Path) -> Iterator[CentreDatabase]:
    with CentreDatabase(path) as opened:
        yield opened


def take(database: CentreDatabase, ledger: Ledger, *bodies: dict[str, Any]) -> list[Outcome]:
    with database.transaction():
        return [take_one(database, ledger, body) for body in bodies]


def take_one(database: CentreDatabase, ledger: Ledger, body: dict[str, Any]) -> Outcome:
    outcome = ledger.receive(received(body), T0)
    database.write(outcome, T0)
    return outcome


def test_what_was_committed_is_the_ledger_again(path: Path, database: CentreDatabase) -> None:
    ledger = database.load()
    take(
        database,
        ledger,
        birth(),
        alarm(1),
        alarm(2, state="pending", due_ms=T0 + 30_000),
        alarm(3, type="inactivity", evid={"reason": "x", "also": {"en": ["a", "b"]}}),
        counted("event", 1),
        counted("event", 3),
    )
    with CentreDatabase(path) as again:
        loaded = again.load()
    assert loaded.cases == ledger.cases
    assert loaded.households == ledger.households
    assert loaded.progress == ledger.progress


def test_the_same_message_twice_in_one_batch_is_kept_once(database: CentreDatabase) -> None:
    ledger = database.load()
    first, second = take(database, ledger, alarm(1), alarm(1, attempt=2))
    assert (len(first.kept), len(second.kept)) == (1, 0)
    assert [say.ack.status for say in second.says] == [AckStatus.STORED]
    assert database.count("message") == 1


def test_a_pending_alarm_that_fell_due_while_the_centre_was_down_is_raised_at_once(
    database: CentreDatabase,
) -> None:
    take(database, database.load(), alarm(1, state="pending", due_ms=T0 + 30_000))
    restarted = database.load()
    assert tick(restarted, T0 + 3_600_000, listening_ms=None).raised == ("A1",)


def test_a_closed_alert_is_found_again_after_it_left_the_memory(database: CentreDatabase) -> None:
    ledger = database.load()
    take(database, ledger, alarm(1))
    with database.transaction():
        database.write(desk.close(ledger, "A1", Cause.FALSE, "kim", T0), T0)
    restarted = database.load()
    assert restarted.cases == {}
    (outcome,) = take(database, restarted, alarm(2, msg="update", refs=("A1",)))
    assert outcome.cases[0].matter is Matter.CLOSED
    assert database.access_log(10) == [
        {"at_ms": T0, "operator": "kim", "action": "closed", "hub": HUB, "subject": "A1"}
    ]


def test_a_batch_that_fails_leaves_nothing_of_itself(database: CentreDatabase) -> None:
    ledger = database.load()
    outcome = ledger.receive(received(alarm(1)), T0)
    with pytest.raises(StoreError):
        _write_twice(database, outcome)
    assert database.count("message") == 0
    assert database.load().cases == {}


def _write_twice(database: CentreDatabase, outcome: Outcome) -> None:
    with database.transaction():
        database.write(outcome, T0)
        database.write(outcome, T0)


def test_old_rows_are_really_deleted_and_alarms_stay_longer(database: CentreDatabase) -> None:
    take(database, database.load(), alarm(1), counted("event", 1), counted("sum", 1))
    database.prune(T0 + 91 * DAY_MS)
    assert database.count("message") == 1
    database.prune(T0 + 731 * DAY_MS)
    assert database.count("message") == 0
    assert set(database.load().cases) == {"A1"}, "an open alert outlives every retention"


def test_a_database_of_another_version_is_refused(path: Path, database: CentreDatabase) -> None:
    database._connection.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="version 9"):
        CentreDatabase(path)


MOSTLY = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["A1", "raised", "cancelled", "0001-01-01T00:00:00Z"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=4,
)  # fmt: skip


@given(
    st.sampled_from(
        [
            alarm(1),
            alarm(2, state="pending", due_ms=T0),
            alarm(3, msg="cancel", state="cancelled", refs=("A1",)),
            birth(),
            heartbeat(alarm=3),
            counted("res", 1),
            counted("event", 2),
        ]
    ),
    st.data(),
)
def test_what_passes_the_wire_breaks_neither_ledger_nor_database_nor_board(
    body: dict[str, Any], data: st.DataObject
) -> None:
    """A poisonous message would come again at each start, and keep every other alarm out."""
    fields = data.draw(st.lists(st.sampled_from(sorted(body)), min_size=1, max_size=3))
    leaf = topic(body)
    spoilt = body | {field: data.draw(MOSTLY, label=field) for field in fields}
    try:
        message = parse_up(leaf, encode(spoilt))
    except HubMessageError:
        return
    with CentreDatabase(":memory:") as database:
        ledger = database.load()
        take(database, ledger, birth(), alarm(1))
        with database.transaction():
            database.write(ledger.receive(message, T0), T0)
            database.write(tick(ledger, T0 + 700_000, listening_ms=T0), T0)
        view = View(open=open_cases(ledger), over=over_cases(ledger), homes=homes(ledger))
        assert render(view, 80, 24, Language.KO, T0)
        assert database.load().progress == ledger.progress


KILLED = dedent(
    """
    import os, signal, sys
    from gateway.centre.database import CentreDatabase
    from tests.fakes_centre import T0, alarm, received
    database = CentreDatabase(sys.argv[1])
    ledger = database.load()
    with database.transaction():
        database.write(ledger.receive(received(alarm(1)), T0), T0)
        if sys.argv[2] == "before":
            os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
    """
)


@pytest.mark.parametrize(("when", "kept_again"), [("before", 1), ("after", 0)])
def test_a_kill_around_the_commit_loses_nothing_and_doubles_nothing(
    path: Path, when: str, kept_again: int
) -> None:
    root = Path(__file__).parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), when],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    with CentreDatabase(path) as database:
        (outcome,) = take(database, database.load(), alarm(1, attempt=2))
        assert len(outcome.kept) == kept_again
        assert [say.ack.status for say in outcome.says] == [AckStatus.STORED]
        assert database.count("message") == 1
        assert database.count("alert") == 1

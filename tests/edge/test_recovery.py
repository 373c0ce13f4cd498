"""The ladder as a table: which means, in which order, and what it never does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.recovery import LADDERS, PAUSE_MOST_S, Ladder, Rung, Sign, patience_s

NO_SPARE = frozenset(Rung) - {Rung.SPARE}
SCAN_ONLY = frozenset({Rung.SCAN})


def climb(sign: Sign, steps: int, **known: object) -> list[Rung | None]:
    """Return the first steps of a deafness that nothing cures."""
    ladder, taken = Ladder(), []
    for _ in range(steps):
        ladder, step = ladder.step(sign, **known)  # type: ignore[arg-type] # as the test says
        taken.append(step.rung)
    return taken


@pytest.mark.parametrize(
    ("sign", "order"),
    [
        (Sign.SILENT, "scan power daemon reset systemd pause scan"),
        (Sign.STOPPED, "scan power daemon reset systemd pause scan"),
        (Sign.REFUSED, "scan power daemon reset systemd pause scan"),
        (Sign.OFF, "power reset daemon systemd pause power"),
        (Sign.ABSENT, "scan daemon systemd pause scan"),
        (Sign.RESTARTED, "scan daemon systemd pause scan"),
        (Sign.HUNG, "daemon reset systemd pause daemon"),
        (Sign.GONE, "scan daemon reset pause scan"),
    ],
)
def test_each_sign_has_its_ladder_the_mildest_means_first(sign: Sign, order: str) -> None:
    wanted = [None if word == "pause" else Rung(word) for word in order.split()]
    assert climb(sign, len(wanted), can=NO_SPARE) == wanted


def test_every_sign_has_a_ladder() -> None:
    assert set(LADDERS) == set(Sign)


def test_a_spare_comes_before_anything_that_needs_root() -> None:
    assert climb(Sign.SILENT, 3)[2] is Rung.SPARE
    assert climb(Sign.GONE, 2)[1] is Rung.SPARE


def test_a_living_stream_is_not_broken_before_two_scans_brought_nothing() -> None:
    assert climb(Sign.SILENT, 3, streaming=True) == [Rung.SCAN, Rung.SCAN, Rung.POWER]


def test_a_process_that_has_never_heard_anything_does_not_end_itself_for_a_dead_dongle() -> None:
    taken = climb(Sign.SILENT, 40, heard_ever=False)
    assert Rung.SYSTEMD not in taken


def test_a_fault_that_changes_goes_on_with_what_has_not_been_tried() -> None:
    ladder, first = Ladder().step(Sign.HUNG)
    ladder, second = ladder.step(Sign.OFF)
    ladder, third = ladder.step(Sign.SILENT)
    assert [first.rung, second.rung, third.rung] == [Rung.DAEMON, Rung.POWER, Rung.SCAN]
    assert ladder.step(Sign.SILENT)[1].rung is Rung.SPARE, "power has been tried"


def test_pauses_between_ladders_grow_and_are_bounded() -> None:
    ladder, waits = Ladder(), []
    for _ in range(60):
        ladder, step = ladder.step(Sign.GONE, can=SCAN_ONLY)
        if step.rung is None:
            waits.append(step.wait_s)
    assert waits == sorted(waits)
    assert waits[0] < 10
    assert waits[-1] == PAUSE_MOST_S


def test_a_whole_ladder_takes_less_than_a_minute_where_neighbours_are_heard() -> None:
    ladder, listened_s = Ladder(), 0.0
    for _ in range(4):
        ladder, step = ladder.step(Sign.SILENT, can=NO_SPARE, usual_s=1.0)
        listened_s += step.wait_s
    assert listened_s < 40


@given(st.sampled_from(Rung), st.floats(0, 1e6))
def test_patience_fits_the_air_and_is_bounded(rung: Rung, usual_s: float) -> None:
    assert patience_s(rung, 0.0) <= patience_s(rung, usual_s) <= patience_s(rung, 0.0) + 60


def test_one_long_silence_of_late_makes_no_step_slow_but_the_last() -> None:
    ladder, waits = Ladder(), dict[Rung | None, float]()
    for _ in range(5):
        ladder, step = ladder.step(Sign.SILENT, can=NO_SPARE, usual_s=25.0, often_s=1.0)
        waits[step.rung] = step.wait_s
    slow = {rung for rung, wait in waits.items() if wait > patience_s(rung or Rung.SCAN, 1.0)}
    assert slow == {Rung.RESET}


def test_before_the_process_ends_itself_a_sparse_home_is_listened_to_for_its_own_time() -> None:
    ladder, waits = Ladder(), dict[Rung | None, float]()
    for _ in range(5):
        ladder, step = ladder.step(Sign.SILENT, can=NO_SPARE, usual_s=600.0)
        waits[step.rung] = step.wait_s
    assert list(waits) == [Rung.SCAN, Rung.POWER, Rung.DAEMON, Rung.RESET, Rung.SYSTEMD]
    assert [wait > 600.0 for wait in waits.values()] == [False, False, False, True, False]


@given(
    st.lists(st.sampled_from(Sign), max_size=40),
    st.frozensets(st.sampled_from(Rung)),
    st.tuples(st.booleans(), st.booleans()),
)
def test_whatever_happens_only_means_that_exist_are_used_and_each_once_in_a_round(
    signs: list[Sign], can: frozenset[Rung], known: tuple[bool, bool]
) -> None:
    ladder, used = Ladder(), list[Rung]()
    streaming, heard = known
    for sign in signs:
        ladder, step = ladder.step(sign, can=can | SCAN_ONLY, streaming=streaming, heard_ever=heard)
        if step.rung is None:
            assert step.wait_s > 0
            used.clear()
            continue
        assert step.rung in can | SCAN_ONLY
        assert step.rung not in used or step.rung is Rung.SCAN
        assert heard or step.rung is not Rung.SYSTEMD
        used.append(step.rung)

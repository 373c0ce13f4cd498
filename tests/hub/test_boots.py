"""A guest that dies: told, counted apart; and only a panic gives a suite another one."""

import contextlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.hub.beyond import Beyond
from tests.hub.boots import DEATHS_OF_ONE, Judged, sequences, steps
from tests.hub.console import Console, End, Sequence, read
from tests.hub.home import HUB

PANIC = """\
[  403.5] world: hang band-c
[  428.012592] kernel BUG at lib/list_debug.c:56!
[  428.013464] CPU: 0 PID: 293 Comm: bluetoothd Not tainted 6.1.0-56-amd64 #1  Debian 6.1.192-2
[  428.013733] RIP: 0010:__list_del_entry_valid.cold+0x4b/0x6f
[  428.016861] RAX: 000000000000004e RBX: ff3b42aaceff3880 RCX: 0000000000000000
[  428.032249]  hci_chan_del+0x18/0x90 [bluetooth]
[  428.052372] Kernel panic - not syncing: Fatal exception
"""


def lines(text: str) -> list[str]:
    return text.splitlines()


@dataclass
class Played:
    """Guests that end as told; words: what each was booted with."""

    ends: list[Console]
    words: list[list[str]] = field(default_factory=list)

    def boot(self, words: list[str]) -> Console:
        self.words.append(words)
        return self.ends.pop(0)


def judged(*seeds: int, passed: bool = True) -> tuple[Sequence, ...]:
    return tuple(Sequence(seed, passed, 40.0 + seed, "off killed") for seed in seeds)


def test_a_console_tells_what_was_planned_judged_and_how_it_ended() -> None:
    told = read(
        lines(
            "[    9.1] planned: start drop off\n"
            "[    9.2] begin start\n"
            "[   12.0] ok start (2.8 s): READY\n"
            "[   12.1] begin drop\n"
            "[   60.0] FAILED drop after 47.9 s\n"
            "[   60.1] begin sequence 7\n"
            "[  101.3] ok sequence 7 (41.2 s): off dbus: all heard 3.0 s after, 2 presses stored\n"
            "[lab] HUB-LAB-EXIT rc=1\n"
        )
    )
    assert (told.end, told.status, told.planned) == (End.JUDGED, 1, ("start", "drop", "off"))
    assert (told.passed, told.failed, told.begun) == (("start",), ("drop",), "7")
    text = "off dbus: all heard 3.0 s after, 2 presses stored"
    assert told.sequences == (Sequence(7, passed=True, took_s=41.2, text=text),)


def test_a_panic_is_told_in_the_kernels_words_without_registers() -> None:
    told = read(lines(PANIC))
    assert told.end is End.PANICKED
    assert "list_debug" in told.text[0]
    assert any("hci_chan_del" in line for line in told.text)
    assert not any("RAX" in line for line in told.text)
    assert "Fatal exception" in told.text[-1]


def test_a_guest_that_only_falls_silent_has_not_panicked() -> None:
    assert read(lines("[    9.1] begin off\n")).end is End.SILENT


def test_steps_after_a_panic_run_once_more_in_another_guest() -> None:
    guest = Played(
        [
            Console(
                End.PANICKED, planned=("start", "drop", "off", "dbus"), passed=("start", "drop")
            ),
            Console(
                End.JUDGED, 0, planned=("start", "off", "dbus"), passed=("start", "off", "dbus")
            ),
        ]
    )
    assert steps(guest, []) == 0
    assert guest.words == [[], ["off", "dbus"]]


def test_a_step_that_failed_before_the_panic_stays_failed() -> None:
    guest = Played(
        [
            Console(End.PANICKED, planned=("start", "drop", "off"), failed=("drop",)),
            Console(End.JUDGED, 0, planned=("start", "off"), passed=("start", "off")),
        ]
    )
    assert steps(guest, []) == 1
    assert guest.words[1] == ["off"]


@pytest.mark.parametrize(
    ("ends", "boots"),
    [
        ([Console(End.JUDGED, 1, failed=("off",))], 1),
        ([Console(End.SILENT, planned=("start", "off"))], 1),
        ([Console(End.PANICKED, planned=("start", "off"))] * 2, 2),
    ],
    ids=["a failed step", "silence", "a second panic"],
)
def test_nothing_else_is_tried_again(ends: list[Console], boots: int) -> None:
    guest = Played(list(ends))
    assert steps(guest, []) == 1
    assert len(guest.words) == boots


@pytest.mark.parametrize(("told", "verdict"), [({"pers": 1, "fall": 1}, 0), ({"pers": 2}, 1)])
def test_the_centre_outside_must_hold_what_the_hub_says_it_stored(
    tmp_path: Path, told: dict[str, int], verdict: int
) -> None:
    database = tmp_path / "centre.db"
    with contextlib.closing(sqlite3.connect(database)) as centre, centre:
        centre.execute("CREATE TABLE alert (hub TEXT, kind TEXT)")
        rows = [(HUB, "pers"), (HUB, "fall"), ("another-home", "fall")]
        centre.executemany("INSERT INTO alert VALUES (?, ?)", rows)
    guest = Played([Console(End.JUDGED, 0, passed=("start", "outside"), outside=told)])
    assert steps(guest, [], Beyond(1883, database)) == verdict
    assert guest.words == [["--beyond=1883"]]


def test_a_sequence_in_which_a_guest_died_is_repeated_and_the_death_counted_apart() -> None:
    guest = Played(
        [
            Console(End.PANICKED, sequences=judged(1), begun="2", text=("panic",)),
            Console(End.JUDGED, 0, sequences=judged(2, 3)),
        ]
    )
    known = Judged(None, [1, 2, 3])
    assert sequences(guest, known, most_boots=9, until_s=600) == 0
    assert guest.words[1][0] == "--seeds=2+3"
    assert "3 of 3 recovered" in known.summary()
    assert "1 panicked" in known.summary()


def test_one_that_kills_every_guest_stays_open_and_is_no_success() -> None:
    guest = Played([Console(End.SILENT, begun="1")] * DEATHS_OF_ONE)
    known = Judged(None, [1])
    assert sequences(guest, known, most_boots=9, until_s=600) == 1
    assert "open: 1" in known.summary()


def test_what_was_judged_is_not_run_again_after_an_interruption(tmp_path: Path) -> None:
    path = tmp_path / "judged"
    first = Played([Console(End.JUDGED, 1, sequences=(*judged(1), *judged(2, passed=False)))])
    assert sequences(first, Judged(path, [1, 2, 3]), most_boots=1, until_s=600) == 1
    again = Played([Console(End.JUDGED, 0, sequences=judged(3))])
    known = Judged(path, [1, 2, 3])
    assert sequences(again, known, most_boots=9, until_s=600) == 1
    assert again.words == [["--seeds=3", "--until-s=600"]]
    assert "2 of 3 recovered, failed: [2]" in known.summary()

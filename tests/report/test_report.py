"""The report: one page without network or script, in two languages, that says what it knows."""

import sqlite3
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.core.routine.day import Day, Told
from gateway.core.routine.measures import Senses
from gateway.core.routine.shelf import packed
from gateway.errors import ConfigurationError
from gateway.option import Language
from gateway.report.home import Home
from gateway.report.page import page, write
from gateway.report.read import read_states

SENSES = Senses(inside=frozenset({"hall"}), bathroom=frozenset({"bath"}), doors=frozenset({"door"}))
FIRST = 20_750  # 2026-10-24, a Saturday


def fallen(matter: str = "closed", then: str = "") -> Told:
    return Told(
        id="a1",
        at_min=700,
        kind="inactivity",
        device="home",
        matter=matter,
        code="inactivity.attention.home",
        values={"hours": 9.0, "allowed": 8.0, "left": 0.0, "last": "hall"},
        then=then,
        then_values={"hours": 9.5, "last": "bath"} if then else {},
    )


def home(*, alarms: tuple[Told, ...] = (), days: int = 30) -> Home:
    """Return a home of so many days, the last but one of which began late."""
    made = []
    for n in range(days):
        late = 300 if n == days - 2 else 0
        day = Day(FIRST + n, first=400 + n % 5 * 5 + late, last=1300 + n % 3 * 10, visits=n % 2)
        day.signs, day.used, day.allowed = [n % 7] * 24, [40 + n] * 24, [60 + n] * 24
        made.append(day)
    made[-3].blind[5], made[-4].out[6] = 60, 60
    made[-5].alarms.extend(alarms)
    return Home("<home>", tuple(made), SENSES)


class Reader(HTMLParser):
    """Counts elements, and refuses what does not close or what would go out to the network."""

    VOID = frozenset({"meta", "br"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "img", "link", "iframe"}
        assert not {"src", "href", "onload"} & {name for name, _ in attrs}
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert reader.open == []
    assert "http" not in html
    assert "url(http" not in html
    return reader


@pytest.mark.parametrize("language", list(Language))
def test_a_page_is_whole_and_asks_nothing_of_a_network(language: Language) -> None:
    reader = read(page(home(alarms=(fallen(),)), language))
    assert reader.count["svg"] == 4 + 3, "map, two of deadlines, a card for each of four measures"
    assert "<home>" in " ".join(reader.words)


def test_it_says_what_changed_on_the_last_whole_day_and_by_how_much() -> None:
    english = " ".join(read(page(home(), Language.EN)).words)
    assert "2026-11-21 (Sat), against the last four weeks" in english
    assert "first motion 11:55: 5 h 5 min later than the median (usual 06:40 to 07:00)" in english
    korean = " ".join(read(page(home(), Language.KO)).words)
    assert "첫 활동 11:55: 중앙값보다 5시간 5분 늦음(평소 06:40~07:00)" in korean


def test_an_alarm_is_shown_with_its_reason_and_with_what_became_of_it() -> None:
    words = " ".join(read(page(home(alarms=(fallen(then="inactivity.over"),)), Language.EN)).words)
    assert "Wed 18 Nov 11:40" in words
    assert "attention: no sign of life for 9.0 h" in words
    assert "→ a sign of life from bath after 9.5 h" in words


WARNED: dict[str, int | float | str] = {"hours": 13.0, "allowed": 8.0, "left": 0.0, "last": "hall"}


def risen() -> Told:
    """Return an alarm of 11:40 that rose to a warning at 22:45 and was over after midnight."""
    day = Day(FIRST)
    day.tell(fallen("raised"))
    warning = replace(fallen("raised"), at_min=1365, code="inactivity.warning.home", values=WARNED)
    day.tell(warning)
    day.tell(replace(warning, at_min=1400))
    day.tell(
        replace(
            fallen("closed"),
            at_min=1445,
            code="inactivity.over",
            values={"hours": 14.0, "last": "bath"},
        )
    )
    (one,) = day.alarms
    return one


def test_an_alarm_keeps_when_it_began_its_highest_reason_and_how_it_ended() -> None:
    one = risen()
    assert (one.at_min, one.code, one.why_min) == (700, "inactivity.warning.home", 1365)
    assert (one.then, one.then_min, one.matter) == ("inactivity.over", 1445, "closed")


@pytest.mark.parametrize("language", list(Language))
def test_each_reason_is_shown_with_its_own_time(language: Language) -> None:
    reader = read(page(home(alarms=(risen(),)), language))
    words = [one for one in reader.words if one.strip()]
    row = words.index(("Wed 18 Nov" if language is Language.EN else "11/18 수") + " 11:40")
    why = words[row + 3]
    assert why.startswith("22:45 " + ("warning: " if language is Language.EN else "경고: "))
    over = "→ Thu 19 Nov 00:05 a sign" if language is Language.EN else "→ 11/19 목 00:05 "
    assert over in why


def test_an_alarm_after_midnight_has_the_date_of_the_calendar() -> None:
    late = replace(fallen(), at_min=1500)
    assert "Thu 19 Nov 01:00" in " ".join(read(page(home(alarms=(late,)), Language.EN)).words)


def test_an_alarm_of_an_older_version_is_shown_without_the_times_it_did_not_keep() -> None:
    older: dict[str, Any] = {"number": FIRST, "alarms": [asdict(fallen(then="inactivity.over"))]}
    for name in ("why_min", "then_min"):
        del older["alarms"][0][name]
    (one,) = Day.from_json(older).alarms
    assert one == fallen(then="inactivity.over")


# ------------------------------------------------------------------------- what it must not say
def lately(day: Day, before: int = 28) -> str:
    """Return what is said of a day after so many usual ones."""
    days = [Day(FIRST + n, [3] * 24, first=420, last=1320, visits=1) for n in range(before)]
    senses = Senses(inside=frozenset({"hall"}), bathroom=frozenset({"bath"}))
    home = Home("home", (*days, day, Day(day.number + 1)), senses)
    return page(home, Language.EN).split('<div class="cards">')[0].split("<h1>")[1]


def test_a_day_without_life_is_told_as_such_where_no_door_is_watched() -> None:
    told = lately(Day(FIRST + 28))
    assert "<li>no sign of life in the home</li>" in told
    assert "verdict changed" in told
    assert "usual range" not in told


def test_a_blind_day_and_a_first_day_reassure_nobody() -> None:
    blind = Day(FIRST + 28, blind=[60] * 24, early_blind=1440, deaf=1440, night_blind=480)
    told = lately(blind)
    assert "<li>the day was not seen</li>" in told
    assert "the hub heard nothing for 24 h" in told
    first = lately(Day(FIRST, [3] * 24, first=420, last=1320), before=0)
    assert "what is usual is not yet known (0 of 14 days)" in first
    assert "usual range" not in told + first


def test_a_reason_of_another_version_does_not_spoil_the_page() -> None:
    strange = replace(fallen(), code="no.such.code", values={})
    assert "no.such.code" in page(home(alarms=(strange,)), Language.EN)


def test_unseen_hours_are_hatched_and_being_out_has_its_colour() -> None:
    html = page(home(), Language.EN)
    assert html.count('fill="url(#hatch)"') == 1
    assert "not seen 60 min" in html
    assert "out 60 min" in html


@pytest.mark.parametrize("days", [1, 2, 13, 200])
def test_a_home_of_any_age_has_a_page_of_four_weeks_at_most(days: int) -> None:
    reader = read(page(home(days=max(days, 5)) if days > 1 else _one_day(), Language.EN))
    assert reader.count["rect"] < 30 * 24 + 50


def _one_day() -> Home:
    return Home("new", (Day(FIRST),), SENSES)


def test_a_page_is_written_for_its_owners_eyes_only(tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    path.write_text("an older one, readable by all")
    path.chmod(0o644)
    write(path, "new")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o600)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write(tmp_path / "nowhere" / "out.html", "new")


def test_a_database_that_is_not_there_is_said_in_both_languages(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="root 권한"):
        read_states(tmp_path / "hub.db")
    assert not (tmp_path / "hub.db").exists()


YAML = """\
hub: {id: mfzwizltmvzxg2lqnrsv6ylcmm, district: "1120000000"}
uplink: {brokers: [{url: "mqtt://127.0.0.1"}]}
store: {directory: STORE}
devices:
  - {name: hall, driver: bthome, address: "B4:35:22:F5:3D:A4", place: hall, options: {kind: motion}}
"""


def test_a_technician_gets_the_page_of_a_hubs_database_under_a_name_of_his_choice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = tmp_path / "gateway.yaml", tmp_path / "weeks.html"
    config.write_text(YAML.replace("STORE", str(tmp_path)))
    told, running = home().days[:-1], home().days[-1]
    with sqlite3.connect(tmp_path / "hub.db") as database:
        database.execute("CREATE TABLE detectors (name TEXT PRIMARY KEY, state BLOB NOT NULL)")
        kept = packed({"days": [day.to_json() for day in told]})
        now = packed({"told": [day.number for day in told], "days": [running.to_json()]})
        rows = [("routine.days", kept), ("routine", now), ("inactivity", b"")]
        database.executemany("INSERT INTO detectors VALUES (?, ?)", rows)
    database.close()
    made = ["report", "-c", str(config), "-o", str(out), "--lang", "ko", "--title", "101호"]
    assert main(made) == 0
    assert capsys.readouterr().out == f"{out}\n"
    words = " ".join(read(out.read_text()).words)
    assert "101호" in words
    assert "mfzwizl" not in words
    assert "첫 활동 11:55" in words
    assert "안정 시 심박수" not in words, "no sensor for it in this home"


def test_a_hub_that_has_written_nothing_yet_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "gateway.yaml"
    config.write_text(YAML.replace("STORE", str(tmp_path)))
    with sqlite3.connect(tmp_path / "hub.db") as database:
        database.execute("CREATE TABLE detectors (name TEXT PRIMARY KEY, state BLOB NOT NULL)")
    database.close()
    assert main(["report", "-c", str(config), "-o", str(tmp_path / "out.html")]) == 1
    assert "20분" in capsys.readouterr().err
    assert not (tmp_path / "out.html").exists()

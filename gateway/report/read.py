"""A home's days out of its hub's own database, read only, also while the hub runs.

The hub writes the days that run with what its detectors learn, every ten to twenty minutes; those
that are over once a day. Nothing is locked: the database keeps a log (WAL), and a reader sees the
last commit.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from gateway import plan
from gateway.core.routine.diary import KEPT, Diary
from gateway.core.routine.shelf import days_of, unpacked
from gateway.driver import Driver
from gateway.errors import ConfigurationError
from gateway.report.home import Home
from gateway.settings import Settings

NAME: Final = "hub.db"
_NONE: Final = (
    "no day has been written down yet: the hub does within 20 min of its start, if routine.enabled"
    " / 아직 기록된 하루가 없습니다. 허브는 시작 후 20분 안에 기록합니다(routine.enabled)"
)


def read_home(settings: Settings, driver_of: Callable[[str], Driver], made: str = "") -> Home:
    """Return the home of these settings, from its hub's database."""
    states = read_states(settings.store.directory / NAME)
    running = unpacked(states.get(Diary.name, b""))
    days = {day.number: day for day in days_of(unpacked(states.get(KEPT, b"")))}
    days |= {day.number: day for day in days_of(running)}
    if not days:
        raise ConfigurationError(_NONE)
    told = [int(number) for number in running.get("told", ())]
    able = {
        stanza.name: driver_of(stanza.driver).capabilities(stanza.options)
        for stanza in settings.devices
    }
    silence = plan.watch(settings, able) if settings.inactivity.enabled else None
    ordered = tuple(days[number] for number in sorted(days))
    newest = ordered[-1].number - 1
    return Home(
        name=settings.hub.id,
        days=ordered,
        senses=plan.senses(settings, able, silence),
        last=max((number for number in told if number <= newest), default=newest),
        made=made,
    )


def read_states(path: Path) -> Mapping[str, bytes]:
    """Return what the hub has learnt, by name; ConfigurationError says why it cannot be read."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with contextlib.closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as database:
            rows = database.execute("SELECT name, state FROM detectors").fetchall()
    except sqlite3.Error as wrong:
        raise ConfigurationError(
            f"{path}: {wrong}: is this the hub, and may you read it (root)?"
            " / 허브의 데이터베이스를 읽을 수 없습니다(root 권한 필요)"
        ) from wrong
    return {name: bytes(state) for name, state in rows}

"""`ansim replay home` and `ansim replay simulated`: months of a home through the hub's rules.

ansim replay home LOG.csv|LOG.npz   a log of one's own, or a recorded home
ansim replay simulated              a home in which nobody lives, by a seed
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Final

from gateway.core.detectors.inactivity_duty import InactivityDuty
from gateway.core.pipeline import Plan
from gateway.errors import ConfigurationError
from gateway.localtime import local_clock
from gateway.option import Language
from gateway.replay.homelife import HOUR_MS, Lived, Witness, counted, live, moment, settings_of
from gateway.replay.homelog import HomeLog, read_log, write_csv
from gateway.replay.simulated import simulated
from gateway.settings import Settings

DAY_MS: Final = 24 * HOUR_MS
UNTIL: Final = "2026-11-22"
MOST_DAYS: Final = 1500
TOO_SHORT: Final = "less than a minute: nothing to draw / 1분 미만: 그릴 내용이 없습니다"
_PLACES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "home": "재실",
        "asleep": "취침",
        "away": "외출",
        "arrived": "귀가 후 활동 없음",
        "ambiguous": "외출 여부 불분명",
        "said-away": "외출로 설정됨",
        "unknown": "재실 여부 불명",
        "out-of-reach": "밴드 수신 범위 밖",
    }
)
NOT_WATCHED: Final = (
    "a picture of a home needs inactivity.enabled and routine.enabled"
    " / 그림에는 inactivity.enabled와 routine.enabled가 필요합니다"
)


def add_arguments(home: argparse.ArgumentParser, made: argparse.ArgumentParser) -> None:
    """Add the options of both."""
    home.add_argument("file", type=Path, metavar="LOG")
    made.add_argument("--days", type=_days, default=90, metavar="N")
    made.add_argument("--seed", type=int, default=1, metavar="N")
    made.add_argument("--until", type=date.fromisoformat, default=UNTIL, metavar="DATE")
    made.add_argument("--collapse", action="store_true", help="life ends in a silence")
    made.add_argument("--write", type=Path, metavar="LOG.csv", help="keep the log")
    for one in (home, made):
        one.add_argument(
            "-c", "--config", type=Path, metavar="gateway.yaml", help="whose levels and roles"
        )
        add_pictures(one)
        one.add_argument("--quiet", action="store_true", help="alarms only, no line for each day")
    home.set_defaults(trials=None, run=from_file)
    made.set_defaults(trials=None, run=from_seed)


def add_pictures(command: argparse.ArgumentParser) -> None:
    """Add the options for what is drawn of a home."""
    command.add_argument(
        "--explain",
        type=Path,
        metavar="OUT.png",
        help="events, and silences of 2 h or more against their deadlines / 무활동과 기한 그림",
    )
    command.add_argument("--report", type=Path, metavar="OUT.html", help="the last four weeks")


def _days(text: str) -> int:
    if not 1 <= int(text) <= MOST_DAYS:
        raise ValueError(text)
    return int(text)


def from_file(args: argparse.Namespace, language: Language) -> int:
    """Replay a log."""
    return _replay(read_log(args.file), args, language)


def from_seed(args: argparse.Namespace, language: Language) -> int:
    """Replay a simulated home."""
    until = datetime.combine(args.until, datetime.min.time())
    log = simulated(args.days, args.seed, end=until, collapse=args.collapse)
    if args.write:
        write_csv(log, args.write)
    return _replay(log, args, language)


def _replay(log: HomeLog, args: argparse.Namespace, language: Language) -> int:
    from gateway.warm import warm  # noqa: PLC0415 - numba: a second

    warm()
    lived = live(log, settings_of(log, _config(args.config)))
    for line in lines(lived, counted(log), language, quiet=args.quiet):
        sys.stdout.write(line + "\n")
    pictures(args, lived, language)
    return 0


def pictures(args: argparse.Namespace, lived: Lived, language: Language) -> None:
    """Draw what was asked for."""
    if (args.explain or args.report) and not lived.days:
        raise ConfigurationError(TOO_SHORT)
    if args.explain:
        from gateway.replay.explain_home import draw  # noqa: PLC0415 - matplotlib

        draw(args.explain, lived)
        sys.stdout.write(f"{args.explain}\n")
    if args.report:
        _report(args.report, lived, language)
        sys.stdout.write(f"{args.report}\n")


def witness(args: argparse.Namespace, planned: Plan, settings: Settings) -> Witness | None:
    """Return who takes down what a recording's home goes through, if a picture is wanted."""
    if not (args.explain or args.report):
        return None
    watch = next((one for one in planned.learning if isinstance(one, InactivityDuty)), None)
    if watch is None or planned.diary is None:
        raise ConfigurationError(NOT_WATCHED)
    return Witness(args.file.stem, watch, planned.diary, local_clock(settings.hub.timezone))


def _config(path: Path | None) -> Settings | None:
    if path is None:
        return None
    from gateway import registry  # noqa: PLC0415 - as in the other commands
    from gateway.config import load  # noqa: PLC0415

    return load(path, registry.find, driver_names=registry.available())


def _report(path: Path, lived: Lived, language: Language) -> None:
    from gateway.report.home import Home  # noqa: PLC0415
    from gateway.report.page import page, write  # noqa: PLC0415

    days = [lived.days[number] for number in sorted(lived.days)]
    home = Home(lived.name, tuple(days), lived.senses, simulated=lived.simulated)
    write(path, page(home, language))


def lines(
    lived: Lived, events: dict[int, int], language: Language, *, quiet: bool = False
) -> Iterator[str]:
    """Yield what happened, day by day: events, the nearest deadline, alarms and their reasons."""
    english = language is Language.EN
    if lived.simulated:
        yield "SIMULATED: nobody lives here" if english else "모의 자료: 실제 거주자가 아닙니다"
    for number in sorted({*events, *(one.local_ms // DAY_MS for one in lived.alarms)}):
        told = [one for one in lived.alarms if one.local_ms // DAY_MS == number]
        if not quiet:
            yield _day_line(number, lived, events.get(number, 0), english=english)
        for one in told:
            when = moment(one.local_ms).isoformat(" ", "minutes")
            yield f"  {when}  {one.kind} {one.state:<8} {one.en if english else one.ko}"
    rang = sum(one.rang_ms is not None for one in lived.silences)
    months = max(1, len(lived.days)) / 30.4
    yield (
        f"{len(lived.days)} days, {rang} silences told ({rang / months:.1f} a month)"
        if english
        else f"{len(lived.days)}일, 무활동 경보 {rang}건(월 {rang / months:.1f}건)"
    )


def _day_line(number: int, lived: Lived, events: int, *, english: bool) -> str:
    day = moment(number * DAY_MS).strftime("%Y-%m-%d")
    mine = [
        one
        for one in lived.silences
        if one.from_ms < (number + 1) * DAY_MS and one.to_ms > number * DAY_MS and one.allowed_ms
    ]
    if not mine:
        none = "events  no silence of an hour" if english else "건  한 시간 넘는 무활동 없음"
        return f"{day}  {events:5} {none}"
    near = max(mine, key=lambda one: (one.to_ms - one.from_ms) / one.allowed_ms)
    length, allowed = (near.to_ms - near.from_ms) / HOUR_MS, near.allowed_ms / HOUR_MS
    same = near.from_ms >= number * DAY_MS
    since = moment(near.from_ms).strftime("%H:%M" if same else "%m-%d %H:%M")
    share, korean = length / allowed, _PLACES.get(near.presence, near.presence)
    if english:
        return (
            f"{day}  {events:5} events  nearest the deadline: {length:.1f} of {allowed:.1f} h"
            f" ({share:.0%}) from {since}, {near.presence}, last {near.last}"
        )
    return (
        f"{day}  {events:5} 건  기한에 가장 가까운 무활동: {since}부터"
        f" {length:.1f}/{allowed:.1f}시간({share:.0%}), {korean}, 마지막 신호 {near.last}"
    )

"""`ansim replay`: real recordings through the real hub, faster than real time.

ansim replay falls PACK.npz     trials of a pack, each in a home of its own
ansim replay csv FILE.csv       a technician's own recording
ansim replay packets FILE       what `ansim run --record` wrote
ansim replay home LOG           months of a home's log; `simulated`: of a home by a seed
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gateway.clock import SystemClock
from gateway.core.model import Int16Array
from gateway.core.outputs import Stream
from gateway.demo.broker import Broker
from gateway.option import Language
from gateway.plan import plan
from gateway.replay import home_command, packets
from gateway.replay.direct import Decided, decide, pipeline_of
from gateway.replay.explain import candidate, draw
from gateway.replay.home import (
    BAND,
    DISTRICT,
    HUB,
    RANGE_G,
    RATE_HZ,
    centre,
    home,
    now_ms,
    settings,
)
from gateway.replay.trials import BEFORE_S, Trial, read_csv, read_pack
from gateway.settings import BrokerSettings, Settings
from gateway.warm import warm

APART_MS = 600_000  # of the homes' wall clocks: no message of one trial is older than another's


def add_arguments(replay: argparse.ArgumentParser) -> None:
    """Add the options of `ansim replay`."""
    what = replay.add_subparsers(required=True, metavar="WHAT")
    falls = what.add_parser("falls", help="trials of a pack (.npz) / 낙상 데이터")
    falls.add_argument("pack", type=Path, metavar="PACK.npz")
    falls.add_argument("--trial", type=int, action="append", default=[], metavar="K")
    falls.add_argument("--subject", action="append", default=[], metavar="CODE")
    falls.add_argument("--limit", type=_count, metavar="N", help="at most so many trials")
    falls.set_defaults(trials=_from_pack)
    csv = what.add_parser("csv", help="t_ms,x_mg,y_mg,z_mg a line / CSV 파일")
    csv.add_argument("file", type=Path, metavar="FILE.csv")
    csv.add_argument(
        "--rate",
        type=float,
        metavar="HZ",
        help="the logger's true rate; without it the times in the file are trusted",
    )
    csv.set_defaults(trials=_from_csv)
    for one in (falls, csv):
        one.add_argument(
            "--explain", type=Path, metavar="OUT.png", help="draw why; without radio and broker"
        )
        one.add_argument("--direct", action="store_true", help="without radio, broker and centre")
        one.add_argument("--broker", metavar="URL", help="a broker whose centre answers")
        one.add_argument("--ca", type=Path, metavar="FILE")
        one.add_argument("--cert", type=Path, metavar="FILE")
        one.add_argument("--key", type=Path, metavar="FILE")
        one.add_argument("--hub", default=HUB, metavar="ID", help="the hub's name at that broker")
        one.add_argument("--district", default=DISTRICT, metavar="CODE")
    recorded = what.add_parser("packets", help="a recording of packets / 패킷 기록")
    recorded.add_argument("file", type=Path, metavar="FILE")
    recorded.add_argument("-c", "--config", type=Path, required=True, metavar="gateway.yaml")
    recorded.add_argument("--json", action="store_true", help="every output, a JSON line each")
    home_command.add_pictures(recorded)
    recorded.set_defaults(trials=None, run=_packets)
    lived = what.add_parser("home", help="months of a home's log / 집의 장기 기록")
    made = what.add_parser("simulated", help="months of a home by a seed / 모의 가정")
    home_command.add_arguments(lived, made)
    for one in (falls, csv, recorded, lived, made):
        one.add_argument("--lang", choices=[each.value for each in Language], default=None)


def main(args: argparse.Namespace, language: Language) -> int:
    """Run `ansim replay`."""
    if args.trials is None:
        run: Callable[[argparse.Namespace, Language], int] = args.run
        return run(args, language)
    trials: Sequence[Trial] = args.trials(args)
    warm()
    heard: list[bool] = []
    if args.direct or args.explain:
        for number, trial in enumerate(trials):
            said = _direct(trial)
            heard.append(bool(said))
            _print(trial, said, language)
            if args.explain:
                _explain(trial, said, numbered(args.explain, number), language)
    else:
        heard = asyncio.run(_over_the_air(trials, args, language))
    _sum_up(trials, heard, language)
    return 0


def _count(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def _from_pack(args: argparse.Namespace) -> list[Trial]:
    return read_pack(args.pack, numbers=args.trial, subjects=args.subject, limit=args.limit)


def _from_csv(args: argparse.Namespace) -> list[Trial]:
    return [read_csv(args.file, args.rate)]


def _felt(trial: Trial) -> Int16Array:
    """Return what the band measures of it: nothing beyond its range."""
    felt: Int16Array = np.clip(trial.worn(RATE_HZ), -1000 * RANGE_G, 1000 * RANGE_G).astype(
        np.int16
    )
    return felt


def _direct(trial: Trial) -> list[Decided]:
    made = settings(Path(), BrokerSettings(url="mqtt://127.0.0.1"))
    return decide(made, BAND, _felt(trial), RATE_HZ)


def _explain(trial: Trial, said: Sequence[Decided], path: Path, language: Language) -> None:
    felt = _felt(trial)
    found = candidate(felt, RATE_HZ, RANGE_G)
    if found is None:
        english = language is Language.EN
        line = (
            "nothing above 1.4 g, and no gap: nothing was judged, no picture"
            if english
            else "1.4 g를 넘는 순간도 신호 끊김도 없음: 판정한 순간이 없어 그림 없음"
        )
    else:
        draw(path, trial.name, felt, RATE_HZ, found, said)
        line = str(path)
    sys.stdout.write(f"  {line}\n")


def numbered(path: Path, number: int) -> Path:
    """Return the file of one of several pictures.

    >>> str(numbered(Path("why.png"), 0)), str(numbered(Path("why.png"), 2))
    ('why.png', 'why-3.png')
    """
    return path.with_name(f"{path.stem}-{number + 1}{path.suffix}") if number else path


async def _over_the_air(
    trials: Sequence[Trial], args: argparse.Namespace, language: Language
) -> list[bool]:
    began_ms = now_ms()
    heard: list[bool] = []
    async with _brokered(args) as (broker, directory):
        for number, trial in enumerate(trials):
            place = directory / str(number)
            place.mkdir()
            made = settings(place, broker, hub=args.hub, district=args.district)
            async with home(made, wall_ms=began_ms + number * APART_MS) as lived:
                said = await lived.live(trial.worn(RATE_HZ))
                heard.append(bool(said))
                _print(trial, said, language)
    return heard


@contextlib.asynccontextmanager
async def _brokered(args: argparse.Namespace) -> AsyncIterator[tuple[BrokerSettings, Path]]:
    """Give the broker that was asked for, or one of our own with a centre."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ansim-replay-")))
        if args.broker:
            yield BrokerSettings(args.broker, args.ca, args.cert, args.key), directory
            return
        broker = await stack.enter_async_context(Broker(directory))
        own = BrokerSettings(url=broker.url)
        database = directory / "centre.db"
        await stack.enter_async_context(centre(own, database, SystemClock(), args.district))
        yield own, directory


def _print(trial: Trial, said: Sequence[Decided], language: Language) -> None:
    label = f" [{trial.labelled}]" if trial.labelled else ""
    sys.stdout.write(f"{trial.name}{label}, {trial.seconds:.1f} s\n")
    for one in said:
        since = replace(one, after_s=one.after_s - BEFORE_S)
        sys.stdout.write(f"  {decided_line(since, language)}\n")
    if not said:
        quiet = "nothing decided" if language is Language.EN else "판정 없음"
        sys.stdout.write(f"  {quiet}\n")
    sys.stdout.flush()


def _sum_up(trials: Sequence[Trial], heard: Sequence[bool], language: Language) -> None:
    """Say how many of the falls, and of the rest, were heard, where the authors say which is which.

    Not the score of a detector: that has a protocol of its own.
    """
    by_label = [
        [said for trial, said in zip(trials, heard, strict=True) if trial.labelled == label]
        for label in ("fall", "no fall")
    ]
    falls, others = by_label
    if len(falls) + len(others) < 2:  # noqa: PLR2004 - one is told already
        return
    numbers = (sum(falls), len(falls), sum(others), len(others))
    english = "{} of {} falls heard, {} of {} other trials"
    korean = "낙상 {1}건 중 {0}건 감지, 그 밖의 {3}건 중 {2}건 감지"
    sys.stdout.write((english if language is Language.EN else korean).format(*numbers) + "\n")


def decided_line(one: Decided, language: Language) -> str:
    """Return one step of an alarm as a line for people."""
    stored = ""
    if one.stored_ms is not None:
        word = "stored" if language is Language.EN else "저장"
        stored = f"  ({word} +{one.stored_ms:.0f} ms)"
    return f"{one.after_s:7.1f} s  {one.kind} {one.state:<10} {one.why(language)}{stored}"


def _packets(args: argparse.Namespace, language: Language) -> int:
    from gateway import registry  # noqa: PLC0415 - as in the other commands
    from gateway.config import load  # noqa: PLC0415

    made: Settings = load(args.config, registry.find, driver_names=registry.available())
    planned = plan(made, registry.find)
    witness = home_command.witness(args, planned, made)
    saw = witness.saw if witness else lambda _given, _outputs: None
    for at, outputs in packets.replay(args.file, made, pipeline=pipeline_of(planned), saw=saw):
        if args.json:
            for line in packets.lines(at, outputs):
                sys.stdout.write(line + "\n")
            continue
        for post in outputs.posts:
            if post.stream is Stream.ALARM:
                one = Decided.of_post(at.mono_ms / 1000, post)
                sys.stdout.write(decided_line(one, language) + "\n")
    if witness:
        home_command.pictures(args, witness.ended(), language)
    return 0

"""`ansim demo`: a day in a home in under three minutes, or a home to play with (`--hold`)."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from itertools import pairwise

from gateway.centre.words import KINDS
from gateway.core.model import Kind
from gateway.core.wire import UpMessage
from gateway.demo.day import SCENES
from gateway.demo.hold import hold
from gateway.demo.hops import HOPS, spread
from gateway.demo.stage import Stage, morning, stage
from gateway.demo.teller import ZONE, standing
from gateway.option import Language
from gateway.screens import pad


async def run(args: argparse.Namespace, language: Language) -> int:
    """Play the day, or hold the stage for a visitor."""
    wall_ms = morning(lambda: datetime.now(UTC))  # noqa: TID251 - where a day begins
    async with stage(language, "" if args.amqtt else None, wall_ms) as ready:
        head(ready)
        if args.hold:
            await hold(ready)
            return 0
        async with ready.real_time():
            await ready.daemon.ready.wait()
        for scene in SCENES:
            await scene(ready)
        summary(ready)
        expected = ("pers", "fall", "inactivity", "fault.sensor")
        return 0 if all(ready.desk.alarms(kind, "raised") for kind in expected) else 1


def head(ready: Stage) -> None:
    """Say what runs."""
    say = ready.teller
    say.plain(
        say.pick(
            "The real daemon, a virtual Bluetooth radio, a reference control centre, "
            f"and {ready.broker.name}.\nA day of a made-up resident follows; hours in which "
            "nothing happens are skipped.",
            f"실제 데몬, 가상 블루투스, 참조 관제센터, {ready.broker.name}.\n"
            "가상의 어르신의 하루입니다. 아무 일 없는 시간은 건너뜁니다.",
        )
    )


def summary(ready: Stage) -> None:
    """Say what was raised and cancelled, when the centre stored it, and how long each hop took."""
    say = ready.teller
    say.plain("\n" + say.pick("What the centre stored", "관제센터가 저장한 경보"))
    for message in ready.desk.stored:
        if message.leaf == "alarm":
            say.plain("  " + _line(ready, message))
    say.plain(
        "\n" + say.pick("Hops, in ms (p50 / p99 / worst)", "구간별 시간 ms (중앙값/p99/최대)")
    )
    trips = list(ready.hops.trips.values())
    for first, last in [("air", "decided"), *pairwise(HOPS), ("decided", "stored")]:
        found = spread(trip.ms(first, last) for trip in trips)
        if found is not None:
            count, p50, p99, worst = found
            say.plain(f"  {first:>9} → {last:<9} n={count:<3} {p50:8.1f} {p99:8.1f} {worst:8.1f}")
    counters = ready.centre.counters
    say.plain(
        "\n"
        + say.pick(
            f"{counters.stored} messages stored, {counters.duplicates} repeats recognised, "
            f"{counters.refused} refused.",
            f"메시지 {counters.stored}건 저장, 중복 {counters.duplicates}건 인식, "
            f"거부 {counters.refused}건.",
        )
    )


def _line(ready: Stage, message: UpMessage) -> str:
    body = message.body
    trip = ready.hops.trips.get(message.id)
    took = trip.ms("decided", "stored") if trip else None
    ms = "" if took is None else f"{took:7.1f} ms"
    clock = datetime.fromisoformat(body["sent_t"]).astimezone(ZONE).strftime("%H:%M:%S")
    why = ready.teller.pick(body["evid"]["en"], body["evid"]["ko"])
    kind = ready.teller.pick(*reversed(KINDS[Kind(body["type"])]))
    over = bool(body["evid"].get("ended"))
    state = ready.teller.pick(*reversed(standing(body["state"], over=over)))
    return f"{clock}  {pad(kind, 13)} {pad(state, 10)} {ms:>12}  {why}"


def main(args: argparse.Namespace, language: Language) -> int:
    """Run `ansim demo`."""
    try:
        return asyncio.run(run(args, language))
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return 130

"""What a theme must show besides the account: what was told, and to whom."""

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gateway.core.alerts import Matter
from gateway.core.outputs import Sound
from tests.faults.rig import Rig
from tests.faults.witness import Witness

TLS_WITHIN_S = 6.0
REFUSED = ("late-", "evil", "sly")


def centre_rows(rig: Rig, table: str) -> list[dict[str, Any]]:
    """Return a table of the centre's database (of those that the harness names)."""
    with contextlib.closing(sqlite3.connect(rig.centre_db)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 - ours


def centre_raised(rig: Rig) -> list[str]:
    """Return the kinds of the alerts that the centre has raised, once for each."""
    with contextlib.suppress(sqlite3.Error):
        return [
            row["kind"] for row in centre_rows(rig, "alert") if row["matter"] == Matter.RAISED.value
        ]
    return []


async def linked(rig: Rig, within_s: float = 30.0) -> None:
    """Wait until the hub is connected and the centre has heard of it."""
    async with asyncio.timeout(within_s):
        while True:
            status = await rig.status()
            if status is not None and status["uplink"]["connected"]:
                with contextlib.suppress(sqlite3.Error):
                    if not status["uplink"]["in_flight"] and centre_rows(rig, "household"):
                        return
            await asyncio.sleep(0.05)


def window(rig: Rig, _witness: Witness) -> list[str]:
    """A hub that died in the cancel window: the centre raised the fall, once."""
    falls = [row for row in centre_rows(rig, "alert") if row["kind"] == "fall"]
    here = [row for row in centre_rows(rig, "journal") if row["notice"] == "raised-here"]
    wrong = []
    if len(falls) != 1:
        wrong.append(f"one fall, but {len(falls)} alerts of it at the centre")
    if [row["matter"] for row in falls] != [Matter.RAISED.value]:
        wrong.append(f"the fall was not raised: {[row['matter'] for row in falls]}")
    elif not json.loads(falls[0]["whole"])["raised_here"] or len(here) != 1:
        wrong.append("the centre did not raise the fall itself, once")
    return wrong


def unseen(rig: Rig, _witness: Witness) -> list[str]:
    """Alarms that nobody looks at: told at the centre for each alert, and at home."""
    alerts = {row["id"] for row in centre_rows(rig, "alert") if row["kind"] == "pers"}
    told = [r["subject"] for r in centre_rows(rig, "journal") if r["notice"] == "not-presented"]
    sounds = (rig.directory / "sounds").read_text().split()
    wrong = []
    if alerts - set(told) or len(told) != len(set(told)):
        wrong.append(f"{len(alerts)} alerts on no screen, told of: {told}")
    if sounds.count(Sound.NOT_PRESENTED.value) < len(alerts):
        wrong.append(f"{len(alerts)} alerts on no screen, at home was heard: {sounds}")
    return wrong


def tls(rig: Rig, witness: Witness) -> list[str]:
    """A certificate not yet valid: alarms go all the same, and strictly once time is proven."""
    late = [
        message.cry
        for message in witness.stored.values()
        if message.cry is not None
        and min(witness.took[message.cry], message.seen_s - rig.ready_s) > TLS_WITHIN_S
    ]
    wrong = [f"waited for the certificate: {late}"] if late else []
    if not rig.last_status["uplink"]["dates_checked"]:
        wrong.append("the connection was not made anew once the clock was proven")
    return wrong


def meddler(rig: Rig, witness: Witness) -> list[str]:
    """Hostile commands: late, unknown and sly ones refused, none of them done; all answered."""
    answers = [m.body for m in witness.stored.values() if m.stream == "res"]
    obeyed = [a["cmd"] for a in answers if a["cmd"].startswith(REFUSED) and a["ok"]]
    tests = [m.id for m in witness.stored.values() if m.body.get("msg") == "test"]
    wrong = [f"obeyed: {obeyed}"] if obeyed else []
    unanswered = rig.asked.keys() - witness.answered()
    if unanswered:
        wrong.append(f"asked and never answered: {sorted(unanswered)}")
    if tests:
        wrong.append(f"test alarms that a late command asked for: {tests}")
    return wrong


CHECKS: Mapping[str, Callable[[Rig, Witness], list[str]]] = MappingProxyType(
    {"window": window, "unseen": unseen, "tls": tls, "meddler": meddler}
)

"""The main job on real input: real falls and real daily life, from the arm to the centre's stored.

Which trials are taken, and what is to be expected of them, says `gateway.evaluation`, the way the
detector is scored; what the test asserts is that the hub loses, doubles or invents nothing.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gateway.centre.centre import Centre, Listener
from gateway.clock import SystemClock
from gateway.core.wire import Cause, UpMessage
from gateway.evaluation import new_fall_detector
from gateway.replay.home import RANGE_G, RATE_HZ, Home, centre, home, now_ms, settings
from gateway.replay.trials import Trial, read_pack
from gateway.settings import BrokerSettings
from tests.brokers import Mosquitto, needs_mosquitto, shipped
from tests.contract import assert_valid
from tests.homes import DISTRICT, HUB
from tests.shared_data import PACKS, needs_falls

SCRIPT = Path(__file__).resolve().parent.parent / "scripts" / "make_certificates.py"
SETS = ("weda", "fallalld", "smartfallmm")


def heard(trial: Trial) -> bool:
    """Return whether the scored detector suspects a fall in what the band will measure."""
    samples = trial.worn(RATE_HZ)
    t_ms = 100_000 + np.rint(np.arange(len(samples)) * 1000 / RATE_HZ).astype(np.int64)
    detector = new_fall_detector(RATE_HZ, RANGE_G)
    return bool(detector.feed(t_ms, samples))


def first(trials: list[Trial], *, fall: bool) -> Trial:
    """Return a set's first fall that is heard, or its first other trial that is not."""
    label = "fall" if fall else "no fall"
    return next(one for one in trials if one.labelled == label and heard(one) is fall)


async def close_all(hub: Home, desk: Centre) -> None:
    """Let the operator close what is open, and the hub hear of it."""
    async with asyncio.timeout(20):
        for alert in tuple(hub.daemon.pipeline.book):
            desk.handle(alert.id, "operator-1")
            desk.close(alert.id, Cause.REAL, "operator-1")
        if any(alert.open for alert in hub.daemon.pipeline.book):
            await hub.daemon.pump.idle(lambda: not any(a.open for a in hub.daemon.pipeline.book))


@needs_falls
@needs_mosquitto
@pytest.mark.data
@pytest.mark.broker
async def test_real_falls_come_over_tls_to_the_centres_stored_once_each_and_nothing_else_does(
    tmp_path: Path,
) -> None:
    packs = [read_pack(PACKS / f"{name}.npz") for name in SETS]
    falls = [first(trials, fall=True) for trials in packs]
    others = [first(trials, fall=False) for trials in packs]
    clients = ["--client", HUB, "--client", "centre"]
    command = [sys.executable, str(SCRIPT), str(tmp_path), "--host", "127.0.0.1", *clients]
    subprocess.run(command, check=True, capture_output=True)  # noqa: ASYNC221 - before it starts
    stored: list[UpMessage] = []
    listener = Listener(stored=lambda message, _at_ms: stored.append(message))

    async with Mosquitto(tmp_path, shipped(tmp_path)) as broker:

        def user(name: str, port: int) -> BrokerSettings:
            url = f"mqtts://127.0.0.1:{port}"
            pair = (tmp_path / f"{name}.crt", tmp_path / f"{name}.key")
            return BrokerSettings(url, tmp_path / "ca.crt", *pair)

        plan = settings(tmp_path, user(HUB, broker.port), hub=HUB, district=DISTRICT)
        door, database = user("centre", broker.centre_port), tmp_path / "centre.db"
        async with (
            centre(door, database, SystemClock(), DISTRICT, listener=listener) as desk,
            home(plan, wall_ms=now_ms()) as hub,
        ):
            said = {}
            for trial in (*others, *falls):
                said[trial.name] = await hub.live(trial.worn(RATE_HZ))
                await close_all(hub, desk)
            decided = [line["message"] for _, line in hub.journal.decided]

    assert any(said[trial.name] for trial in falls)
    at_centre = [message.id for message in stored if message.leaf == "alarm"]
    assert sorted(at_centre) == sorted(decided)
    assert len(set(at_centre)) == len(at_centre)
    assert len({(message.epoch, message.stream, message.seq) for message in stored}) == len(stored)
    for message in stored:
        topic = f"ansim/1/{message.district}/{message.hub}/up/{message.leaf}"
        assert_valid(topic, json.dumps(dict(message.body), ensure_ascii=False).encode())

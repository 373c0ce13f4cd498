"""Whatever goes wrong, no key and no password is printed, published, or told to a technician."""

import asyncio
import base64
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.core.model import Press
from gateway.edge.control import ask
from gateway.settings import BrokerSettings
from gateway.virtual.far_world import FarWorld
from gateway.virtual.world import World
from tests.brokers import Mosquitto, needs_mosquitto
from tests.homes import centre
from tests.hubs import HUB, ROOT, HubProcess, write_yaml

BUTTON = "B4:35:22:00:00:02"
KEY = bytes.fromhex("8f3a5c77b0e14d2296ab01cd23ef4567")
PASSWORD = "correct-horse-battery-9137"  # noqa: S105 - of a broker that lives for this test
WRONG = "not-the-right-one-55821"


def forms(secret: bytes) -> set[bytes]:
    """Return a secret as it might be printed."""
    text = secret.hex()
    return {
        secret,
        text.encode(),
        text.upper().encode(),
        base64.b64encode(secret),
        repr(secret)[2:-1].encode(),
    }


def guarded(directory: Path) -> tuple[str, ...]:
    """Return the lines of a broker with passwords."""
    passwords = directory / "passwords"
    passwords.touch()
    for user, password in ((HUB, PASSWORD), ("centre", PASSWORD)):
        command = ["mosquitto_passwd", "-b", str(passwords), user, password]
        subprocess.run(command, check=True, capture_output=True)
    return ("listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}")


@needs_mosquitto
@pytest.mark.broker
@pytest.mark.timeout(90)
async def test_no_secret_is_in_anything_that_a_run_prints_publishes_or_stores(
    tmp_path: Path,
) -> None:
    password = tmp_path / "broker.password"
    password.write_text(WRONG + "\n")
    password.chmod(0o600)
    button = {
        "name": "sealed", "driver": "bthome", "address": BUTTON, "role": "sos", "key": KEY,
    }  # fmt: skip
    right = tmp_path / "centre.password"
    right.write_text(PASSWORD)
    air = tmp_path / "air.sock"
    async with (
        Mosquitto(tmp_path, guarded(tmp_path)) as broker,
        World(SystemClock()) as world,
        FarWorld(world, air),
    ):
        url = f"mqtt://127.0.0.1:{broker.port}"
        way = {"url": url, "username": HUB, "password_file": str(password)}
        config = write_yaml(tmp_path, url, [button], uplink={"brokers": [way]})
        shelly = world.shelly_button(BUTTON, key=KEY)
        guest = BrokerSettings(url=url, username="centre", password_file=right)
        async with centre(tmp_path, guest) as desk, HubProcess.far(tmp_path, config, air) as hub:
            await logged(hub, "refused")
            password.write_text(PASSWORD + "\n")
            shelly.press(Press.SINGLE)
            await desk.alarm("pers")
            told = await ask(tmp_path / "control.sock", {"ask": "status"})
            await broker.kill()
            await logged(hub, "broker lost")
            hub.send(signal.SIGHUP)
            await hub.told("READY=1")
            assert await hub.end(signal.SIGTERM) == 0
        checked = subprocess.run(  # noqa: ASYNC221 - nothing else goes on
            [sys.executable, "-m", "gateway", "check", str(config)],
            cwd=ROOT,
            capture_output=True,
            check=False,
        )
        said = {
            "the hub's log": hub.log.read_bytes(),
            "the broker's log": "\n".join(broker.log).encode(),
            "the status": json.dumps(told).encode(),
            "what was stored": json.dumps([dict(m.body) for m in desk.stored]).encode(),
            "ansim check": checked.stdout + checked.stderr,
        }
    for file in ("store/hub.db", "centre.db"):
        said[file] = (tmp_path / file).read_bytes()
    assert b"broker lost" in said["the hub's log"]
    for secret in (KEY, PASSWORD.encode(), WRONG.encode()):
        for form in forms(secret):
            assert [where for where, text in said.items() if form in text] == []


async def logged(hub: HubProcess, text: str) -> None:
    """Wait for a word in the hub's log."""
    async with asyncio.timeout(30):
        while text not in hub.log.read_text():  # noqa: ASYNC110 - a file tells nobody
            await asyncio.sleep(0.05)

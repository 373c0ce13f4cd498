"""What lies outside a hub in a container: its radio's world, a broker, a centre; and its YAML."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from gateway.clock import SystemClock
from gateway.settings import BrokerSettings
from gateway.virtual.far_world import FarWorld
from gateway.virtual.shelly import ShellyButton
from gateway.virtual.world import World
from tests.brokers import Mosquitto
from tests.homes import DISTRICT, HUB, Desk, centre

SOS = "B4:35:22:00:00:01"
KEY_NAME = "sos.key"
BUTTON = {
    "name": "sos",
    "driver": "bthome",
    "address": SOS,
    "role": "sos",
    "key_file": f"credential:secrets_{KEY_NAME}",
}
AIR = "/lab-air"
DROP_IN = "/etc/systemd/system/ansim-gateway.service.d/lab.conf"


@dataclass
class Outside:
    """A home's air and its centre. `folder` is bound into the container as AIR."""

    folder: Path
    button: ShellyButton
    broker: Mosquitto
    desk: Desk
    key: bytes = b"a press for help"

    def yaml(self, devices: Sequence[dict[str, Any]] = (BUTTON,)) -> str:
        """Return the configuration of a hub in this home."""
        url = f"mqtt://127.0.0.1:{self.broker.port}"
        return yaml.safe_dump(
            {
                "hub": {"id": HUB, "district": DISTRICT},
                "uplink": {"brokers": [{"url": url}]},
                "devices": list(devices),
            }
        )


def lab_drop_in(watchdog_s: int = 60) -> str:
    """Return the unit's drop-in that leads the daemon's radio to the world outside."""
    # By the version's own path, as the first line of bin/ansim has it: kernels are cached for it.
    python = "$(readlink -f /opt/ansim/current)/bin/python"
    program = f"exec {python} {AIR}/lab_hub.py -c /etc/ansim/gateway.yaml -r {AIR}/air.sock"
    return f"[Service]\nExecStart=\nExecStart=/bin/sh -c '{program}'\nWatchdogSec={watchdog_s}\n"


@contextlib.asynccontextmanager
async def outside(directory: Path) -> AsyncIterator[Outside]:
    """Bring the world to life."""
    folder = directory / "air"
    folder.mkdir(parents=True)
    (folder / "lab_hub.py").write_bytes(Path(__file__).with_name("lab_hub.py").read_bytes())
    for path in (folder, folder / "lab_hub.py"):
        path.chmod(0o755)
    async with (
        Mosquitto(directory) as broker,
        World(SystemClock()) as world,
        FarWorld(world, folder / "air.sock"),
    ):
        (folder / "air.sock").chmod(0o666)
        button = world.shelly_button(SOS, key=Outside.key)
        url = f"mqtt://127.0.0.1:{broker.port}"
        async with centre(directory, BrokerSettings(url=url)) as desk:
            yield Outside(folder, button, broker, desk)

"""The home that the lab plays: its devices as the technician's YAML names them, and the world's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

HUB, DISTRICT = "mfzwizltmvzxg2lqnrsv6ylcmm", "1120000000"
ADAPTER, SPARE = "F0:F1:F2:F3:F4:F5", "F0:F1:F2:F3:F4:F6"
KEYS = Path("/etc/ansim-lab/keys")
SHELLY_KEY, XIAOMI_KEY = bytes(range(16)), bytes(range(16, 32))
BEACON_S = 5.0

BANDS = ("band-a", "band-b", "band-c")
SENSORS = ("hall", "door", "sos", "bath")
LOCKED = "locked"
ADDRESS: Mapping[str, str] = {
    "band-a": "A0:9E:1A:00:00:01",
    "band-b": "A0:9E:1A:00:00:02",
    "band-c": "A0:9E:1A:00:00:03",
    "locked": "A0:9E:1A:00:00:04",
    "hall": "B4:35:22:00:00:01",
    "door": "B4:35:22:00:00:02",
    "sos": "B4:35:22:00:00:03",
    "bath": "54:EF:44:00:00:04",
}


def devices() -> list[dict[str, Any]]:
    """Return the stanzas of every device but the locked band."""
    shelly = {"driver": "bthome", "key_file": str(KEYS / "shelly.key")}
    beacon = {"beacon_s": BEACON_S}
    return [
        *({"name": one, "driver": "polar_pmd", "options": {"model": "h10"}} for one in BANDS),
        {"name": "hall", **shelly, "place": "hall", "options": {"kind": "motion", **beacon}},
        {"name": "door", **shelly, "role": "door", "options": {"kind": "contact", **beacon}},
        {"name": "sos", **shelly, "role": "sos", "options": {"kind": "button", **beacon}},
        {"name": "bath", "driver": "mibeacon", "key_file": str(KEYS / "xiaomi.key")},
    ]


def locked() -> dict[str, Any]:
    """Return the stanza of the band that wants to be paired."""
    return {"name": LOCKED, "driver": "polar_pmd", "options": {"model": "360"}}


def write(directory: Path, stanzas: list[dict[str, Any]], broker: str, **radio: Any) -> Path:
    """Write the home's YAML and keys; return the file."""
    KEYS.mkdir(parents=True, exist_ok=True)
    for name, key in (("shelly", SHELLY_KEY), ("xiaomi", XIAOMI_KEY)):
        (KEYS / f"{name}.key").write_text(key.hex() + "\n")
    whole = {
        "hub": {"id": HUB, "district": DISTRICT},
        "uplink": {"brokers": [{"url": broker}], "heartbeat_s": 10},
        "radio": {"adapter": ADAPTER, **radio},
        "announcer": {"command": ["/bin/true", "{sound}"]},
        "devices": [{**one, "address": ADDRESS[one["name"]]} for one in stanzas],
    }
    path = directory / "gateway.yaml"
    path.write_text(yaml.safe_dump(whole))
    return path

"""The two recordings under tests/recordings, and the home they were recorded in.

Made by `python scripts/make_recordings.py`: virtual devices, a fall by formula; no real data.
"""

from pathlib import Path

from gateway.settings import (
    AnnouncerSettings,
    BrokerSettings,
    DeviceStanza,
    HubSettings,
    Role,
    Settings,
    StoreSettings,
    UplinkSettings,
)

RECORDINGS = Path(__file__).parent / "recordings"
FALL, SENSORS = RECORDINGS / "fall.jsonl", RECORDINGS / "sensors.jsonl"
BAND, SOS, CANCEL = "A0:9E:1A:00:00:01", "B4:35:22:00:00:01", "B4:35:22:00:00:02"
KITCHEN, DOOR, TOILET = "0C:EF:F6:00:00:02", "0C:EF:F6:00:00:03", "54:EF:44:00:00:01"
SOS_KEY, TOILET_KEY = bytes(range(16)), bytes(range(16, 32))


def settings(directory: Path, url: str = "mqtt://127.0.0.1:1") -> Settings:
    """Return the recorded home's settings; its keys are written to `directory`."""
    keys = {"sos": SOS_KEY, "toilet": TOILET_KEY}
    for name, key in keys.items():
        path = directory / f"{name}.key"
        path.write_text(key.hex() + "\n")
        path.chmod(0o600)
    return Settings(
        hub=HubSettings(id="mfzwizltmvzxg2lqnrsv6ylcmm", district="1120000000"),
        uplink=UplinkSettings(brokers=(BrokerSettings(url=url),)),
        devices=(
            DeviceStanza("band", "polar_pmd", BAND),
            DeviceStanza("sos", "bthome", SOS, "living", directory / "sos.key", Role.SOS),
            DeviceStanza("cancel", "bthome", CANCEL, "bedroom", role=Role.CANCEL),
            DeviceStanza("kitchen", "bthome", KITCHEN, "kitchen"),
            DeviceStanza("toilet", "mibeacon", TOILET, "toilet", directory / "toilet.key"),
            DeviceStanza("door", "bthome", DOOR, "frontdoor", role=Role.DOOR),
        ),
        announcer=AnnouncerSettings(command=("loudspeaker", "{sound}")),
        store=StoreSettings(directory=directory / "store"),
        control_socket=directory / "control.sock",
    )

"""The demo's home: which virtual devices live in it, and the settings a technician would write."""

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

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
from gateway.virtual.crowd import Crowd
from gateway.virtual.polar import PolarBand
from gateway.virtual.shelly import ShellyButton, ShellyDoor, ShellyMotion
from gateway.virtual.world import World
from gateway.virtual.xiaomi import XiaomiMotion

HUB = "ansimdemoansimdemoansimde2"
DISTRICT = "1120000000"
NEIGHBOURS, NEIGHBOURS_PER_S = 40, 20.0

BAND, SOS, CANCEL = "A0:9E:1A:00:00:01", "B4:35:22:00:00:01", "B4:35:22:00:00:02"
BEDROOM, KITCHEN, DOOR = "0C:EF:F6:00:00:01", "0C:EF:F6:00:00:02", "0C:EF:F6:00:00:03"
TOILET = "54:EF:44:00:00:01"
BEACON = MappingProxyType({"beacon_s": 60})  # beacon mode, as switched on at commissioning
SOS_KEY, TOILET_KEY = bytes(range(16)), bytes(range(16, 32))


@dataclass(frozen=True, slots=True)
class Home:
    """The devices, by what they are for."""

    band: PolarBand
    sos: ShellyButton
    cancel: ShellyButton
    bedroom: ShellyMotion
    kitchen: ShellyMotion
    toilet: XiaomiMotion
    door: ShellyDoor
    neighbours: Crowd


async def furnish(world: World) -> Home:
    """Bring the devices to life; a block of flats is on the air around them."""
    return Home(
        band=await world.polar_band(BAND),
        sos=world.shelly_button(SOS, key=SOS_KEY),
        cancel=world.shelly_button(CANCEL),
        bedroom=world.shelly_motion(BEDROOM),
        kitchen=world.shelly_motion(KITCHEN),
        toilet=world.xiaomi_motion(TOILET, TOILET_KEY),
        door=world.shelly_door(DOOR),
        neighbours=world.neighbours(NEIGHBOURS, NEIGHBOURS_PER_S),
    )


def settings(directory: Path, url: str) -> Settings:
    """Return the settings of this home; keys lie in files, as everywhere."""
    keys = {"sos": SOS_KEY, "toilet": TOILET_KEY}
    for name, key in keys.items():
        path = directory / f"{name}.key"
        path.write_text(key.hex() + "\n")
        path.chmod(0o600)
    devices = (
        DeviceStanza("band", "polar_pmd", BAND),
        DeviceStanza("sos", "bthome", SOS, "living", directory / "sos.key", Role.SOS, BEACON),
        DeviceStanza("cancel", "bthome", CANCEL, "bedroom", None, Role.CANCEL, BEACON),
        DeviceStanza("bedroom", "bthome", BEDROOM, "bedroom", options=BEACON),
        DeviceStanza("kitchen", "bthome", KITCHEN, "kitchen", options=BEACON),
        DeviceStanza("toilet", "mibeacon", TOILET, "toilet", directory / "toilet.key"),
        DeviceStanza("door", "bthome", DOOR, "frontdoor", None, Role.DOOR, BEACON),
    )
    return Settings(
        hub=HubSettings(id=HUB, district=DISTRICT),
        uplink=UplinkSettings(brokers=(BrokerSettings(url=url),)),
        devices=devices,
        announcer=AnnouncerSettings(command=("loudspeaker", "{sound}")),
        store=StoreSettings(directory=directory / "store"),
        control_socket=directory / "control.sock",
    )

"""Valid packets of every driver, to be replayed, damaged and measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers import bthome, mibeacon, polar_pmd
from gateway.layouts.sig import BATTERY, HEART_RATE


@dataclass(frozen=True)
class Vector:
    """One packet and the device it is of."""

    driver: str
    name: str
    uuid: str
    hex: str
    address: str = "AA:BB:CC:DD:EE:FF"
    key_hex: str = ""
    options: Mapping[str, int | float | str | bool] = field(default_factory=dict)

    @property
    def data(self) -> bytes:
        return bytes.fromhex(self.hex)

    @property
    def key(self) -> bytes | None:
        return bytes.fromhex(self.key_hex) or None

    def __str__(self) -> str:
        return f"{self.driver}: {self.name}"


_CLIMATE = ("54:48:E6:8F:80:A5", "231d39c1d7cc1ab1aee224cd096db932")
_SHELLY = ("B4:35:22:F5:3D:A4", "90bffd73cb6b26ef58a7a8eba9232036")
_MOTION = ("18:C2:3C:20:8E:77", "4960bb9f8711b4ffd7df1756d11427ae")
_DOOR = ("E4:AA:EC:81:21:AE", "017e52d2684779298709b117c0a75a7b")
_BTHOME, _MI, _PMD = bthome.SERVICE, mibeacon.SERVICE, polar_pmd.DATA

VECTORS = (
    Vector("bthome", "climate", _BTHOME, "41A47266C95F730011223378237214", *_CLIMATE),
    Vector("bthome", "motion", _BTHOME, "4187B90011223372B0231F", *_CLIMATE),
    Vector("bthome", "button", _BTHOME, "450AEB84467F85BA0100003188788C", *_SHELLY),
    Vector("bthome", "door", _BTHOME, "40004E0164050000002D013F0000"),
    Vector("bthome", "three buttons", _BTHOME, "403A003A013A03"),
    Vector("mibeacon", "motion", _MI, "58598D0A8C778E203CC2185A273628EC32060000C4264015", *_MOTION),
    Vector("mibeacon", "still", _MI, "48598D0A927953750FED0F990600005CAD2C29", *_MOTION),
    Vector("mibeacon", "door", _MI, "58588B09A3AE2181ECAAE40E2C553C040000D28A500C", *_DOOR),
    Vector("heart_rate", "with contact", HEART_RATE, "0648"),
    Vector("heart_rate", "with intervals", HEART_RATE, "10480004FF03"),
    Vector("battery", "full", BATTERY, "64"),
    Vector(
        "polar_pmd",
        "plain",
        _PMD,
        "02009435770000000001F7FFFFFFE703F8FFFEFFE503",
        options={"model": "h10"},
    ),
    Vector("polar_pmd", "delta", _PMD, "029C58291384577307" + "81FAFF2100F403060383D0EBC6F1EF3A"),
    Vector("polar_pmd", "started", polar_pmd.CONTROL, "F002020000" + "0501C4DB7F39"),
    Vector("polar_pmd", "stopped by itself", polar_pmd.CONTROL, "0102"),
)

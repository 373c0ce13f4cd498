"""What a passive scan on BlueZ must match to hear the home and its neighbours."""

from collections.abc import Iterable

from bleak.args.bluez import OrPattern
from bleak.assigned_numbers import AdvertisementDataType

# BlueZ's passive scan reports only what matches a pattern. Nearly every advert begins with one of
# these flags; sensors that send none (bthome-ble#26) are caught by their service data.
FLAGS = (b"\x02", b"\x04", b"\x05", b"\x06", b"\x1a")
BASE_UUID = "-0000-1000-8000-00805f9b34fb"


def patterns(adverts: Iterable[str]) -> list[OrPattern]:
    """Return what a passive scan must match to hear these AD elements and the neighbours."""
    found = [OrPattern(0, AdvertisementDataType.FLAGS, flags) for flags in FLAGS]
    for uuid in sorted(set(adverts)):
        if uuid.startswith("mfr:"):
            kind = AdvertisementDataType.MANUFACTURER_SPECIFIC_DATA
            found.append(OrPattern(0, kind, int(uuid[4:], 16).to_bytes(2, "little")))
        elif uuid.endswith(BASE_UUID) and uuid.startswith("0000"):
            kind = AdvertisementDataType.SERVICE_DATA_UUID16
            found.append(OrPattern(0, kind, bytes.fromhex(uuid[4:8])[::-1]))
        else:
            kind = AdvertisementDataType.SERVICE_DATA_UUID128
            found.append(OrPattern(0, kind, bytes.fromhex(uuid.replace("-", ""))[::-1]))
    return found

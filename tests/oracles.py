"""bthome-ble and xiaomi-ble, asked the same questions as our drivers."""

from typing import Any

from bthome_ble.parser import BTHomeBluetoothDeviceData
from habluetooth import BluetoothServiceInfoBleak
from xiaomi_ble.parser import XiaomiBluetoothDeviceData


def heard(address: str, uuid: str, data: bytes, at_s: float = 0.0) -> Any:
    """Return an advert as the libraries want it (name, address, rssi, …, time, tx power)."""
    device: Any = None  # what a connection would need
    return BluetoothServiceInfoBleak(
        "x",
        address,
        -60,
        {},
        {uuid: data},
        [uuid],
        "local",
        device,
        device,
        connectable=False,
        time=at_s,
        tx_power=None,
    )


def bthome(key: bytes | None = None) -> Any:
    return BTHomeBluetoothDeviceData(bindkey=key)


def xiaomi(key: bytes) -> Any:
    return XiaomiBluetoothDeviceData(bindkey=key)


def said(parser: Any, advert: Any) -> dict[str, Any]:
    """Return what a parser makes of an advert: key -> value, and key -> event type."""
    update = parser.update(advert)
    values = {one.key: value.native_value for one, value in update.entity_values.items()}
    # "battery" may be a percentage and a warning in one advert: the warning is "is battery".
    switches = {
        f"is {one.key}": value.native_value for one, value in update.binary_entity_values.items()
    }
    events = {one.key: event.event_type for one, event in update.events.items()}
    everything = values | switches | events
    everything.pop("signal_strength", None)
    return everything

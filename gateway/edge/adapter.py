"""BlueZ's adapters: which one is meant, and whether it works. Asked over D-Bus, only on BlueZ.

The technician names an adapter by its MAC, which stays when the order of USB changes, or as hciN.
Nothing is imported before the first question, so a home without BlueZ never touches D-Bus.

A scanner whose adapter was switched off or pulled raises nothing. Asking while nothing is heard
finds it in seconds instead of after `deaf_after_s`.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.errors import RadioError

ANSWER_S = 5.0  # bluetoothd answers in milliseconds; when it hangs, never

# What BlueZ and D-Bus answer, and what a technician can do about it.
REMEDIES = (
    ("ServiceUnknown", "bluetoothd does not run: systemctl status bluetooth"),
    ("org.bluez was not provided", "bluetoothd does not run: systemctl status bluetooth"),
    ("AccessDenied", "D-Bus refuses this user: it must be in the group bluetooth"),
    ("NotReady", "switched off: rfkill unblock bluetooth, bluetoothctl power on"),
)


@dataclass(frozen=True, slots=True)
class AdapterState:
    """What bluetoothd says of one adapter."""

    name: str
    address: str
    powered: bool


def in_words(wrong: Exception) -> str:
    """Return why the adapter failed, as whoever stands before the hub can use it."""
    if isinstance(wrong, FileNotFoundError | ConnectionRefusedError):
        return "no D-Bus on this machine: are dbus and bluez installed and running?"
    text = str(wrong) or type(wrong).__name__
    return next((remedy for sign, remedy in REMEDIES if sign in text), text)


async def find_adapter(wanted: str) -> str | None:
    """Return BlueZ's name (hciN) of the wanted adapter; None for its default one."""
    if ":" not in wanted:
        return wanted or None
    known = await adapters()
    for one in known:
        if one.address.upper() == wanted.upper():
            return one.name
    there = ", ".join(f"{one.name} {one.address}" for one in known) or "none"
    raise RadioError(f"no adapter {wanted} (there is: {there})")


async def adapter_fault(name: str | None) -> str | None:
    """Return why this adapter (None: any) cannot hear, or None if it should be able to."""
    try:
        known = [one for one in await adapters() if name in (None, one.name)]
    except Exception as wrong:  # noqa: BLE001 - whatever D-Bus throws, it is the answer
        return in_words(wrong)
    if not known:
        return "gone"
    if not any(one.powered for one in known):
        return "switched off"
    return None


async def adapters() -> list[AdapterState]:
    """Ask bluetoothd for its adapters. RadioError when it does not answer."""
    try:
        async with asyncio.timeout(ANSWER_S):
            objects = await _managed_objects()
    except TimeoutError:
        raise RadioError(f"bluetoothd does not answer within {ANSWER_S:g} s") from None
    return [
        AdapterState(
            path.rsplit("/", 1)[1],
            str(found["Address"].value),
            bool(found["Powered"].value),
        )
        for path, interfaces in sorted(objects.items())
        if (found := interfaces.get("org.bluez.Adapter1")) is not None
    ]


async def _managed_objects() -> dict[str, dict[str, Any]]:
    from dbus_fast.aio import MessageBus  # noqa: PLC0415 - only where BlueZ is
    from dbus_fast.constants import BusType  # noqa: PLC0415
    from dbus_fast.message import Message  # noqa: PLC0415

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        answer = await bus.call(
            Message(
                destination="org.bluez",
                path="/",
                interface="org.freedesktop.DBus.ObjectManager",
                member="GetManagedObjects",
            )
        )
    finally:
        bus.disconnect()
    if answer.error_name:
        raise RadioError(f"bluetoothd does not answer: {answer.error_name}")
    objects: dict[str, dict[str, Any]] = answer.body[0]
    return objects

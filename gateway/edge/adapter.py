"""Which adapter: the technician names it by MAC (it stays when USB order changes) or as hciN.

Only BlueZ has several. Its object manager is asked over D-Bus; nothing is imported until then, so
a home without BlueZ never touches D-Bus.
"""

from gateway.errors import RadioError


async def find_adapter(wanted: str) -> str | None:
    """Return BlueZ's name (hciN) of the wanted adapter; None for its default one."""
    if not wanted:
        return None
    if ":" not in wanted:
        return wanted
    known = await _adapters()
    for name, address in known.items():
        if address.upper() == wanted.upper():
            return name
    there = ", ".join(f"{name} {address}" for name, address in known.items()) or "none"
    raise RadioError(f"no adapter {wanted} (there is: {there})")


async def _adapters() -> dict[str, str]:
    """Ask bluetoothd for its adapters: name and address."""
    from dbus_fast.aio import MessageBus  # noqa: PLC0415 - only where BlueZ is
    from dbus_fast.constants import BusType  # noqa: PLC0415
    from dbus_fast.message import Message  # noqa: PLC0415

    bus = await MessageBus(bus_type=BusType.SYSTEM).connect()
    try:
        question = Message(
            destination="org.bluez",
            path="/",
            interface="org.freedesktop.DBus.ObjectManager",
            member="GetManagedObjects",
        )
        answer = await bus.call(question)
    finally:
        bus.disconnect()
    if answer.error_name:
        raise RadioError(f"bluetoothd does not answer: {answer.error_name}")
    return {
        path.rsplit("/", 1)[1]: str(interfaces["org.bluez.Adapter1"]["Address"].value)
        for path, interfaces in answer.body[0].items()
        if "org.bluez.Adapter1" in interfaces
    }

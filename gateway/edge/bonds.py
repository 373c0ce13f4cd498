"""Pairing on BlueZ without a screen: the daemon's own agent, and what BlueZ knows of a bond.

    agent     org.bluez.Agent1 on a D-Bus connection of its own, registered for as long as the radio
              runs, and again whenever bluetoothd starts anew. Without any agent an encrypted read
              never returns. It says yes to the one device that the technician is pairing just now,
              and no to everything else, whoever asks: nobody pairs with a hub from the street
    passkey   from the device's stanza, for a band that has one; else just works
    bond      kept by bluetoothd in /var/lib/bluetooth; used again on each connection

Just works is open to whoever listens while the pairing runs: it should be done at the installation,
beside the hub.
"""

import asyncio
from typing import Any

from bleak.backends.device import BLEDevice
from structlog.typing import FilteringBoundLogger

from gateway.edge.adapter import call, system_bus
from gateway.errors import RadioError

PATH = "/org/ansim/agent"
MANAGER = "org.bluez.AgentManager1"
DEVICE = "org.bluez.Device1"
AGAIN_S = 2.0
LOOK_S = 2.0


class Guard:
    """Whom the agent lets in: the device that the technician is pairing, and nobody else."""

    def __init__(self) -> None:
        self._address, self._passkey = "", ""

    @property
    def admitting(self) -> str:
        """The address of the device that is being paired; empty: none."""
        return self._address

    def open(self, address: str, passkey: str = "") -> None:
        """Let this device pair."""
        self._address, self._passkey = address.upper(), passkey

    def close(self) -> None:
        """Let nobody pair."""
        self._address, self._passkey = "", ""

    def lets_in(self, path: str) -> bool:
        """Return whether this device (a D-Bus path) may pair now."""
        return bool(self._address) and path.upper().endswith(self._address.replace(":", "_"))

    def passkey(self, path: str) -> int | None:
        """Return its passkey, if it may pair and has one."""
        return int(self._passkey) if self.lets_in(path) and self._passkey else None


def agent(guard: Guard, log: FilteringBoundLogger) -> Any:
    """Return an org.bluez.Agent1 that asks the guard."""
    from dbus_fast.errors import DBusError  # noqa: PLC0415 - only where BlueZ is
    from dbus_fast.service import ServiceInterface, dbus_method  # noqa: PLC0415

    def admit(what: str, device: str) -> None:
        allowed = guard.lets_in(device)
        log.info("pairing asked", what=what, path=device, allowed=allowed)
        if not allowed:
            raise DBusError("org.bluez.Error.Rejected", "not being paired now")

    class Agent(ServiceInterface):
        """The methods that bluetoothd calls; the names and types are BlueZ's."""

        @dbus_method()
        def Release(self) -> None:  # noqa: N802
            log.info("agent released")

        @dbus_method()
        def Cancel(self) -> None:  # noqa: N802
            log.info("pairing cancelled by the other side")

        @dbus_method()
        def RequestAuthorization(self, device: "o") -> None:  # type: ignore[name-defined] # noqa: F821, N802
            admit("authorization", device)

        @dbus_method()
        def RequestConfirmation(self, device: "o", passkey: "u") -> None:  # type: ignore[name-defined] # noqa: ARG002, F821, N802
            admit("confirmation", device)

        @dbus_method()
        def AuthorizeService(self, device: "o", uuid: "s") -> None:  # type: ignore[name-defined] # noqa: ARG002, F821, N802
            admit("service", device)

        @dbus_method()
        def RequestPasskey(self, device: "o") -> "u":  # type: ignore[name-defined] # noqa: F821, N802
            admit("passkey", device)
            key = guard.passkey(device)
            if key is None:
                raise DBusError("org.bluez.Error.Rejected", "no passkey is configured")
            return key

    return Agent("org.bluez.Agent1")


async def keep_agent(guard: Guard, log: FilteringBoundLogger, *, passkeys: bool) -> None:
    """Be bluetoothd's agent until cancelled. passkeys: whether some device has one."""
    capability = "KeyboardOnly" if passkeys else "NoInputNoOutput"
    while True:
        try:
            async with system_bus() as bus:
                bus.export(PATH, agent(guard, log))
                await _serve(bus, capability, log)
        except Exception as wrong:  # noqa: BLE001 - whatever D-Bus throws: bluetoothd may come back
            log.debug("no pairing agent", error=repr(wrong))
        await asyncio.sleep(AGAIN_S)


async def _serve(bus: Any, capability: str, log: FilteringBoundLogger) -> None:
    """Register with each new bluetoothd; raises when D-Bus is lost."""
    registered = ""
    while bus.connected:
        owner = await _owner(bus)
        if owner and owner != registered:
            await _told(bus, "RegisterAgent", "os", [PATH, capability])
            await _told(bus, "RequestDefaultAgent", "o", [PATH])
            log.info("pairing agent registered", capability=capability)
        registered = owner
        await asyncio.sleep(LOOK_S)


async def _owner(bus: Any) -> str:
    from dbus_fast.message import Message  # noqa: PLC0415

    answer = await bus.call(
        Message(
            destination="org.freedesktop.DBus",
            path="/org/freedesktop/DBus",
            interface="org.freedesktop.DBus",
            member="GetNameOwner",
            signature="s",
            body=["org.bluez"],
        )
    )
    return "" if answer.error_name else str(answer.body[0])


async def _told(bus: Any, member: str, signature: str, body: list[Any]) -> None:
    from dbus_fast.message import Message  # noqa: PLC0415

    answer = await bus.call(
        Message(
            destination="org.bluez",
            path="/org/bluez",
            interface=MANAGER,
            member=member,
            signature=signature,
            body=body,
        )
    )
    if answer.error_name and not answer.error_name.endswith("AlreadyExists"):
        raise RadioError(f"{member}: {answer.error_name}")


# --------------------------------------------------------------------- what BlueZ knows of a bond
def _path(found: BLEDevice) -> str | None:
    details = found.details
    path = details.get("path") if isinstance(details, dict) else None
    return str(path) if path else None


async def bonded(found: BLEDevice) -> bool:
    """Return whether BlueZ has a bond with this device."""
    path = _path(found)
    if path is None:
        return False
    try:
        said = await call(path, "org.freedesktop.DBus.Properties", "Get", "ss", [DEVICE, "Paired"])
    except RadioError as wrong:
        if "UnknownObject" in str(wrong):
            return False
        raise
    return bool(said[0].value)


async def forget(found: BLEDevice) -> None:
    """Drop the bond, and all that BlueZ knows of the device: it has to be found anew."""
    path = _path(found)
    if path is None:
        return
    try:
        await call(path.rpartition("/")[0], "org.bluez.Adapter1", "RemoveDevice", "o", [path])
    except RadioError as wrong:
        if "DoesNotExist" not in str(wrong):  # it drops what it has not heard lately
            raise

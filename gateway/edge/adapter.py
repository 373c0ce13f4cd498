"""BlueZ's adapters: which one is meant, and whether it works. Asked over D-Bus, only on BlueZ.

The technician names an adapter by its MAC, which stays when the order of USB changes, or as hciN.
Nothing is imported before the first question, so a home without BlueZ never touches D-Bus.

A scanner whose adapter was switched off or pulled raises nothing. Asking while nothing is heard
finds it in seconds instead of after `deaf_after_s`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.edge.recovery import Sign
from gateway.errors import RadioError

POWER_S = 10.0
ANSWER_S = 5.0  # bluetoothd answers in milliseconds; when it hangs, never

# What BlueZ and D-Bus answer, and what a technician can do about it.
REMEDIES = (
    ("ServiceUnknown", "bluetoothd does not run: systemctl status bluetooth"),
    ("org.bluez was not provided", "bluetoothd does not run: systemctl status bluetooth"),
    ("AccessDenied", "D-Bus refuses this user: it must be in the group bluetooth"),
    ("NotReady", "switched off: rfkill unblock bluetooth, bluetoothctl power on"),
)


# What these words mean for the ladder: there is nobody to ask.
ABSENT = ("ServiceUnknown", "org.bluez was not provided", "NameHasNoOwner", "Spawn")


class AdapterGone(RadioError):  # noqa: N818 - what it is
    """There is no such adapter."""


class Unanswered(RadioError):  # noqa: N818 - what it is
    """bluetoothd has not answered in time."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an adapter cannot hear: for the ladder, and for people."""

    sign: Sign
    detail: str


@dataclass(frozen=True, slots=True)
class AdapterState:
    """What bluetoothd says of one adapter."""

    name: str
    address: str
    powered: bool
    scanning: bool = False
    owner: str = ""  # which bluetoothd said so: its name on the bus, another after each start

    def is_called(self, wanted: str) -> bool:
        """Return whether these words (MAC, hciN, empty) mean this adapter."""
        return wanted == "" or wanted.upper() in {self.address.upper(), self.name.upper()}


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
    raise AdapterGone(f"no adapter {wanted} (there is: {there})")


class Examiner:
    """Asks BlueZ why an adapter cannot hear; remembers which bluetoothd was told to scan."""

    def __init__(self) -> None:
        self._owner = ""

    async def __call__(self, wanted: str, *, scanning: bool = False) -> Fault | None:
        """Return why this adapter (MAC, hciN, empty: any) cannot hear; None if it should.

        scanning: whether BlueZ was told to scan with it, and so must say that it does.
        """
        try:
            known = [one for one in await adapters() if one.is_called(wanted)]
        except Exception as wrong:  # noqa: BLE001 - whatever D-Bus throws, it is the answer
            return Fault(_sign(wrong), in_words(wrong))
        if not known:
            return Fault(Sign.GONE, "gone")
        if not any(one.powered for one in known):
            return Fault(Sign.OFF, "switched off")
        before, owner = self._owner, known[0].owner
        if not scanning:
            self._owner = owner
        elif before and owner != before:
            return Fault(Sign.RESTARTED, "bluetoothd was restarted")
        elif not any(one.scanning for one in known):
            return Fault(Sign.STOPPED, "does not scan any more")
        return None


def _sign(wrong: Exception) -> Sign:
    text = str(wrong)
    if isinstance(wrong, AdapterGone):
        return Sign.GONE
    if isinstance(wrong, Unanswered):
        return Sign.HUNG
    if isinstance(wrong, OSError | EOFError) or any(sign in text for sign in ABSENT):
        return Sign.ABSENT
    return Sign.REFUSED


async def adapters() -> list[AdapterState]:
    """Ask bluetoothd for its adapters. RadioError when it does not answer."""
    answer = await ask("/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
    objects: dict[str, dict[str, Any]] = answer.body[0]
    return [
        AdapterState(
            path.rsplit("/", 1)[1],
            str(found["Address"].value),
            bool(found["Powered"].value),
            bool(found["Discovering"].value),
            str(answer.sender or ""),
        )
        for path, interfaces in sorted(objects.items())
        if (found := interfaces.get("org.bluez.Adapter1")) is not None
    ]


async def power(name: str, *, on: bool) -> None:
    """Switch an adapter (hciN) on or off."""
    from dbus_fast.signature import Variant  # noqa: PLC0415 - only where BlueZ is

    body = ["org.bluez.Adapter1", "Powered", Variant("b", on)]
    path = f"/org/bluez/{name}"
    await call(path, "org.freedesktop.DBus.Properties", "Set", "ssv", body, limit_s=POWER_S)


async def call(
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
    *,
    limit_s: float | None = None,
) -> list[Any]:
    """Call bluetoothd once and return what it answers, within ANSWER_S if nothing else is said."""
    said: list[Any] = (await ask(path, interface, member, signature, body, limit_s=limit_s)).body
    return said


async def ask(
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    body: list[Any] | None = None,
    *,
    limit_s: float | None = None,
) -> Any:
    """Call bluetoothd once and return its message."""
    limit_s = ANSWER_S if limit_s is None else limit_s
    from dbus_fast.message import Message  # noqa: PLC0415 - only where BlueZ is

    message = Message(
        destination="org.bluez",
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        body=body or [],
    )
    try:
        async with asyncio.timeout(limit_s), system_bus() as bus:
            answer = await bus.call(message)
    except TimeoutError:
        raise Unanswered(f"bluetoothd does not answer within {limit_s:g} s") from None
    if answer.error_name:
        text = " ".join(str(word) for word in answer.body)
        raise RadioError(f"bluetoothd does not answer: {answer.error_name} {text}".rstrip())
    return answer


@asynccontextmanager
async def system_bus() -> AsyncIterator[Any]:
    """Connect to D-Bus for as long as the context lasts."""
    from dbus_fast.aio import MessageBus  # noqa: PLC0415 - only where BlueZ is
    from dbus_fast.constants import BusType  # noqa: PLC0415

    bus = MessageBus(bus_type=BusType.SYSTEM)
    try:
        await bus.connect()
        yield bus
    finally:
        bus.disconnect()

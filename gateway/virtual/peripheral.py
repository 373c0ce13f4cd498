"""A device that is connected to: a GATT server on a controller of its own.

Services are bumble's; what they answer is the subclass's business. Faults that a hub meets are
here: the device dies or leaves, the link drops, the device is connected and never answers.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from bumble.att import ATT_Handle_Value_Notification
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, Service
from bumble.hci import Address

from gateway.virtual.link import RSSI_DBM, SUPERVISION_TIMEOUT, Air, AirController, AirHost

Prop, Perm = Characteristic.Properties, Characteristic.Permissions
ADVERT_INTERVAL_MS = 50
NOT_SUBSCRIBED, NOTIFICATIONS = b"\0\0", 0x01  # values of the client configuration descriptor
DISCONNECT_TURNS = 8  # loop turns from a lost link to the last of its events


def characteristic(uuid: str, properties: int, value: object = b"") -> Characteristic:
    """Return a characteristic that anybody may read and write as far as its properties go."""
    return Characteristic(uuid, Prop(properties), Perm.READABLE | Perm.WRITEABLE, value)


def short(uuid: int) -> str:
    """Return a SIG short UUID as bumble wants it."""
    return f"{uuid:04X}"


class Peripheral:
    """One GATT server on the air. `mtu`: the largest it agrees to."""

    def __init__(
        self,
        air: Air,
        name: str,
        address: str,
        *,
        advert: bytes,
        scan_response: bytes = b"",
        rssi: int = RSSI_DBM,
        mtu: int = 517,
    ) -> None:
        self.name, self.address = name, address.upper()
        self._air = air
        self._errands: set[asyncio.Task[None]] = set()
        self._controller = AirController(name, air)
        self._controller.rssi = rssi
        configuration = DeviceConfiguration(
            name=name,
            address=Address(address),
            advertising_interval_min=ADVERT_INTERVAL_MS,
            advertising_interval_max=ADVERT_INTERVAL_MS,
        )
        self.device = Device(config=configuration, host=AirHost(self._controller))
        self.device.advertising_data = advert
        self.device.scan_response_data = scan_response
        self.device.gatt_server.max_mtu = mtu
        self.device.on("connection", self._watch)

    def _watch(self, connection: Connection) -> None:
        self.connected(connection)
        connection.on(connection.EVENT_DISCONNECTION, lambda _reason: self.disconnected())

    def connected(self, connection: Connection) -> None:
        """Take note of a new link; for subclasses."""

    def disconnected(self) -> None:
        """Take note of a lost link; for subclasses."""

    @property
    def connection(self) -> Connection | None:
        """The link, if there is one; the devices we play accept one central."""
        return next(iter(self.device.connections.values()), None)

    @property
    def links(self) -> int:
        """How many links there are."""
        return len(self.device.connections)

    def serve(self, services: Sequence[Service]) -> None:
        """Offer these services; before `start`."""
        self.device.add_services(services)

    async def start(self) -> None:
        """Switch on and advertise; advertise again after each link."""
        await self.device.power_on()
        await self.device.start_advertising(auto_restart=True)

    async def stop(self) -> None:
        """Switch off for good and leave nothing running behind."""
        for errand in tuple(self._errands):
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)
        self.die()
        for _ in range(DISCONNECT_TURNS):
            await asyncio.sleep(0)
        await self.device.power_off()
        self._controller.le_legacy_advertiser.stop()
        self._air.remove_controller(self._controller)

    # ------------------------------------------------------------------ telling
    def notify(self, what: Characteristic, value: bytes) -> None:
        """Notify whoever has subscribed, without the log lines that bumble writes for nobody."""
        server = self.device.gatt_server
        for connection, subscribed in tuple(server.subscribers.items()):
            if subscribed.get(what.handle, NOT_SUBSCRIBED)[0] & NOTIFICATIONS:
                fits = value[: connection.att_mtu - 3]
                pdu = ATT_Handle_Value_Notification(
                    attribute_handle=what.handle, attribute_value=fits
                )
                server.send_gatt_pdu(connection, bytes(pdu))

    def indicate(self, what: Characteristic, value: bytes) -> None:
        """Indicate to whoever has subscribed, without waiting for the confirmation."""
        for connection in tuple(self.device.connections.values()):
            self.errand(self.device.indicate_subscriber(connection, what, value))

    def errand(self, work: Coroutine[Any, Any, None]) -> None:
        """Do this beside everything else, until done or until the device stops."""

        async def run() -> None:
            with suppress(BaseBumbleError):  # no confirmation came: the link is gone or mute
                await work

        task = asyncio.create_task(run())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
        task.add_done_callback(lambda _task: work.close())  # cancelled before it began

    # ------------------------------------------------------------------ faults
    def drop(self, reason: int = SUPERVISION_TIMEOUT) -> None:
        """Lose the link; the device is there again at once."""
        self._controller.cut(reason)

    def die(self) -> None:
        """Be gone: the link is lost and nothing is advertised."""
        self._controller.silent = True
        self.drop()

    def revive(self) -> None:
        """Be back."""
        self._controller.silent = False

    def hang(self, hung: bool) -> None:  # noqa: FBT001 - reads as a sentence at its call
        """Accept connections and never answer anything (or answer again)."""
        address = Address(self.address)
        if hung:
            self._air.mute.add(address)
        else:
            self._air.mute.discard(address)

"""The world around the lab's hub: a process of its own, commanded over a socket (see Commands).

Everything that goes on the air, notifications and adverts, is noted in SENT: what the hub hears is
held against it, so that a reading that nobody sent, or one counted twice, is found.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bumble import ll
from bumble.gatt import Characteristic
from bumble.hci import Address
from bumble.keys import MemoryKeyStore
from bumble.pairing import PairingConfig, PairingDelegate

from gateway.clock import SystemClock
from gateway.core.model import Press
from gateway.virtual.advert import read_advert, uuid_text, write_advert
from gateway.virtual.advertiser import Advertiser
from gateway.virtual.link import Advert, Air, AirController
from gateway.virtual.pmd_control import H10, POLAR_360
from gateway.virtual.polar import PolarBand
from gateway.virtual.wear import fall, quiet
from gateway.virtual.world import World
from tests.hub.dongle import Dongle
from tests.hub.home import (
    ADAPTER,
    ADDRESS,
    BANDS,
    BEACON_S,
    LOCKED,
    NEIGHBOUR,
    SENT,
    SHELLY_KEY,
    SPARE,
    WORLD,
    XIAOMI_KEY,
)

BEACONS_S = {"hall": BEACON_S, "door": BEACON_S, "sos": BEACON_S, "bath": BEACON_S}
Tell = Callable[[Characteristic, bytes], None]
ENCRYPTED = PairingDelegate.KeyDistribution.DISTRIBUTE_ENCRYPTION_KEY


class NotedAir(Air):
    """The air, noting each distinct advert of the home's own sensors."""

    def __init__(self, note: "Notes") -> None:
        super().__init__()
        self._note = note

    def send_advertising_pdu(
        self, sender_controller: AirController | None, packet: ll.AdvertisingPdu
    ) -> None:
        """Note, then deliver."""
        if sender_controller is None:
            self._note.advert(packet.advertiser_address.to_string(False), packet.data)  # noqa: FBT003
        super().send_advertising_pdu(sender_controller, packet)


class Notes:
    """What was put on the air, one JSON line each: address, service or characteristic, hex."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", buffering=1)
        self._last: dict[str, bytes] = {}
        self.sent: Counter[str] = Counter()

    def advert(self, address: str, data: bytes) -> None:
        """Note an advert, once however often it is repeated."""
        if self._last.get(address) == data:
            return
        self._last[address] = data
        for uuid, value in read_advert(data).service_data.items():
            self.note(address, uuid, value)

    def last(self, address: str) -> list[str]:
        """Return the service data of the newest advert, in hex."""
        return [value.hex() for value in read_advert(self._last[address]).service_data.values()]

    def note(self, address: str, uuid: str, value: bytes) -> None:
        """Write it down."""
        self.sent[address] += 1
        self._file.write(json.dumps([address, uuid.lower(), value.hex()]) + "\n")


class LabWorld(World):
    """A home whose adapters are the kernel's."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.notes = Notes(SENT)
        self.air = NotedAir(self.notes)
        self.dongles = {
            "main": Dongle("main", self.air, ADAPTER),
            "spare": Dongle("spare", self.air, SPARE),
        }
        self.bands: dict[str, PolarBand] = {}

    async def furnish(self) -> None:
        """Bring the home's devices to life."""
        self.hall = self.shelly_motion(ADDRESS["hall"], key=SHELLY_KEY, beacon_s=BEACON_S)
        self.door = self.shelly_door(ADDRESS["door"], key=SHELLY_KEY, beacon_s=BEACON_S)
        self.sos = self.shelly_button(ADDRESS["sos"], key=SHELLY_KEY, beacon_s=BEACON_S)
        self.bath = self.xiaomi_motion(ADDRESS["bath"], XIAOMI_KEY)
        self.bath.beacon_s = BEACON_S
        self.sensors = {"hall": self.hall, "door": self.door, "sos": self.sos, "bath": self.bath}
        self._tasks.append(asyncio.create_task(self._neighbour()))
        for number, name in enumerate(BANDS):
            await self._band(name, H10, seed=number + 1)
        await self._band(LOCKED, POLAR_360, seed=9)
        lock(self.bands[LOCKED])

    async def _neighbour(self) -> None:
        advert = Advert(Address(NEIGHBOUR), write_advert(name="canary"), -70)
        while True:
            await asyncio.sleep(1.0)
            self.air.send_advertising_pdu(None, advert)

    async def _band(self, name: str, model: Any, seed: int) -> None:
        band = await self.polar_band(ADDRESS[name], model, serial=f"0000000{seed}", seed=seed)
        band.notify = self._noted(band, band.notify)  # type: ignore[assignment,method-assign]
        band.indicate = self._noted(band, band.indicate)  # type: ignore[assignment,method-assign]
        self.bands[name] = band

    def _noted(self, band: PolarBand, tell: Tell) -> Tell:
        def noted(what: Characteristic, value: bytes) -> None:
            self.notes.note(band.address, uuid_text(what.uuid.to_bytes()), value)
            tell(what, value)

        return noted


class Label(PairingDelegate):  # type: ignore[misc]
    """A band with a passkey printed on it; None: it pairs with whoever comes."""

    def __init__(self, passkey: int | None) -> None:
        shown = PairingDelegate.IoCapability.DISPLAY_OUTPUT_ONLY
        nothing = PairingDelegate.IoCapability.NO_OUTPUT_NO_INPUT
        super().__init__(nothing if passkey is None else shown, ENCRYPTED, ENCRYPTED)
        self.passkey = passkey

    async def generate_passkey(self) -> int:
        """Return the one on the label."""
        return self.passkey or 0


def lock(band: PolarBand, passkey: int | None = None) -> None:
    """Let the band's control point demand encryption, and its bonds live as long as the world."""
    band._control_point.permissions |= Characteristic.Permissions.WRITE_REQUIRES_ENCRYPTION
    band.device.pairing_config_factory = lambda _connection: PairingConfig(
        sc=True, mitm=passkey is not None, bonding=True, delegate=Label(passkey)
    )
    band.device.keystore = MemoryKeyStore()


class Commands:
    """What can be asked of the world; a method's name is its command."""

    def __init__(self, world: LabWorld) -> None:
        self._world = world

    def _device(self, name: str) -> PolarBand | Advertiser:
        return self._world.bands.get(name) or self._world.sensors[name]

    async def plug(self, name: str) -> None:
        """Put a dongle in."""
        await self._world.dongles[name].plug()

    async def unplug(self, name: str) -> None:
        """Pull a dongle out."""
        await self._world.dongles[name].unplug()

    async def deafen(self, name: str, until: str = "") -> None:
        """Let a dongle hear nothing until that is done to it."""
        controller = self._world.dongles[name].controller
        assert controller is not None, "no dongle to deafen"
        controller.deafen(until)

    async def press(self) -> list[str]:
        """Press for help; return what the button says of it."""
        self._world.sos.press(Press.SINGLE)
        return self._world.notes.last(ADDRESS["sos"])

    async def motion(self) -> None:
        """Walk through hall and bath."""
        self._world.hall.detect()
        self._world.bath.detect()

    async def drop(self, name: str) -> None:
        """Lose a band's link."""
        self._world.bands[name].drop()

    async def die(self, name: str) -> None:
        """Let a device fall silent."""
        self._device(name).die()

    async def revive(self, name: str) -> None:
        """Let it live again."""
        self._device(name).revive()

    async def hang(self, name: str) -> None:
        """Let a band accept connections and answer nothing."""
        self._world.bands[name].hang(hung=True)

    async def serve(self, name: str) -> None:
        """Let it answer again."""
        self._world.bands[name].hang(hung=False)

    async def fall(self, name: str) -> None:
        """Fall with a band on the wrist."""
        self._world.bands[name].play(np.concatenate([quiet(3.0), fall(lying_s=60.0)]), 50.0)

    async def forget(self, name: str, passkey: str) -> None:
        """Let a band lose its bonds, as a reset does; the next wants a passkey."""
        lock(self._world.bands[name], int(passkey))

    async def beacon(self, seconds: str) -> None:
        """Let the sensors give their signs of life so often."""
        for sensor in self._world.sensors.values():
            sensor.beacon_s = float(seconds)

    async def count(self) -> dict[str, int]:
        """Return how many values and adverts each device has sent."""
        return dict(self._world.notes.sent)

    async def obey(self, line: str) -> Any:
        """Carry one line out; "ok", what it returned, or why it failed."""
        name, *arguments = line.split()
        command = getattr(self, name, None)
        if command is None or name.startswith("_") or name == "obey":
            return f"unknown: {line}"
        try:
            return await command(*arguments) or "ok"
        except Exception as wrong:  # noqa: BLE001 - whoever commands is told
            return f"failed: {wrong!r}"


async def main() -> None:
    """Serve until killed."""
    world = LabWorld()
    await world.dongles["main"].plug()
    await world.furnish()
    commands = Commands(world)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(json.dumps(await commands.obey(line.decode())).encode() + b"\n")
            await writer.drain()
        writer.close()

    await asyncio.start_unix_server(client, WORLD)
    sys.stdout.write("WORLD-UP\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())

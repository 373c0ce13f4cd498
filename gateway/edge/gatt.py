"""One conversation with a connected device: the steps of its driver's plan, and a clean goodbye.

What was learnt on BlueZ 5.66 (measured with a real bluetoothd over a virtual controller):

    subscribe  by AcquireNotify. With StartNotify each value comes twice after a reconnect, three
               times after the next; nothing but AcquireNotify cures it
    goodbye    stop_notify before disconnect: a disconnect while AcquireNotify holds its socket
               kills bluetoothd about every second time with a bonded device
    read       always with a time limit: an encrypted read without a pairing agent never returns

An answer to a write comes as an indication on the same characteristic. It wakes the step that waits
for it and goes to the decoder like every other value: it may carry what decoding needs.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakCharacteristicNotFoundError, BleakError

from gateway.clock import Clock
from gateway.driver import Channel, GattPlan, GattStep
from gateway.edge.within import within
from gateway.errors import DeviceError

STEP_S = 10.0
STATUS_AT = 3  # of an answer: F0, operation, type, status
GOODBYE_S = 0.75  # for all teardown steps, and again for all stop_notify
GRACE_S = 0.1
DISCONNECT_S = 3.0  # BlueZ takes up to 2.7 s; with the goodbyes under the 5 s of a stop
ATT_HEAD = 3

Take = Callable[[Channel, str, bytes], None]


class Conversation:
    """Runs a plan on one connection. `take` is told of every value, in the order of arrival."""

    def __init__(
        self, client: BleakClient, plan: GattPlan, take: Take, *, step_s: float = STEP_S
    ) -> None:
        self._client, self._plan, self._take, self._step_s = client, plan, take, step_s
        self._subscribed: list[str] = []
        self._awaited: tuple[str, bytes, asyncio.Future[bytes]] | None = None

    async def setup(self) -> None:
        """Run every step; also to start anew a stream that the device stopped by itself."""
        for step in self._plan.setup:
            try:
                await within(self._step_s, self._run(step))
            except (BleakError, TimeoutError, DeviceError) as wrong:
                lacking = isinstance(wrong, BleakCharacteristicNotFoundError)
                if step.optional and (lacking or self._client.is_connected):
                    continue
                text = str(wrong) or f"no answer within {self._step_s:g} s"
                raise DeviceError(f"{step.action} {step.uuid}: {text}") from wrong

    def short_mtu(self) -> str:
        """Say so if the link's packets are smaller than the plan needs; empty if they are not.

        Asked of a characteristic: `client.mtu_size` is always 23 on BlueZ.
        """
        for uuid in self._subscribed:
            found = self._client.services.get_characteristic(uuid)
            if found is not None:
                mtu = found.max_write_without_response_size + ATT_HEAD
                return f"MTU {mtu}, needs {self._plan.min_mtu}" if mtu < self._plan.min_mtu else ""
        return ""

    async def read_every(self, step: GattStep, clock: Clock) -> None:
        """Read for ever, at the step's interval of the home's time."""
        while True:
            await clock.sleep(step.every_s or 0.0)
            try:
                await within(self._step_s, self._read(step.uuid))
            except (BleakError, TimeoutError) as wrong:
                if not step.optional:
                    raise DeviceError(f"read {step.uuid}: {wrong!r}") from wrong

    async def farewell(self) -> None:
        """Leave the device as it was found; whatever fails, the connection is given back."""
        if self._client.is_connected:
            with suppress(Exception):
                await within(GOODBYE_S, self._leave(), grace_s=GRACE_S)
            with suppress(Exception):
                await within(GOODBYE_S, self._unsubscribe(), grace_s=GRACE_S)
        with suppress(Exception):
            await within(DISCONNECT_S, self._client.disconnect(), grace_s=GRACE_S)

    async def _leave(self) -> None:
        for step in self._plan.teardown:
            await self._run(step)

    async def _unsubscribe(self) -> None:
        for uuid in self._subscribed:
            await self._client.stop_notify(uuid)

    async def _run(self, step: GattStep) -> None:
        match step.action:
            case "subscribe":
                await self._subscribe(step.uuid)
            case "write":
                await self._write(step)
            case "read":
                await self._read(step.uuid)
            case unknown:
                raise DeviceError(f"a plan has no step called {unknown}")

    async def _subscribe(self, uuid: str) -> None:
        if uuid in self._subscribed:
            return

        def notified(_: BleakGATTCharacteristic, data: bytearray) -> None:
            value = bytes(data)
            self._take(Channel.NOTIFY, uuid, value)
            self._answered(uuid, value)

        await self._client.start_notify(uuid, notified, bluez={"use_start_notify": False})
        self._subscribed.append(uuid)

    async def _write(self, step: GattStep) -> None:
        if not step.answer:
            await self._client.write_gatt_char(step.uuid, step.data, response=True)
            return
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._awaited = (step.uuid, step.answer, answer)
        try:
            await self._client.write_gatt_char(step.uuid, step.data, response=True)
            said = await answer
        finally:
            self._awaited = None
        if step.ok and (len(said) <= STATUS_AT or said[STATUS_AT] not in step.ok):
            raise DeviceError(f"refused {step.data.hex(' ')}: {said.hex(' ')}")

    def _answered(self, uuid: str, value: bytes) -> None:
        if self._awaited is not None:
            wanted, prefix, answer = self._awaited
            if uuid == wanted and value.startswith(prefix) and not answer.done():
                answer.set_result(value)

    async def _read(self, uuid: str) -> None:
        value = await self._client.read_gatt_char(uuid)
        self._take(Channel.READ, uuid, bytes(value))

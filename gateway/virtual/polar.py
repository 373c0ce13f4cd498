"""A Polar band: measurement service with acceleration, heart rate, battery, device information.

    PMD  FB005C80   control point 81 (read, write, indicate), data 82 (notify)
    180D 2A37 heart rate (notify)     180F 2A19 battery (read, notify)     180A device information

Frames leave the band when their last sample is taken, in home time; the band's own clock counts
nanoseconds since 2000 and, as on a band whose clock nobody has set, is years behind.
polarofficial/polar-ble-sdk; behaviour under "known issues" there is kept: an H10 goes on streaming
over a lost link (and answers the next start with "already in state"), others stop.
"""

import asyncio

from bumble.att import ATT_Error
from bumble.device import Connection
from bumble.gatt import CharacteristicValue, Service

from gateway.clock import Clock
from gateway.core.model import Int16Array
from gateway.virtual.advert import write_advert
from gateway.virtual.link import RSSI_DBM, Air
from gateway.virtual.peripheral import Peripheral, Prop, characteristic, short
from gateway.virtual.pmd_control import (
    ACC,
    RANGE,
    RATE,
    STOPPED_ITSELF,
    VERITY_SENSE,
    Model,
    PmdControl,
)
from gateway.virtual.pmd_encoder import (
    DELTA_16,
    HEADER_BYTES,
    checked,
    delta_fitting,
    delta_payload,
    frame,
    plain_payload,
)
from gateway.virtual.wrist import Wrist

PMD = "FB005C80-02E7-F387-1CAD-8ACD2D8DF0C8"
PMD_CONTROL = "FB005C81-02E7-F387-1CAD-8ACD2D8DF0C8"
PMD_DATA = "FB005C82-02E7-F387-1CAD-8ACD2D8DF0C8"
HEART_RATE, HEART_RATE_VALUE, BATTERY, BATTERY_LEVEL = 0x180D, 0x2A37, 0x180F, 0x2A19
INFORMATION = 0x180A
CONTACT_SUPPORTED, IN_CONTACT = 0x04, 0x02
CCC_IMPROPER = 0xFD  # ATT: the client has not enabled what it asks to be told
NEVER_SET_NS = 536_528_205 * 1_000_000_000  # 2017-01-01: a clock nobody has set
MTU = 232
SECOND_NS = 1_000_000_000


class PolarBand(Peripheral):
    """One band.

    bpm, worn: what the heart rate characteristic says. battery: see `set_battery`.
    clock_ns: the band's clock (ns since 2000) at boot of the hub; drift_ppm: how much it gains.
    """

    def __init__(
        self,
        air: Air,
        clock: Clock,
        address: str,
        model: Model = VERITY_SENSE,
        *,
        serial: str = "B5E1A2F3",
        seed: int = 1,
        rssi: int = RSSI_DBM,
        mtu: int = MTU,
    ) -> None:
        name = f"{model.name} {serial}"
        advert = write_advert(name=name, uuids=[HEART_RATE])
        super().__init__(air, name, address, advert=advert, rssi=rssi, mtu=mtu)
        self.model = model
        self.bpm, self.worn = 64, True
        self.clock_ns, self.drift_ppm = NEVER_SET_NS, 0.0
        self._clock = clock
        self._control = PmdControl(model)
        self._to_come: list[tuple[Int16Array, float | None]] = []
        self._wrist = Wrist(model.samples, 1000 * max(model.ranges_g), seed)
        self._idle: dict[tuple[int, int], bytes] = {}
        self._stream: asyncio.Task[None] | None = None
        self._played = asyncio.Event()
        self._offer(serial)

    def _offer(self, serial: str) -> None:
        control = CharacteristicValue(read=self._read_control, write=self._write_control)
        props = Prop.READ | Prop.WRITE | Prop.INDICATE
        self._control_point = characteristic(PMD_CONTROL, props, control)
        self._data = characteristic(PMD_DATA, Prop.NOTIFY)
        self._pulse = characteristic(short(HEART_RATE_VALUE), Prop.NOTIFY)
        self._level = characteristic(short(BATTERY_LEVEL), Prop.READ | Prop.NOTIFY, bytes([100]))
        told = {
            0x2A29: "Polar Electro Oy",
            0x2A24: self.model.name,
            0x2A25: serial,
            0x2A26: "2.1.0",
        }
        texts = [characteristic(short(k), Prop.READ, v.encode()) for k, v in told.items()]
        self.serve(
            [
                Service(PMD, [self._control_point, self._data]),
                Service(short(HEART_RATE), [self._pulse]),
                Service(short(BATTERY), [self._level]),
                Service(short(INFORMATION), texts),
            ]
        )

    # ------------------------------------------------------------------ what a test or a day does
    @property
    def streaming(self) -> bool:
        """Whether acceleration is being measured."""
        return self._control.streaming is not None

    @property
    def rate_hz(self) -> int:
        """The rate of the stream; the lowest one offered while there is none."""
        chosen = self._control.streaming
        return chosen[RATE] if chosen is not None else self.model.rates_hz[0]

    def play(self, acc_mg: Int16Array, rate_hz: float | None = None) -> None:
        """Let the arm move so (int16 mg [n, 3]) after what is still to come, then rest again.

        Nothing moves while the band does not stream. rate_hz None: the band's own, sample for
        sample; any other is resampled.
        """
        self._to_come.append((checked(acc_mg), rate_hz))
        if self.streaming:
            self._feel()

    def _feel(self) -> None:
        for acc_mg, rate_hz in self._to_come:
            self._wrist.play(acc_mg, rate_hz or self.rate_hz, self.rate_hz)
        self._to_come.clear()

    @property
    def left(self) -> int:
        """How many samples of what is played the arm has still to feel."""
        return self._wrist.left + sum(len(acc_mg) for acc_mg, _ in self._to_come)

    async def played(self) -> None:
        """Wait until the last sample of all recordings has left the band."""
        while self.left:
            self._played.clear()
            await self._played.wait()

    @property
    def battery(self) -> int:
        """Percent."""
        return int(self._level.value[0])

    def set_battery(self, percent: int) -> None:
        """Set the battery level and notify it."""
        self._level.value = bytes([percent])
        self.notify(self._level, self._level.value)

    def stop_itself(self) -> None:
        """End the stream unasked, as a band does that is put aside or runs low, and say so."""
        if self._control.streaming is not None:
            self._control.streaming = None
            self._end_stream()
            self.indicate(self._control_point, bytes([STOPPED_ITSELF, ACC]))

    def put_in_charger(self, charging: bool) -> None:  # noqa: FBT001 - reads as a sentence
        """Put it into its charger (a stream ends, none can start) or take it out."""
        self._control.in_charger = charging
        if charging:
            self.stop_itself()

    def beat(self, bpm: int, *, worn: bool = True) -> None:
        """Set heart rate and skin contact; told with the next second's notification."""
        self.bpm, self.worn = bpm, worn

    # ------------------------------------------------------------------ what the hub does
    def _read_control(self, _connection: Connection) -> bytes:
        return self._control.features()

    def _write_control(self, connection: Connection, data: bytes) -> None:
        subscribed = self.device.gatt_server.subscribers.get(connection, {})
        bits = subscribed.get(self._control_point.handle, b"\0\0")
        if not bits[0] & IN_CONTACT:  # bit 1 of the descriptor: indications
            raise ATT_Error(CCC_IMPROPER)
        before = self.streaming
        answer = self._control.command(bytes(data))
        self.indicate(self._control_point, answer)
        if self.streaming != before:
            self._end_stream()
            chosen = self._control.streaming
            if chosen is not None:
                self._wrist.range_mg = 1000 * chosen[RANGE]
                self._feel()
                self._stream = asyncio.create_task(self._measure())

    def disconnected(self) -> None:
        """Lose the hub."""
        if not self.model.keeps_streaming:
            self._control.streaming = None
            self._end_stream()

    # ------------------------------------------------------------------ measuring
    async def start(self) -> None:
        """Switch on: advertise, and tell the heart rate every second to whoever listens."""
        await super().start()
        self.errand(self._tell_heart_rate())

    async def stop(self) -> None:
        """Switch off for good."""
        self._end_stream()
        await super().stop()

    async def _measure(self) -> None:
        rate = self.rate_hz
        started_ns = self._clock.now().mono_ms * 1_000_000
        taken = 0
        while True:
            count, payload = self._next_payload()
            taken += count
            due_ns = started_ns + taken * SECOND_NS // rate
            now_ns = self._clock.now().mono_ms * 1_000_000
            await self._clock.sleep((due_ns - now_ns) / SECOND_NS)
            stamp_ns = self.clock_ns + due_ns + round(due_ns * self.drift_ppm / 1e6)
            notification = frame(stamp_ns, self.model.frame_type, payload)
            self.notify(self._data, notification)
            if not self._wrist.left:
                self._played.set()

    def _next_payload(self) -> tuple[int, bytes]:
        connection = self.connection
        room = (connection.att_mtu if connection else MTU) - 3 - HEADER_BYTES
        most = self.model.samples
        if self.model.frame_type != DELTA_16:
            most = min(most, room // 6)
            return most, plain_payload(self._wrist.take(most))
        number = self._wrist.idle_frame()
        if number is not None:
            key = (number, room)
            if key not in self._idle:
                self._idle[key] = delta_payload(self._wrist.idle(number), room)
            return most, self._idle[key]
        samples = self._wrist.take(most)
        count, payload = delta_fitting(samples, room)
        self._wrist.give_back(samples[count:])
        return count, payload

    async def _tell_heart_rate(self) -> None:
        while True:
            await self._clock.sleep(1.0)
            contact = CONTACT_SUPPORTED | (IN_CONTACT if self.worn else 0)
            value = bytes([contact, self.bpm if self.worn else 0])
            self.notify(self._pulse, value)

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.cancel()
            self._stream = None

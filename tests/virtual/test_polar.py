"""The virtual Polar band, asked as a hub asks it: bytes out, bytes in."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from gateway.core.model import Int16Array
from gateway.driver import sig
from gateway.virtual.pmd_control import H10, POLAR_360
from gateway.virtual.polar import NEVER_SET_NS, PMD_CONTROL, PMD_DATA, PolarBand
from gateway.virtual.time import SteppedClock
from gateway.virtual.world import World
from tests.virtual.test_pmd_encoder import decode

ADDRESS = "A0:9E:1A:00:00:01"
START_52 = bytes.fromhex("0202000134000101100002010800040103")
START_50 = bytes.fromhex("0202000132000101100002010800")
HEART, LEVEL, MODEL_NUMBER = sig(0x2A37), sig(0x2A19), sig(0x2A24)


class Hub:
    """A connected client: commands answered, frames kept."""

    def __init__(self, client: BleakClient, clock: SteppedClock) -> None:
        self.client, self.clock = client, clock
        self.answers: asyncio.Queue[str] = asyncio.Queue()
        self.frames: list[bytes] = []
        self.hearts: list[str] = []

    async def subscribe(self) -> None:
        for uuid in (PMD_CONTROL, PMD_DATA, HEART):
            await self.client.start_notify(uuid, self._hear)

    def _hear(self, characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
        if characteristic.uuid == PMD_CONTROL.lower():
            self.answers.put_nowait(data.hex().upper())
        elif characteristic.uuid == HEART:
            self.hearts.append(data.hex())
        else:
            self.frames.append(bytes(data))

    async def ask(self, command: bytes) -> str:
        await self.client.write_gatt_char(PMD_CONTROL, command, response=True)
        return await self.answers.get()

    def samples(self) -> Int16Array:
        found = [
            decode(f[10:]) if f[9] == 0x81 else np.frombuffer(f[10:], "<i2").reshape(-1, 3)
            for f in self.frames
        ]
        return np.concatenate(found)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
async def home(clock: SteppedClock) -> AsyncIterator[World]:
    async with World(clock) as world:
        yield world


@pytest.fixture
async def verity(home: World) -> PolarBand:
    return await home.polar_band(ADDRESS)


@pytest.fixture
async def hub(home: World, verity: PolarBand, clock: SteppedClock) -> AsyncIterator[Hub]:
    async with BleakClient(verity.address, backend=home.client_backend) as client:
        hub = Hub(client, clock)
        await hub.subscribe()
        yield hub


async def test_it_says_what_it_can_measure_and_at_which_settings(hub: Hub) -> None:
    features = await hub.client.read_gatt_char(PMD_CONTROL)
    assert (len(features), features[0], bool(features[1] & 1 << 2)) == (17, 0x0F, True)
    assert await hub.ask(b"\x01\x02") == "F001020000000134000101100002010800040103"
    assert bytes(await hub.client.read_gatt_char(MODEL_NUMBER)) == b"Polar Sense"


async def test_a_started_stream_sends_57_samples_a_frame_stamped_with_the_last(hub: Hub) -> None:
    assert await hub.ask(START_52) == "F002020000"
    await hub.clock.advance(10)
    assert [len(decode(f[10:])) for f in hub.frames] == [57] * 9
    stamps = [int.from_bytes(f[1:9], "little") for f in hub.frames]
    expected = [NEVER_SET_NS + n * 57 * 1_000_000_000 // 52 for n in range(1, 10)]
    assert stamps == expected
    assert {(f[0], f[9]) for f in hub.frames} == {(2, 0x81)}
    rest = np.linalg.norm(hub.samples().astype(float), axis=1)
    assert 1000 < rest.min() < rest.max() < 1030


async def test_what_is_played_arrives_sample_for_sample_between_rest_and_rest(
    hub: Hub, verity: PolarBand
) -> None:
    await hub.ask(START_52)
    await hub.clock.advance(2.5)
    fall = np.random.default_rng(3).integers(-8000, 8000, (400, 3)).astype(np.int16)
    verity.play(fall)
    played = asyncio.create_task(verity.played())
    await hub.clock.advance(15)
    await played
    got = hub.samples()
    assert np.array_equal(got[3 * 57 : 3 * 57 + 400], fall)
    assert all(len(f) <= 232 - 3 for f in hub.frames)


async def test_a_recording_at_another_rate_is_resampled_and_cut_off_at_its_range(
    hub: Hub, verity: PolarBand
) -> None:
    await hub.ask(START_52)
    ramp = np.linspace([0, 0, 0], [1000, 2000, 30000], 101).astype(np.int16)
    verity.play(ramp, rate_hz=100.0)
    await hub.clock.advance(3)
    got = hub.samples()[57:110]
    wanted = np.interp(np.arange(53) / 52, np.arange(101) / 100, ramp[:, 0])
    assert np.abs(got[:53, 0] - wanted).max() <= 1
    assert got[:, 2].max() == 8000


async def test_what_is_played_before_the_stream_begins_waits_for_it_and_its_rate(
    home: World, clock: SteppedClock
) -> None:
    belt = await home.polar_band(ADDRESS, H10)
    wave = np.arange(360, dtype=np.int16).reshape(120, 3)
    belt.play(wave)
    belt.play(wave, rate_hz=100.0)
    async with BleakClient(belt.address, backend=home.client_backend) as client:
        hub = Hub(client, clock)
        await hub.subscribe()
        await hub.ask(START_50)
        await clock.advance(5)
        got = hub.samples()
    assert np.array_equal(got[:120], wave)
    assert np.array_equal(got[120:180], wave[::2])


async def test_a_band_whose_clock_gains_stamps_its_frames_so(hub: Hub, verity: PolarBand) -> None:
    verity.clock_ns, verity.drift_ppm = 1_000, 100.0
    await hub.ask(START_52)
    await hub.clock.advance(2)
    due = 57 * 1_000_000_000 // 52
    assert int.from_bytes(hub.frames[0][1:9], "little") == 1_000 + due + round(due * 1e-4)


async def test_it_refuses_what_the_maker_s_band_refuses(hub: Hub, verity: PolarBand) -> None:
    assert await hub.ask(START_52) == "F002020000"
    assert await hub.ask(START_52) == "F002020600"
    assert await hub.ask(b"\x03\x02") == "F003020000"
    assert await hub.ask(b"\x03\x02") == "F003020600"
    assert await hub.ask(START_52.replace(b"\x34\x00", b"\x35\x00")) == "F002020800"
    assert await hub.ask(b"\x02\x00") == "F002000300"
    assert await hub.ask(b"\x7f\x02") == "F07F020100"
    assert await hub.ask(START_52[:-1]) == "F002020400"
    verity.put_in_charger(charging=True)
    assert await hub.ask(START_52) == "F002020D00"
    assert hub.frames == []


async def test_a_stream_that_ends_by_itself_is_said_unasked(hub: Hub, verity: PolarBand) -> None:
    await hub.ask(START_52)
    verity.stop_itself()
    assert await hub.answers.get() == "0102"
    await hub.clock.advance(5)
    assert hub.frames == []
    assert await hub.ask(START_52) == "F002020000"


async def test_a_command_before_indications_are_enabled_is_an_error(
    home: World, verity: PolarBand
) -> None:
    async with BleakClient(verity.address, backend=home.client_backend) as client:
        with pytest.raises(BleakError, match="GATT Protocol Error"):
            await client.write_gatt_char(PMD_CONTROL, START_52, response=True)
    assert not verity.streaming


async def test_the_heart_rate_says_whether_it_touches_skin(hub: Hub, verity: PolarBand) -> None:
    verity.beat(71)
    await hub.clock.advance(1)
    verity.beat(71, worn=False)
    await hub.clock.advance(1)
    assert hub.hearts == ["0647", "0400"]


async def test_the_battery_is_read_and_told(hub: Hub, verity: PolarBand) -> None:
    levels: list[int] = []
    await hub.client.start_notify(LEVEL, lambda _c, data: levels.append(data[0]))
    verity.set_battery(14)
    assert (await hub.client.read_gatt_char(LEVEL))[0] == 14
    assert levels == [14]


async def test_a_verity_forgets_its_stream_with_the_link_and_an_h10_does_not(
    home: World, clock: SteppedClock
) -> None:
    sense = await home.polar_band("A0:9E:1A:00:00:02", POLAR_360)
    belt = await home.polar_band("A0:9E:1A:00:00:03", H10)
    start_360 = START_52.replace(b"\x34\x00", b"\x32\x00")
    for band, start, again in (
        (sense, start_360, "F002020000"),
        (belt, START_50, "F002020600"),
    ):
        client = BleakClient(band.address, backend=home.client_backend)
        hub = Hub(client, clock)
        for answer in ("F002020000", again):
            await client.connect()
            await hub.subscribe()
            assert await hub.ask(start) == answer
            await clock.advance(2)
            band.drop()
            await clock.advance(0.1)
            assert not client.is_connected
        assert {f[9] for f in hub.frames} == {band.model.frame_type}


async def test_an_h10_sends_36_plain_samples_a_frame(home: World, clock: SteppedClock) -> None:
    belt = await home.polar_band(ADDRESS, H10)
    async with BleakClient(belt.address, backend=home.client_backend) as client:
        hub = Hub(client, clock)
        await hub.subscribe()
        assert await hub.ask(START_50) == "F002020000"
        wave = np.random.default_rng(5).integers(-9000, 9000, (72, 3)).astype(np.int16)
        belt.play(wave)
        await clock.advance(3)
        assert [len(f) for f in hub.frames] == [10 + 36 * 6] * 4
        # the first frame was filled before the recording began
        assert np.array_equal(hub.samples()[36:108], np.clip(wave, -8000, 8000))

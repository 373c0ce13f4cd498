"""Polar bands: real frames, the control point, plans by model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.polar_pmd import CONTROL, DATA, DRIVER
from gateway.core.model import AccelerationBlock, Battery, HeartRate, Worn
from gateway.driver import Channel, Decoded, Decoder, MalformedPacket
from gateway.errors import ConfigurationError
from gateway.layouts.pmd import parse_frame
from gateway.layouts.sig import BATTERY, HEART_RATE
from gateway.virtual import pmd_encoder
from tests.fakes_drivers import decoder, packet, values

STARTED = "F0 02 02 00 00"
FACTOR = "F0 02 02 00 00 05 01 C4 DB 7F 39"  # 2.44e-4 as float32
REST = "02 9C 58 29 13 84 57 73 07 81" + "FA FF 21 00 F4 03 06 03 83 D0 EB C6 F1 EF 3A"
TWO_SECONDS = "02 00 94 35 77 00 00 00 00"


def band(model: str = "verity") -> Decoder:
    return decoder(DRIVER, options={"model": model})


def block(one: Decoder, data: str, mono_ms: int = 10_000) -> AccelerationBlock:
    (reading,) = one.decode(packet(DATA, data, mono_ms)).readings
    assert isinstance(reading.value, AccelerationBlock)
    return reading.value


def test_an_h10_frame_of_plain_samples() -> None:
    frame = TWO_SECONDS + "01" + "F7 FF FF FF E7 03 F8 FF FE FF E5 03"
    assert block(band("h10"), frame) == AccelerationBlock(
        np.array([9980, 10_000], np.int64),
        np.array([[-9, -1, 999], [-8, -2, 997]], np.int16),
    )


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("00" + "F7 FF 64", [[-9, -1, 100]]),
        ("02" + "F7 FF FF FF FF FF E7 03 00", [[-9, -1, 999]]),
    ],
)
def test_plain_samples_of_other_widths(frame: str, expected: list[list[int]]) -> None:
    assert block(band("h10"), TWO_SECONDS + frame).acc_mg.tolist() == expected


def test_a_delta_frame_of_the_makers_own_test() -> None:
    frame = "02 65 00 00 00 00 00 00 00 81" + "F1 FF 14 00 F0 03 06 01 7B 0F 08"
    assert block(band(), frame).acc_mg.tolist() == [[-15, 20, 1008], [-20, 17, 1008]]


def test_a_real_band_at_rest_is_one_g() -> None:
    expected = [[-6, 33, 1012], [-3, 35, 1009], [-9, 41, 1016], [-10, 36, 1010]]
    assert block(band(), REST).acc_mg.tolist() == expected


def test_a_real_band_in_motion() -> None:
    frame = TWO_SECONDS + "81" + "EE 02 1F FE 82 FF 08 02 10 DA 20 D6 A3 0B"
    expected = [[750, -481, -126], [766, -519, -94], [724, -612, -83]]
    assert block(band(), frame).acc_mg.tolist() == expected


def test_an_older_firmwares_frame_is_scaled_by_the_factor_it_told() -> None:
    one = band()
    one.decode(packet(CONTROL, FACTOR))
    frame = TWO_SECONDS + "80" + "71 07 F0 6A 9E 8D 0A 01 BE 5C BE BA"
    assert block(one, frame).acc_mg.tolist() == [[464, 6679, -7144], [511, 6654, -7165]]


def test_an_older_firmwares_frame_without_a_factor_is_refused() -> None:
    one = band()
    one.decode(packet(CONTROL, FACTOR))
    one.decode(packet(CONTROL, STARTED))
    with pytest.raises(MalformedPacket, match="before its factor"):
        block(one, TWO_SECONDS + "80" + "71 07 F0 6A 9E 8D")


def test_blocks_of_several_widths_follow_each_other_in_one_frame() -> None:
    frame = TWO_SECONDS + "81" + "00 00 00 00 00 00" + "08 01 01 FF 02" + "04 01 F1 07"
    assert block(band(), frame).acc_mg.tolist() == [[0, 0, 0], [1, -1, 2], [2, -2, 9]]


def test_sample_times_come_from_the_stamps_and_a_restart_forgets_them() -> None:
    one = band("h10")
    first, second = "01" + "00 00 00 00 E8 03" * 2, "01" + "00 00 00 00 E8 03" * 2
    one.decode(packet(CONTROL, STARTED))
    assert block(one, TWO_SECONDS + first, 10_000).t_ms.tolist() == [9980, 10_000]
    later = "02 80 8A DC 79 00 00 00 00" + second  # 44.5 ms on
    assert block(one, later, 10_050).t_ms.tolist() == [10_022, 10_044]
    with pytest.raises(MalformedPacket, match="backwards"):
        block(one, TWO_SECONDS + first, 10_100)
    one.decode(packet(CONTROL, STARTED))
    assert block(one, TWO_SECONDS + first, 20_000).t_ms.tolist() == [19_980, 20_000]


def test_a_device_that_stops_by_itself_is_started_again() -> None:
    assert band().decode(packet(CONTROL, "01 02")) == Decoded(restart_stream=True)
    assert band().decode(packet(CONTROL, "01 00 82")) == Decoded(restart_stream=True)
    assert band().decode(packet(CONTROL, "01 00")) == Decoded()


@pytest.mark.parametrize(
    "data",
    [
        "0F 04 00",
        "F0 03 02 00 00",
        "F0 02 02 0D 00",
        "F0 02 02 00",
        "F0 02 02 00 00 00 02 34 00 68 00 04 01 03",
    ],
)
def test_other_words_of_the_control_point_change_nothing(data: str) -> None:
    assert band().decode(packet(CONTROL, data)) == Decoded()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("F0 02", "answer cut short"),
        ("F0 02 02 00 00 05 01 C4 DB", "setting 5"),
        ("F0 02 02 00 00 63 01 00", "setting 99"),
        ("F0 02 02 00 00 05 01 00 00 C0 7F", "factor of nan"),
    ],
)
def test_a_broken_answer_is_refused(data: str, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        band().decode(packet(CONTROL, data))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "a frame of 0 bytes"),
        (TWO_SECONDS + "01", "a frame of 10 bytes"),
        ("00" + TWO_SECONDS[2:] + "01 00 00 00 00 00 00", "not acceleration"),
        (TWO_SECONDS + "01 00 00 00 00 00", "sample cut short"),
        (TWO_SECONDS + "07 00 00 00 00 00 00", "frame type 07"),
        (TWO_SECONDS + "81 00 00 00 00 00", "reference sample cut short"),
        (TWO_SECONDS + "81 00 00 00 00 00 00 06", "left over"),
        (TWO_SECONDS + "81 00 00 00 00 00 00 00 01", "differences of 0 bits"),
        (TWO_SECONDS + "81 00 00 00 00 00 00 11 01", "differences of 17 bits"),
        (TWO_SECONDS + "81 00 00 00 00 00 00 06 01 7B 0F", "longer than its frame"),
        (TWO_SECONDS + "81 FF 7F 00 00 00 00 08 01 01 00 00", "sample 1 leaves 16 bits"),
        (TWO_SECONDS + "02 00 00 7F 00 00 00 00 00 00", "sample 0 leaves 16 bits"),
    ],
)
def test_a_broken_frame_is_refused_by_name(data: str, why: str) -> None:
    with pytest.raises(MalformedPacket, match=why):
        block(band(), data)


def test_heart_rate_and_battery_come_over_the_same_connection() -> None:
    strap = band("h10")
    assert values(strap.decode(packet(HEART_RATE, "06 48")).readings) == [
        HeartRate(72, contact=True),
        Worn(worn=True),
    ]
    read = packet(BATTERY, "64", channel=Channel.READ)
    assert values(strap.decode(read).readings) == [Battery(100)]


def test_the_arm_bands_contact_bits_are_not_believed() -> None:
    said = values(band("verity").decode(packet(HEART_RATE, "04 48")).readings)
    assert said == [HeartRate(72, contact=None)]


# ------------------------------------------------------------------------------------- plans
def commands(options: dict[str, int | float | str | bool]) -> list[str]:
    assert DRIVER.plan is not None
    return [step.data.hex(" ").upper() for step in DRIVER.plan(options).setup if step.data]


def test_the_usual_stream_of_each_model_is_started_with_its_own_command() -> None:
    stop = "03 02"
    assert commands({"model": "verity"}) == [
        stop,
        "02 02 00 01 34 00 01 01 10 00 02 01 08 00 04 01 03",
    ]
    assert commands({"model": "360"}) == [
        stop,
        "02 02 00 01 32 00 01 01 10 00 02 01 08 00 04 01 03",
    ]
    assert commands({"model": "h10"}) == [stop, "02 02 00 01 32 00 01 01 10 00 02 01 08 00"]


def test_a_rate_that_needs_it_switches_sdk_mode_on_and_goes_without_heart_rate() -> None:
    options: dict[str, int | float | str | bool] = {"model": "verity", "rate_hz": 104}
    options["range_g"] = 16
    assert commands(options) == [
        "03 02",
        "02 09",
        "02 02 00 01 68 00 01 01 10 00 02 01 10 00 04 01 03",
    ]
    capabilities = DRIVER.capabilities(options)
    assert (capabilities.sample_rate_hz, capabilities.range_g) == (104.0, 16.0)
    assert "HeartRate" not in capabilities.provides


def test_answers_are_subscribed_before_a_write_and_the_stream_is_stopped_at_the_end() -> None:
    assert DRIVER.plan is not None
    plan = DRIVER.plan({"model": "h10"})
    assert [step.uuid for step in plan.setup[:2]] == [CONTROL, DATA]
    assert [step.data for step in plan.teardown] == [b"\x03\x02"]
    assert plan.min_mtu >= 232


@pytest.mark.parametrize(
    "options",
    [{"model": "h10", "rate_hz": 52}, {"model": "verity", "range_g": 3}, {"model": "h11"}],
)
def test_a_stream_the_model_does_not_have_is_a_mistake_of_the_configuration(
    options: dict[str, int | float | str | bool],
) -> None:
    with pytest.raises(ConfigurationError, match="Polar"):
        DRIVER.capabilities(options)


@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 80),
    jerk_mg=st.sampled_from([3, 40, 700, 6000]),
)
def test_what_the_virtual_band_writes_is_read_back(seed: int, count: int, jerk_mg: int) -> None:
    chance = np.random.default_rng(seed)
    acc_mg = chance.integers(-jerk_mg, jerk_mg, (count, 3)).astype(np.int16)
    for kind, payload in (
        (pmd_encoder.DELTA_16, pmd_encoder.delta_payload(acc_mg, 227)),
        (pmd_encoder.PLAIN_16, pmd_encoder.plain_payload(acc_mg)),
    ):
        frame = parse_frame(pmd_encoder.frame(5, kind, payload), None)
        assert (frame.stamp_ns, frame.kind) == (5, kind)
        assert np.array_equal(frame.acc_mg, acc_mg)

"""A band's stamps on the hub's time line."""

import numpy as np

from gateway.core.bandclock import BandClock

NS = 1_000_000  # in a millisecond
UNSET = 1_500_000_000_000 * NS  # a band's clock is years away from the hub's
DELTA = 0x81


def feed(clock: BandClock, hub_ms: int, band_ms: float, count: int = 50) -> list[int] | None:
    t_ms = clock.times(hub_ms, UNSET + round(band_ms * NS), DELTA, count)
    return None if t_ms is None else [int(one) for one in t_ms]


def test_the_first_frame_ends_when_it_was_heard_at_the_nominal_step() -> None:
    assert feed(BandClock(50), 10_000, 0, 5) == [9920, 9940, 9960, 9980, 10_000]


def test_the_step_comes_from_the_bands_own_stamps() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 0)
    assert feed(clock, 11_050, 1050, 50) == [10_000 + 21 * i for i in range(1, 51)]


def test_a_late_packet_does_not_make_its_samples_late() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 0)
    late = feed(clock, 11_700, 1000)
    assert late is not None
    assert late[-1] == 11_000


def test_a_lost_notification_stays_a_gap() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 0)
    after = feed(clock, 12_000, 2000)
    assert after == [11_020 + 20 * i for i in range(50)]


def test_times_never_run_back_when_the_first_packet_was_the_late_one() -> None:
    clock = BandClock(50)
    told: list[int] = []
    for second in range(20):
        hub_ms = 10_800 if second == 0 else 10_000 + 1000 * second
        told += feed(clock, hub_ms, 1000 * second) or []
    assert len(told) == 1000
    assert min(np.diff(told)) >= 19
    assert told[-1] == 29_000


def test_two_quartzes_that_part_are_followed() -> None:
    clock = BandClock(50)
    last = heard = 0
    for second in range(3600):
        heard = 10_000 + second * 1000 + second // 10  # the band is 100 ppm slow
        last = (feed(clock, heard, 1000 * second) or [0])[-1]
    assert 0 <= heard - last <= 60


def test_one_frame_from_the_past_is_refused_and_the_stream_goes_on() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 0)
    feed(clock, 11_000, 1000)
    assert feed(clock, 11_500, 500) is None
    assert feed(clock, 12_000, 2000) == [11_020 + 20 * i for i in range(50)]


def test_a_clock_that_was_set_back_goes_on_from_there() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 0)
    assert feed(clock, 11_000, -3_600_000) is None
    resumed = feed(clock, 12_000, -3_599_000)
    assert resumed is not None
    assert resumed[-1] == 12_000


def test_a_clock_that_was_set_forward_goes_on_at_once() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 0)
    assert (feed(clock, 11_000, 3_600_000) or [0])[-1] == 11_000


def test_a_new_stream_forgets_the_stamps_before_it() -> None:
    clock = BandClock(50)
    feed(clock, 10_000, 5_000_000)
    clock.new_stream()
    assert (feed(clock, 20_000, 0) or [0])[-1] == 20_000

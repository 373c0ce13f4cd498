"""Each fast kernel against its slow twin, on wear that was never near a body."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.detectors import fall_kernels, fall_watch, kernels
from gateway.core.detectors.fall_score import (
    HOPELESS,
    contributions,
    load_model,
    new_room,
    probability,
    quick_score,
    restless,
    score_features,
)
from gateway.core.model import Int16Array, Int64Array
from gateway.virtual.wear import fall, quiet, times, walking
from tests.detectors import naive_fall

pytestmark = pytest.mark.timeout(300)  # the first call of a kernel compiles it


def filled(t: Int64Array, acc: Int16Array) -> tuple[Int64Array, list[tuple[int, int]]]:
    """Return the memory after a whole stream, and (peak, index of the due sample)."""
    memory = kernels.new_memory()
    found = []
    i = 0
    while code := kernels.scan(t, acc, memory, i):
        i = code // 4
        while kernels.earliest(memory) + kernels.DELAY_MS <= memory[kernels.LAST_T]:
            found.append((kernels.take(memory), i - 1))
    return memory, found


def rough_wear(seed: int, n: int = 600) -> Int16Array:
    rng = np.random.default_rng(seed)
    acc = rng.normal(0, 500, (n, 3)) + np.array([0, 0, 1000])
    acc[rng.integers(0, n, 8)] *= rng.uniform(1, 5, (8, 1))
    return np.asarray(acc, np.float64).astype(np.int16)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 40, 80]))
def test_the_trigger_finds_the_peaks_that_its_twin_finds(seed: int, step_ms: int) -> None:
    acc = rough_wear(seed)
    t = np.arange(600, dtype=np.int64) * step_ms + 5_000_000
    assert filled(t, acc)[1] == naive_fall.candidates(t.tolist(), acc)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([20, 40, 80]), st.floats(0.01, 0.3))
def test_gaps_and_peaks_are_found_as_the_twin_finds_them(
    seed: int, step_ms: int, lost: float
) -> None:
    rng = np.random.default_rng(seed)
    keep = np.repeat(rng.random(120) > lost, 5)
    acc = np.ascontiguousarray(rough_wear(seed)[keep])
    t = (np.arange(600, dtype=np.int64) * step_ms + 5_000_000)[keep]
    assert filled(t, acc)[1] == naive_fall.candidates(t.tolist(), acc)


def test_a_gap_is_looked_at_and_a_band_out_of_reach_is_not() -> None:
    def candidates(gap_ms: int) -> list[int]:
        t = np.arange(400, dtype=np.int64) * 20 + 1_000_000
        t[200:] += gap_ms - 20
        return [peak for peak, _ in filled(t, quiet(8))[1]]

    assert candidates(280) == []
    assert candidates(600) == [1_000_000 + 199 * 20 + 300]
    assert candidates(2600) == []


@pytest.mark.parametrize("rate_hz", [12.5, 25.0, 40.0, 52.0, 119.0])
@pytest.mark.parametrize("lost", [False, True])
def test_the_grid_is_the_one_that_its_twin_lays(rate_hz: float, lost: bool) -> None:  # noqa: FBT001
    acc = rough_wear(7, int(8 * rate_hz))
    t = times(len(acc), rate_hz)
    keep = np.ones(len(t), bool)
    if lost:
        keep[int(4 * rate_hz) : int(4.6 * rate_hz)] = False
    memory, _ = filled(t[keep].copy(), acc[keep].copy())
    begin = int(t[0]) + 2600
    grid, valid = np.zeros((250, 3)), np.zeros(250, np.bool_)
    kernels.resample(memory, begin, grid, valid)
    slow, slow_valid = naive_fall.resample(
        t[keep].astype(float), acc[keep].astype(float) / 1000, begin, 250
    )
    np.testing.assert_allclose(grid, slow, rtol=0, atol=1e-9)
    assert valid.tolist() == slow_valid
    assert all(slow_valid) is not lost


def test_what_is_above_the_grids_limit_does_not_fold_down() -> None:
    t = times(1190, 119.0)
    acc = np.zeros((1190, 3))
    acc[:, 2] = 1000 + 1000 * np.sin(2 * np.pi * 45 * np.arange(1190) / 119)  # 45 Hz buzz
    memory, _ = filled(t, acc.astype(np.int16))
    grid, valid = np.zeros((250, 3)), np.zeros(250, np.bool_)
    kernels.resample(memory, int(t[0]) + 3000, grid, valid)
    assert abs(grid[:, 2] - 1).max() < 0.25  # of 1.0 without the triangle


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_features_are_those_of_the_twin(seed: int, lost: bool) -> None:  # noqa: FBT001
    rng = np.random.default_rng(seed)
    grid = rng.normal(0, 0.4, (250, 3)) + np.array([0.0, 0.0, 1.0])
    grid[120:131] *= rng.uniform(1, 4)
    valid = rng.random(250) > (0.1 if lost else 0.0)
    room = new_room()
    n = fall_kernels.describe(grid, valid, room.scratch, room.means, room.features)
    assert n == fall_kernels.FEATURES
    by_name = dict(zip(fall_kernels.feature_names(), room.features, strict=True))
    for name, value in naive_fall.some_features(grid, valid).items():
        assert by_name[name] == pytest.approx(value, rel=1e-4, abs=1e-5), name
    unseen = [(~valid[100:150]).mean(), (~valid).mean()]
    slow = np.concatenate([naive_fall.profiles(grid), unseen])
    np.testing.assert_allclose(room.features[-len(slow) :], slow, rtol=1e-4, atol=1e-5)


def test_a_window_without_any_sample_gives_finite_features() -> None:
    room = new_room()
    fall_kernels.describe(
        np.zeros((250, 3)), np.zeros(250, np.bool_), room.scratch, room.means, room.features
    )
    assert np.isfinite(room.features).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_score_is_that_of_the_twin(seed: int) -> None:
    model = load_model()
    rng = np.random.default_rng(seed)
    x = (model.middle * rng.uniform(0, 3, fall_kernels.FEATURES)).astype(np.float32)
    slow = naive_fall.score(x, model.forest, model.nets)
    assert score_features(x, model.forest, model.nets) == pytest.approx(slow, abs=1e-6)


def test_stopping_early_leaves_every_score_that_could_matter_as_it_is() -> None:
    model = load_model()
    rng = np.random.default_rng(8)
    stopped = 0
    for _ in range(300):
        x = (model.middle * rng.uniform(0, 3, fall_kernels.FEATURES)).astype(np.float32)
        quick = quick_score(x, model.forest, model.nets)
        whole = score_features(x, model.forest, model.nets)
        if quick <= HOPELESS:
            stopped += 1
            assert whole < min(model.thresholds.values())
        else:
            assert quick == whole
    assert 0 < stopped < 300


def test_only_hard_movement_in_both_last_half_seconds_is_hopeless() -> None:
    rng = np.random.default_rng(3)
    grid = np.zeros((250, 3))
    grid[:, 2] = 1.0
    valid = np.ones(250, np.bool_)
    assert not restless(grid, valid)
    grid[200:225, 2] += rng.normal(0, 0.8, 25)
    assert not restless(grid, valid)
    grid[225:, 2] += rng.normal(0, 0.8, 25)
    assert restless(grid, valid)
    valid[225:] = False  # what was not measured does not speak against a fall
    assert not restless(grid, valid)


def test_probability_rises_with_the_score_and_stays_one() -> None:
    model = load_model()
    likely = [probability(model, s) for s in (-1000.0, -5.0, 0.0, 5.0, 1000.0)]
    assert likely == sorted(likely)
    assert 0.0 <= likely[0] < 0.01
    assert 0.99 < likely[-1] <= 1.0


def test_contributions_name_every_feature_largest_first() -> None:
    model = load_model()
    x = model.middle.copy()
    x[:100] *= 2
    rows = contributions(model, x)
    assert {name for name, _, _ in rows} == set(fall_kernels.feature_names())
    sizes = [abs(effect) for _, _, effect in rows]
    assert sizes == sorted(sizes, reverse=True)


def seen_of(acc: Int16Array, rate_hz: float) -> np.ndarray:
    memory, _ = filled(times(len(acc), rate_hz), acc)
    grid, valid = np.zeros((200, 3)), np.zeros(200, np.bool_)
    out = np.zeros(fall_watch.OUT)
    fall_watch.look(memory, grid, valid, out)
    return out


@pytest.mark.parametrize("rate_hz", [25.0, 52.0])
def test_a_look_tells_walking_from_lying(rate_hz: float) -> None:
    on_foot, lying = seen_of(walking(6, rate_hz), rate_hz), seen_of(quiet(6, rate_hz), rate_hz)
    assert on_foot[2] >= fall_watch.WALK_STD
    assert on_foot[3] >= fall_watch.WALK_RHYTHM
    assert on_foot[4] == pytest.approx(1 / 1.8, abs=0.05) or on_foot[4] == pytest.approx(
        1 / 0.9, abs=0.05
    )
    assert lying[1] < fall_watch.STILL_STD
    assert lying[0] == 1.0


def test_the_ring_forgets_what_is_older_than_its_length() -> None:
    acc = np.concatenate([fall(100.0, 1), quiet(30, 100.0)])
    memory, _ = filled(times(len(acc), 100.0), acc)
    assert kernels.oldest_since(memory, 0) == len(acc) - kernels.CAPACITY

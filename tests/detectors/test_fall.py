"""The fall detector: what it says of made-up wear, however the wear is cut, lost or sampled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.detectors.fall import FallDecision, FallDetector
from gateway.core.detectors.fall_score import HOPELESS, load_model
from gateway.core.model import Int16Array, Int64Array, Stage
from gateway.errors import ConfigurationError
from gateway.virtual.wear import fall, put_on_table, quiet, times, walking

pytestmark = pytest.mark.timeout(300)  # the first call of a kernel compiles it


def detector(rate_hz: float = 50.0, point: str = "balanced") -> FallDetector:
    return FallDetector("band", sample_rate_hz=rate_hz, range_g=8.0, operating_point=point)


def in_blocks(sizes: list[int], t: Int64Array, acc: Int16Array) -> list[FallDecision]:
    d, said, at, i = detector(), [], 0, 0
    while at < len(t):
        n = sizes[i % len(sizes)]
        said += d.feed_block(t[at : at + n].copy(), acc[at : at + n].copy())
        at, i = at + n, i + 1
    return said


def a_day_in_short(rate_hz: float = 50.0) -> tuple[Int64Array, Int16Array]:
    wear = (quiet(5, rate_hz), walking(8, rate_hz), fall(rate_hz, 4), walking(25, rate_hz),
            put_on_table(rate_hz), walking(4, rate_hz), fall(rate_hz, 35))  # fmt: skip
    acc = np.concatenate(wear)
    return times(len(acc), rate_hz), acc


def stages(said: list[FallDecision]) -> list[Stage]:
    return [d.stage for d in said]


@pytest.mark.parametrize("rate_hz", [12.5, 20.0, 25.0, 26.0, 50.0, 52.0, 100.0, 119.0])
def test_a_fall_is_suspected_within_three_seconds_of_the_impact_at_any_rate(rate_hz: float) -> None:
    acc = np.concatenate([walking(8, rate_hz), fall(rate_hz, 6)])
    (said,) = detector(rate_hz).feed_block(times(len(acc), rate_hz), acc)
    assert said.stage is Stage.SUSPECTED
    assert 2500 <= said.t_ms - said.onset_ms <= 3000
    assert said.reason.code == "fall.suspected"
    assert said.reason.values["impact_g"] == pytest.approx(4.7, abs=0.5)
    assert said.probability > 0.5


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 100.0])
def test_quiet_walking_and_a_knock_on_the_table_are_no_fall(rate_hz: float) -> None:
    acc = np.concatenate([quiet(5, rate_hz), walking(60, rate_hz), put_on_table(rate_hz)])
    d = detector(rate_hz)
    assert d.feed_block(times(len(acc), rate_hz), acc) == []
    assert d.candidates()  # the knock was looked at


def test_lying_still_after_a_fall_confirms_it_with_the_reason() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=40)])
    suspected, confirmed = detector().feed_block(times(len(acc)), acc)
    assert confirmed.stage is Stage.CONFIRMED
    assert confirmed.reason.code == "fall.still"
    assert confirmed.onset_ms == suspected.onset_ms
    assert 20_000 <= confirmed.t_ms - confirmed.onset_ms <= 30_000


def test_a_band_off_the_skin_does_not_confirm_early_by_lying_still() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=40)])
    t = times(len(acc))
    d = detector()
    impact = np.searchsorted(t, t[-1] - 36_000)
    said = d.feed_block(t[:impact], acc[:impact])
    d.on_skin(touching=False)
    suspected, confirmed = said + d.feed_block(t[impact:], acc[impact:])
    assert (confirmed.stage, confirmed.reason.code) == (Stage.CONFIRMED, "fall.off-skin")
    assert confirmed.t_ms - suspected.t_ms >= 30_000


def test_a_range_that_hides_the_impact_is_judged_more_strictly() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])

    def asked_of(range_g: float) -> float:
        d = FallDetector("band", sample_rate_hz=50.0, range_g=range_g)
        d.feed_block(times(len(acc)), np.clip(acc, -2000, 2000))
        return d.explain()[-1].threshold

    assert asked_of(2.0) > asked_of(4.0) == asked_of(8.0)


def test_a_slow_band_is_scored_so_that_one_threshold_serves_all() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])

    def score(stated_hz: float, range_g: float = 8.0) -> float:
        d = FallDetector("band", sample_rate_hz=stated_hz, range_g=range_g)
        (suspected,) = d.feed_block(times(len(acc)), acc)
        return suspected.score

    assert score(26.0) - score(50.0) == pytest.approx(load_model().slow_shift)
    assert score(26.0, range_g=2.0) == score(50.0)  # judged by its range already


def test_an_impact_that_was_lost_is_not_given_a_height() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    keep = abs(t - t[0] - 11_900) > 250
    eager = load_model()._replace(thresholds={"balanced": HOPELESS})
    d = FallDetector("band", sample_rate_hz=50.0, range_g=8.0, model=eager)
    said = d.feed_block(t[keep], np.ascontiguousarray(acc[keep]))
    by_onset = {s.onset_ms - int(t[0]): s.reason.code for s in said}
    assert by_onset[11_900] == "fall.suspected-unseen"


def test_walking_away_withdraws_it() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=4), walking(20)])
    said = detector().feed_block(times(len(acc)), acc)
    assert stages(said) == [Stage.SUSPECTED, Stage.WITHDRAWN]
    assert said[1].reason.code == "fall.walking"


def test_evidence_of_life_withdraws_an_open_suspicion_and_nothing_else() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    d = detector()
    assert d.evidence_of_life(int(t[0]), "button") == []
    d.feed_block(t, acc)
    (said,) = d.evidence_of_life(int(t[-1]), "two-rooms")
    assert (said.stage, said.reason.values["what"]) == (Stage.WITHDRAWN, "two-rooms")
    assert d.evidence_of_life(int(t[-1]) + 1, "button") == []


def test_a_band_that_falls_silent_after_the_impact_is_judged_and_confirmed_by_the_clock() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=0.6)])
    t = times(len(acc))
    d = detector()
    assert d.feed_block(t, acc) == []
    assert d.tick(int(t[-1]) + 3000) == []  # samples may still be on their way
    (suspected,) = d.tick(int(t[-1]) + 11_000)
    assert suspected.stage is Stage.SUSPECTED
    (confirmed,) = d.tick(suspected.t_ms + 40_000)
    assert (confirmed.stage, confirmed.reason.code) == (Stage.CONFIRMED, "fall.silent")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=12), st.sampled_from([25.0, 50.0, 104.0]))
def test_blocks_of_any_size_give_the_same_decisions(sizes: list[int], rate_hz: float) -> None:
    t, acc = a_day_in_short(rate_hz)
    whole = in_blocks([len(t)], t, acc)
    assert stages(whole) == [
        Stage.SUSPECTED,
        Stage.WITHDRAWN,
        Stage.SUSPECTED,
        Stage.CONFIRMED,
    ]
    assert in_blocks(sizes, t, acc) == whole


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_any_samples_at_any_times_in_any_blocks_give_the_same_decisions(
    seed: int, sizes: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    steps = rng.choice([-700, -20, 0, 1, 20, 20, 20, 40, 900, 5000], 1500)
    t = (1_000_000 + np.cumsum(steps)).astype(np.int64)
    acc = rng.integers(-32768, 32768, (1500, 3)).astype(np.int16)
    assert in_blocks(sizes, t, acc) == in_blocks([1500], t, acc)


def test_a_fall_seen_through_lost_packets_is_still_suspected() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    keep = np.ones(len(t), bool)
    keep[300:330] = keep[480:500] = keep[601:625] = keep[650:665] = False
    said = detector().feed_block(t[keep].copy(), acc[keep].copy())
    assert stages(said) == [Stage.SUSPECTED]


def test_a_gap_after_a_knock_is_not_taken_for_lying_still() -> None:
    rate = 50.0
    knock = np.concatenate([walking(6), put_on_table(rate)[100:205], quiet(1)])
    t = times(len(knock))
    t[-50:] += 20_000
    assert detector().feed_block(t, knock) == []


def test_turning_the_band_on_the_arm_changes_nothing() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    turned = np.ascontiguousarray(acc[:, [2, 0, 1]] * np.array([1, -1, -1], np.int16))
    (a,) = detector().feed_block(t, acc)
    (b,) = detector().feed_block(t, turned)
    assert a.score == pytest.approx(b.score, abs=1e-4)


def test_a_clock_that_jumps_back_begins_anew_instead_of_mixing_two_times() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    d = detector()
    d.feed_block(t + 10_000_000, acc[:, [1, 2, 0]].copy())
    (again,) = d.feed_block(t, acc)
    (fresh,) = detector().feed_block(t, acc)
    assert again == fresh


def test_a_suspicion_of_a_time_that_is_gone_is_not_confirmed_in_the_new_one() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    d = detector()
    assert stages(d.feed_block(t + 10_000_000, acc)) == [Stage.SUSPECTED]
    still = quiet(60)
    assert d.feed_block(times(len(still)), still) == []
    assert d.tick(100_000_000) == []


def test_operating_points_differ_only_in_their_threshold() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    t = times(len(acc))
    scores = []
    for point in ("quiet", "balanced", "sensitive"):
        d = detector(point=point)
        d.feed_block(t, acc)
        scores.append(d.candidates())
    assert scores[0] == scores[1] == scores[2]


def test_candidates_can_be_explained_with_what_decided_them() -> None:
    acc = np.concatenate([walking(8), fall(lying_s=6)])
    d = detector()
    (said,) = d.feed_block(times(len(acc)), acc)
    kept = d.explain()[-1]
    assert kept.decided_ms == said.t_ms
    assert kept.score == said.score > kept.threshold
    assert np.sqrt((kept.grid[125] ** 2).sum()) == pytest.approx(4.7, abs=0.5)


@pytest.mark.parametrize(("rate", "reach", "point"), [(0, 8, "balanced"), (50, 0, "balanced"),
                                                      (50, 8, "perfect")])  # fmt: skip
def test_a_band_that_cannot_be_is_refused(rate: float, reach: float, point: str) -> None:
    with pytest.raises(ConfigurationError):
        FallDetector("band", sample_rate_hz=rate, range_g=reach, operating_point=point)

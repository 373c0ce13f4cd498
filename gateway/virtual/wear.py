"""A wrist made by formula: quiet, walking, a fall, a band put on a table. No recording in it.

Each function returns int16 milli-g [n, 3] at `rate_hz`; join them with `np.concatenate` and give
them times with `times`. Shapes and heights follow what the literature says of a wrist: walking
swings |a| by some tenths of g twice a stride; a fall is one and a half steps of stumbling, 0.5 s of
lowered |a|, an impact of 3 to 6 g that rings for 0.3 s, and an arm that then lies another way
round.
"""

import numpy as np

from gateway.core.model import Int16Array, Int64Array


def times(n: int, rate_hz: float = 50.0, start_ms: int = 1_000_000) -> Int64Array:
    """Return even sample times."""
    return (start_ms + np.round(np.arange(n) * 1000.0 / rate_hz)).astype(np.int64)


def _mg(g: np.ndarray, rng: np.random.Generator, noise_g: float = 0.006) -> Int16Array:
    noisy = g + rng.normal(0.0, noise_g, g.shape)
    return np.clip(np.round(noisy * 1000), -8000, 8000).astype(np.int16)


def _steady(n: int, direction: tuple[float, float, float]) -> np.ndarray:
    unit = np.array(direction) / np.linalg.norm(direction)
    return np.repeat(unit[None, :], n, axis=0)


DOWN = (-0.9, 0.3, 0.3)  # the arm hangs
FLAT = (0.1, -0.3, 0.95)  # the arm lies


def quiet(
    seconds: float,
    rate_hz: float = 50.0,
    direction: tuple[float, float, float] = FLAT,
    seed: int = 1,
) -> Int16Array:
    """Return an arm at rest."""
    rng = np.random.default_rng(seed)
    return _mg(_steady(int(seconds * rate_hz), direction), rng)


def walking(seconds: float, rate_hz: float = 50.0, seed: int = 2) -> Int16Array:
    """Return an unhurried walk: 1.8 steps a second, the arm swinging at half of that."""
    rng = np.random.default_rng(seed)
    n = int(seconds * rate_hz)
    t = np.arange(n) / rate_hz
    g = _steady(n, DOWN)
    step, stride = 2 * np.pi * 1.8 * t, 2 * np.pi * 0.9 * t
    g[:, 0] += 0.22 * np.sin(step) + 0.08 * np.sin(2 * step)
    g[:, 1] += 0.25 * np.sin(stride)
    g[:, 2] += 0.12 * np.cos(step)
    return _mg(g, rng, 0.02)


def fall(rate_hz: float = 50.0, lying_s: float = 10.0, seed: int = 3) -> Int16Array:
    """Return a forward fall out of a walk, then lying: 3 s + 1.5 s + `lying_s`."""
    rng = np.random.default_rng(seed)
    before = walking(3.0, rate_hz, seed).astype(float) / 1000
    n = int(1.5 * rate_hz)
    t = np.arange(n) / rate_hz
    share = np.clip((t - 0.2) / 0.7, 0, 1)[:, None]
    g = _steady(n, DOWN) * (1 - share) + _steady(n, FLAT) * share
    g /= np.linalg.norm(g, axis=1)[:, None]
    g *= np.where((t > 0.3) & (t < 0.8), 1 - 0.6 * np.sin(np.pi * (t - 0.3) / 0.5), 1.0)[:, None]
    flail = np.where(t < 0.8, np.sin(np.pi * np.clip(t / 0.8, 0, 1)), 0.0)
    g[:, 1] += 0.5 * flail * np.sin(2 * np.pi * 2.2 * t)
    for at, height, wide in ((0.82, 3.6, 0.11), (1.0, 1.6, 0.12), (1.2, 0.7, 0.12)):
        pulse = np.where(abs(t - at) < wide / 2, np.cos(np.pi * (t - at) / wide), 0.0)
        g[:, 2] += height * pulse
        g[:, 0] -= 0.6 * height * pulse
        g[:, 1] += 0.3 * height * pulse * np.sign(t - at)
    m = int(lying_s * rate_hz)
    after = _steady(m, FLAT)
    settle = np.exp(-np.arange(m) / rate_hz / 0.4)
    after[:, 0] += 0.3 * settle * np.sin(2 * np.pi * 2.5 * np.arange(m) / rate_hz)
    after[:, 1] += 0.2 * settle * np.sin(2 * np.pi * 1.7 * np.arange(m) / rate_hz)
    return np.concatenate([_mg(before, rng), _mg(g, rng, 0.02), _mg(after, rng)])


def put_on_table(rate_hz: float = 50.0, seed: int = 4) -> Int16Array:
    """Return a band laid on a table with a knock: quiet, 2 g for 40 ms, quiet."""
    rng = np.random.default_rng(seed)
    g = np.concatenate([_steady(int(4 * rate_hz), FLAT), _steady(int(6 * rate_hz), FLAT)])
    at = int(4 * rate_hz)
    g[at : at + max(int(0.04 * rate_hz), 1), 2] += 1.1
    return _mg(g, rng, 0.003)

"""What the impact itself looks like to the fall classifier, and what comes right after it.

Its height and width, its neighbours, the drop before it, how still it is from 1 s after it, the
speed of the arm along the gravity it had before, and the spread of the movement in three blocks
(invariants of the covariance, energies of bands of |a|, the travel of the direction).
"""

import numpy as np
import numpy.typing as npt

from gateway.core.detectors.kernels import POINTS, PRE, BoolArray, Float64Array
from gateway.core.jit import kernel

FloatArray = npt.NDArray[np.floating]

BLOCKS = np.array([[-50, 50], [-125, -25], [50, 125]], np.int64)
BLOCK_NAMES = ("impact", "before", "after")
TRAVELS = np.array([[-50, 0], [0, 50], [50, 125]], np.int64)
PEAK_NAMES = (
    "peak", "peak_smooth5", "peak_smooth11", "peak_smooth25",
    "second_before", "second_before_at", "second_after", "second_after_at",
    "lowest", "lowest_at", "lowest_smooth", "free_06", "free_08", "free_sum", "push_sum",
    "over_14", "over_20", "over_30", "bumps_before", "bumps_at", "bumps_after", "width",
    "still_05", "still_10", "still_20", "calm_04", "calm_10", "longest_still",
    "restless_20", "restless_50", "restless_jerk",
    "drop_speed_least", "drop_speed_end", "swing_before", "swing_impact",
    "peak_over_before", "after_over_before", "jerk_max", "before_max", "after_max",
)  # fmt: skip


@kernel
def cosine(ax: float, ay: float, az: float, bx: float, by: float, bz: float) -> float:
    """Cosine of the angle between two vectors; 1 where one has no length."""
    squares = (ax * ax + ay * ay + az * az) * (bx * bx + by * by + bz * bz)
    if squares < 1e-12:  # noqa: PLR2004 - no direction
        return 1.0
    return float((ax * bx + ay * by + az * bz) / np.sqrt(squares))


@kernel
def bumps(r: Float64Array, low: int, high: int) -> int:
    """Count local maxima above 1.4 g."""
    n = 0
    for k in range(max(low, 1), min(high, len(r) - 1)):
        if r[k] > 1.4 and r[k] >= r[k - 1] and r[k] > r[k + 1]:  # noqa: PLR2004 - the trigger
            n += 1
    return n


@kernel
def width(r: Float64Array, half: float) -> int:
    """Return for how many points around the peak `r` stays above `half`."""
    n = 1
    k = PRE - 1
    while k > PRE - 25 and r[k] > half:
        n += 1
        k -= 1
    k = PRE + 1
    while k < PRE + 25 and r[k] > half:
        n += 1
        k += 1
    return n


@kernel
def peak_shape(  # noqa: C901 - one pass over one window, nothing nested
    s: Float64Array, out: FloatArray, at: int
) -> int:
    """Write what the impact itself looks like: its height, its neighbours, the drop before it."""
    r = s[0]
    peak = 0.0
    smooth = np.zeros(3)
    for k in range(PRE - 5, PRE + 6):
        peak = max(peak, r[k])
    for k in range(PRE - 10, PRE + 11):
        smooth[0] = max(smooth[0], s[4, k])
        smooth[1] = max(smooth[1], s[8, k])
        smooth[2] = max(smooth[2], s[9, k])
    second = np.zeros(4)
    for k in range(PRE - 75, PRE - 15):
        if r[k] > second[0]:
            second[0] = r[k]
            second[1] = (PRE - k) / 50.0
    for k in range(PRE + 16, PRE + 76):
        if r[k] > second[2]:
            second[2] = r[k]
            second[3] = (k - PRE) / 50.0
    lowest = lowest_smooth = 9.0
    lowest_at = 0
    free_06 = free_08 = 0
    free_sum = push_sum = 0.0
    for k in range(PRE - 50, PRE + 1):
        if r[k] < lowest:
            lowest = r[k]
            lowest_at = PRE - k
        lowest_smooth = min(lowest_smooth, s[4, k])
        free_06 += r[k] < 0.6  # noqa: PLR2004 - g, nearly falling
        free_08 += r[k] < 0.8  # noqa: PLR2004 - g, going down
        free_sum += max(1.0 - r[k], 0.0)
    over_14 = over_20 = over_30 = 0
    for k in range(PRE - 25, PRE + 26):
        push_sum += max(r[k] - 1.0, 0.0)
        over_14 += r[k] > 1.4  # noqa: PLR2004 - the trigger
        over_20 += r[k] > 2.0  # noqa: PLR2004
        over_30 += r[k] > 3.0  # noqa: PLR2004
    values = (
        peak, smooth[0], smooth[1], smooth[2], second[0], second[1], second[2], second[3],
        lowest, lowest_at / 50.0, lowest_smooth, free_06 / 50.0, free_08 / 50.0, free_sum / 50.0,
        push_sum / 50.0, over_14 / 50.0, over_20 / 50.0, over_30 / 50.0,
        bumps(r, 0, PRE - 25) * 1.0, bumps(r, PRE - 25, PRE + 25) * 1.0,
        bumps(r, PRE + 25, POINTS) * 1.0, width(r, 0.5 * (peak + 1.0)) / 50.0,
    )  # fmt: skip
    for value in values:
        out[at] = value
        at += 1
    return at


@kernel
def aftermath(valid: BoolArray, s: Float64Array, out: FloatArray, at: int) -> int:
    """Write how still it is from 1 s after the peak, and when it became so."""
    r = s[0]
    n = still_05 = still_10 = still_20 = calm_04 = calm_10 = run = longest = 0
    restless_20 = restless_50 = restless_jerk = 0
    for k in range(PRE + 25, POINTS):
        if not valid[k]:
            continue
        off = abs(r[k] - 1.0)
        if off > 0.2:  # noqa: PLR2004 - g
            restless_20 = k - PRE
        if off > 0.5:  # noqa: PLR2004 - g
            restless_50 = k - PRE
        if s[5, k] > 0.3:  # noqa: PLR2004 - g within 20 ms
            restless_jerk = k - PRE
        if k < PRE + 50:
            continue
        n += 1
        still_05 += off < 0.05  # noqa: PLR2004 - g
        still_10 += off < 0.1  # noqa: PLR2004 - g
        still_20 += off < 0.2  # noqa: PLR2004 - g
        calm_10 += s[5, k] < 0.1  # noqa: PLR2004 - g within 20 ms
        if s[5, k] < 0.04:  # noqa: PLR2004 - g within 20 ms
            calm_04 += 1
            run += 1
            longest = max(longest, run)
        else:
            run = 0
    n = max(n, 1)
    values = (
        still_05 / n, still_10 / n, still_20 / n, calm_04 / n, calm_10 / n, longest / 50.0,
        restless_20 / 50.0, restless_50 / 50.0, restless_jerk / 50.0,
    )  # fmt: skip
    for value in values:
        out[at] = value
        at += 1
    return at


@kernel
def speeds(grid: Float64Array, s: Float64Array, out: FloatArray, at: int) -> int:
    """Write the arm's change of speed along and across the gravity it had before (m/s)."""
    ux = uy = uz = 0.0
    for k in range(PRE - 125, PRE - 50):
        ux += grid[k, 0]
        uy += grid[k, 1]
        uz += grid[k, 2]
    ux /= 75.0
    uy /= 75.0
    uz /= 75.0
    length = max(np.sqrt(ux * ux + uy * uy + uz * uz), 0.1)
    speed = least = 0.0
    x = y = z = 0.0
    for k in range(PRE - 50, PRE - 3):
        speed += (grid[k, 0] * ux + grid[k, 1] * uy + grid[k, 2] * uz) / length - length
        least = min(least, speed)
        x += grid[k, 0] - ux
        y += grid[k, 1] - uy
        z += grid[k, 2] - uz
    step = 9.81 / 50.0
    out[at] = least * step
    out[at + 1] = speed * step
    out[at + 2] = np.sqrt(x * x + y * y + z * z) * step
    x = y = z = 0.0
    for k in range(PRE - 5, PRE + 16):
        x += grid[k, 0] - s[1, PRE - 6]
        y += grid[k, 1] - s[2, PRE - 6]
        z += grid[k, 2] - s[3, PRE - 6]
    out[at + 3] = np.sqrt(x * x + y * y + z * z) * step
    before = after = before_max = after_max = jerk = 0.0
    for k in range(PRE - 25):
        before += abs(s[0, k] - 1.0)
        before_max = max(before_max, s[0, k])
    for k in range(PRE + 50, POINTS):
        after += abs(s[0, k] - 1.0)
        after_max = max(after_max, s[0, k])
    for k in range(PRE - 10, PRE + 11):
        jerk = max(jerk, s[5, k])
    before = before / (PRE - 25) + 0.02
    after = after / (POINTS - PRE - 50) + 0.02
    out[at + 4] = (out[at - 31] - 1.0) / before  # the peak's own height, 31 places before
    out[at + 5] = after / before
    out[at + 6] = jerk
    out[at + 7] = before_max
    out[at + 8] = after_max
    return at + 9


@kernel
def spreads(grid: Float64Array, s: Float64Array, out: FloatArray, at: int) -> int:
    """Write covariance invariants and band energies of three blocks, and the direction's travel."""
    for b in range(len(BLOCKS)):
        low, high = PRE + BLOCKS[b, 0], min(PRE + BLOCKS[b, 1], POINTS)
        n = high - low
        mx = my = mz = 0.0
        for k in range(low, high):
            mx += grid[k, 0]
            my += grid[k, 1]
            mz += grid[k, 2]
        mx /= n
        my /= n
        mz /= n
        xx = yy = zz = xy = xz = yz = band3 = band9 = band25 = 0.0
        for k in range(low, high):
            x, y, z = grid[k, 0] - mx, grid[k, 1] - my, grid[k, 2] - mz
            xx += x * x
            yy += y * y
            zz += z * z
            xy += x * y
            xz += x * z
            yz += y * z
            band3 += (s[0, k] - s[7, k]) * (s[0, k] - s[7, k])
            band9 += (s[7, k] - s[8, k]) * (s[7, k] - s[8, k])
            band25 += (s[8, k] - s[9, k]) * (s[8, k] - s[9, k])
        trace = xx + yy + zz + 1e-6
        minors = xx * yy + yy * zz + xx * zz - xy * xy - xz * xz - yz * yz
        det = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
        out[at] = np.sqrt(trace / n)
        out[at + 1] = 3.0 * minors / (trace * trace)
        out[at + 2] = 27.0 * det / (trace * trace * trace)
        out[at + 3] = np.sqrt(band3 / n)
        out[at + 4] = np.sqrt(band9 / n)
        out[at + 5] = np.sqrt(band25 / n)
        at += 6
    for i in range(len(TRAVELS)):
        total = 0.0
        low, high = PRE + TRAVELS[i, 0], min(PRE + TRAVELS[i, 1], POINTS)
        for k in range(low, high - 5, 5):
            total += 1.0 - cosine(s[1, k], s[2, k], s[3, k], s[1, k + 5], s[2, k + 5], s[3, k + 5])
        out[at] = total
        at += 1
    return at

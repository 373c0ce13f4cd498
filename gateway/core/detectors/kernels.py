"""Streaming kernels of the fall detector: the ring of raw samples, the trigger, the even grid.

Everything a band's stream needs lives in one int64 array, the memory: a header and a ring of the
last CAPACITY samples as (t_ms, x, y, z). One array, because what a kernel call costs is mostly
unpacking its arguments: a band sends 5 to 60 samples a notification, and `scan` is the only call
that every notification pays.

    header  COUNT samples ever stored     LAST_T newest time         NEXT_T next time to look
            PENDING candidates waiting    GAP middle of a gap that waits (0: none)
            then SLOTS x (peak time, peak squared)

A candidate is a local maximum of |a| above TRIGGER_MG: a larger sample within NEAR_MS takes its
place, a later one opens a candidate of its own. It is due DELAY_MS after its peak, at the first
sample that is so late; nothing later is looked at, so the size of the blocks cannot matter. A gap
of GAP_MS to GAP_LONG_MS is a candidate too, for half of the falls that lost packets cost have
their whole impact inside one: what was before and after it must tell.

Times are trusted, rates are not. A step back (two clocks, a band that restarted) beyond
OVERLAP_MS forgets everything; a smaller one is the next millisecond. A gap stays a gap: `resample`
marks what was not measured.
"""

import numpy as np
import numpy.typing as npt

from gateway.core.jit import kernel
from gateway.core.model import Int16Array, Int64Array

Float64Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

COUNT, LAST_T, NEXT_T, PENDING, GAP = 0, 1, 2, 3, 4
SLOT0, SLOTS = 8, 8
RING = SLOT0 + 2 * SLOTS
CAPACITY = 2048  # 17 s at 120 Hz: the second stage looks back 4 s, a candidate 5 s
NEVER = 1 << 62

TRIGGER_MG = 1400  # sees 644 of the 645 falls of the open data; 1.8 g loses 14 soft ones
TRIGGER_2 = TRIGGER_MG * TRIGGER_MG
NEAR_MS = 1000
DELAY_MS = 2500  # later gains nothing measurable, 1 s loses 12 points of sensitivity
OVERLAP_MS = 500
GAP_MS = 300  # more than one notification of five lost at 25 Hz
GAP_LONG_MS = 2000  # a band that was out of reach: little of the window is left to judge by

GRID_MS = 20
PRE = 125  # grid points before the peak
POINTS = 250  # peak at index PRE, the last one 2.48 s after it
SMOOTH_MS = 25.0  # half width of the anti-alias triangle: one and a quarter grid steps

CANDIDATE_DUE, LOOK_DUE = 1, 2


def new_memory() -> Int64Array:
    """Return the state of a stream that has not begun."""
    memory = np.zeros(RING + 4 * CAPACITY, np.int64)
    memory[NEXT_T] = NEVER
    return memory


@kernel
def sooner(peak_t: int, gap_t: int) -> int:
    """Return the earlier of a peak and a gap's middle; 0 is no gap."""
    return peak_t if gap_t == 0 else min(peak_t, gap_t)


@kernel
def earliest(memory: Int64Array) -> int:
    """Return the time of the oldest candidate that waits, NEVER - DELAY_MS where none does."""
    return sooner(memory[SLOT0] if memory[PENDING] > 0 else NEVER - DELAY_MS, memory[GAP])


@kernel
def note_gap(memory: Int64Array, last_t: int, t: int) -> int:
    """Keep the middle of a gap as a candidate, if none waits; return the one that waits."""
    if t - last_t <= GAP_LONG_MS and memory[GAP] == 0:
        memory[GAP] = (t + last_t) // 2
    return memory[GAP] if memory[GAP] != 0 else NEVER - DELAY_MS


@kernel
def restart(memory: Int64Array, t: int) -> None:
    """Forget what waits; whoever waits for the old time is told at once."""
    memory[GAP] = 0
    if memory[NEXT_T] < NEVER:
        memory[NEXT_T] = t


@kernel
def scan(t_ms: Int64Array, acc_mg: Int16Array, memory: Int64Array, first: int) -> int:
    """Store samples from `first` on; stop where something is due.

    Returns 0 at the block's end, else 4 * (index of the sample + 1) + what is due.
    """
    count = memory[COUNT]
    last = memory[LAST_T]
    pending = memory[PENDING]
    due = earliest(memory) + DELAY_MS
    look = memory[NEXT_T]
    for i in range(first, len(t_ms)):
        t = t_ms[i]
        if t <= last and count > 0:
            if t < last - OVERLAP_MS:
                count = 0
                pending = 0
                due = NEVER
                restart(memory, t)
                look = memory[NEXT_T]
            else:
                t = last + 1
        elif t - last >= GAP_MS and count > 0:
            due = min(due, note_gap(memory, last, t) + DELAY_MS)
        last = t
        x = np.int64(acc_mg[i, 0])
        y = np.int64(acc_mg[i, 1])
        z = np.int64(acc_mg[i, 2])
        at = RING + 4 * (count % CAPACITY)
        memory[at] = t
        memory[at + 1] = x
        memory[at + 2] = y
        memory[at + 3] = z
        count += 1
        square = x * x + y * y + z * z
        if square > TRIGGER_2:
            newest = SLOT0 + 2 * (pending - 1)
            if pending > 0 and t - memory[newest] <= NEAR_MS:
                if square > memory[newest + 1]:
                    memory[newest] = t
                    memory[newest + 1] = square
                    due = sooner(memory[SLOT0], memory[GAP]) + DELAY_MS
            elif pending < SLOTS:
                memory[newest + 2] = t
                memory[newest + 3] = square
                pending += 1
                due = sooner(memory[SLOT0], memory[GAP]) + DELAY_MS
        if t >= due or t >= look:
            memory[COUNT] = count
            memory[LAST_T] = last
            memory[PENDING] = pending
            what = CANDIDATE_DUE if t >= due else 0
            return int(4 * (i + 1) + what + (LOOK_DUE if t >= look else 0))
    memory[COUNT] = count
    memory[LAST_T] = last
    memory[PENDING] = pending
    return 0


@kernel
def take(memory: Int64Array) -> int:
    """Remove the oldest candidate from the queue and return its peak's time."""
    peak_t = earliest(memory)
    if memory[GAP] != 0 and peak_t == memory[GAP]:
        memory[GAP] = 0
        return int(peak_t)
    pending = memory[PENDING] - 1
    for i in range(2 * pending):
        memory[SLOT0 + i] = memory[SLOT0 + 2 + i]
    memory[PENDING] = pending
    return int(peak_t)


@kernel
def oldest_since(memory: Int64Array, since_t: int) -> int:
    """Return the number (from the stream's start) of the first sample not before `since_t`."""
    count = memory[COUNT]
    i = count
    while i > 0 and count - i < CAPACITY and memory[RING + 4 * ((i - 1) % CAPACITY)] >= since_t:
        i -= 1
    return int(i)


@kernel
def spacing_ms(memory: Int64Array, first: int) -> float:
    """Return the mean spacing of the samples from `first` on, what was lost left out."""
    count = memory[COUNT]
    n = count - first - 1
    if n < 1:
        return float(GRID_MS)
    start = memory[RING + 4 * (first % CAPACITY)]
    rough = (memory[LAST_T] - start) / n
    total = 0.0
    used = 0
    before = start
    for i in range(first + 1, count):
        t = memory[RING + 4 * (i % CAPACITY)]
        if t - before <= 2.0 * rough:
            total += t - before
            used += 1
        before = t
    return total / used if used > 0 else rough


@kernel
def average(memory: Int64Array, low: int, at: float, half: float, out: Float64Array) -> None:
    """Average the samples from `low` on under a triangle around `at`."""
    weights = x = y = z = 0.0
    i = low
    while i < memory[COUNT]:
        s = RING + 4 * (i % CAPACITY)
        w = 1.0 - abs(memory[s] - at) / half
        if w > 0.0:
            weights += w
            x += w * memory[s + 1]
            y += w * memory[s + 2]
            z += w * memory[s + 3]
        elif memory[s] > at:
            break
        i += 1
    out[0] = x / weights / 1000.0
    out[1] = y / weights / 1000.0
    out[2] = z / weights / 1000.0


@kernel
def resample(memory: Int64Array, begin: int, grid: Float64Array, valid: BoolArray) -> float:
    """Lay the stream from `begin` on upon the even grid, in g; return the spacing it came with.

    Faster streams are averaged under a triangle of SMOOTH_MS (nothing above the grid's own limit
    folds down); slower ones are interpolated. `valid` is False where no sample is near.
    """
    points = len(grid)
    first = oldest_since(memory, begin - 300)
    count = memory[COUNT]
    step = spacing_ms(memory, first)
    half = max(SMOOTH_MS, step)
    far = max(3.0 * step, 100.0)
    right = first  # first sample after the grid point
    low = first  # first sample inside the triangle
    for k in range(points):
        at = begin + k * GRID_MS
        while right < count and memory[RING + 4 * (right % CAPACITY)] <= at:
            right += 1
        if right in (first, count):
            edge = RING + 4 * ((right if right == first else right - 1) % CAPACITY)
            for axis in range(3):
                grid[k, axis] = memory[edge + 1 + axis] / 1000.0
            valid[k] = abs(memory[edge] - at) <= step
            continue
        a = RING + 4 * ((right - 1) % CAPACITY)
        b = RING + 4 * (right % CAPACITY)
        wide = memory[b] - memory[a]
        valid[k] = wide <= far
        if wide >= half:
            share = (at - memory[a]) / wide
            for axis in range(3):
                grid[k, axis] = (
                    memory[a + 1 + axis] + share * (memory[b + 1 + axis] - memory[a + 1 + axis])
                ) / 1000.0
            continue
        while memory[RING + 4 * (low % CAPACITY)] <= at - half:
            low += 1
        average(memory, low, at, half, grid[k])
    return float(step)

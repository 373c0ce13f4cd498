"""Recorded acceleration: packs of trials, and the CSV a technician exports from a logger.

    pack   .npz: acc_mg int16 [N, 3], t_ms [N], start, length, subject, activity, is_fall [K]
    CSV    t_ms,x_mg,y_mg,z_mg a line; a header line, blanks, `;` or tabs are taken as they come

Whatever the times are, the band has a rate of its own: samples are put on its even grid by straight
lines between them. Before and after a trial the arm rests where it was first and last, so that the
detector has a past to look at and a suspicion has the time to end.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from gateway.core.model import Int16Array, Int64Array
from gateway.errors import ConfigurationError

BEFORE_S, AFTER_S = 5.0, 45.0
REST_MG = 5.0
NEEDED = ("acc_mg", "t_ms", "start", "length", "subject", "activity", "is_fall")
AXES = 3
INT16 = 32_767
MOST_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One recording; `labelled` is what its authors say it is, or empty."""

    name: str
    t_ms: Int64Array
    acc_mg: Int16Array
    labelled: str = ""

    def __post_init__(self) -> None:
        if len(self.t_ms) < 2 or self.acc_mg.shape != (len(self.t_ms), AXES):  # noqa: PLR2004
            raise ConfigurationError(f"{self.name}: {len(self.t_ms)} samples are no recording")
        if bool((np.diff(self.t_ms) <= 0).any()):
            at = int(np.argmax(np.diff(self.t_ms) <= 0)) + 1
            raise ConfigurationError(f"{self.name}: time does not go on at sample {at}")
        if self.seconds > MOST_S:
            raise ConfigurationError(f"{self.name}: {self.seconds:.0f} s; at most a day: split it")

    @property
    def seconds(self) -> float:
        """Return how long it lasts."""
        return float(self.t_ms[-1] - self.t_ms[0]) / 1000

    def at_rate(self, rate_hz: float) -> Int16Array:
        """Return its samples on an even grid."""
        step_ms = 1000.0 / rate_hz
        count = int((self.t_ms[-1] - self.t_ms[0]) / step_ms + 1e-9) + 1
        wanted = self.t_ms[0] + np.arange(count) * step_ms
        columns = [np.interp(wanted, self.t_ms, self.acc_mg[:, axis]) for axis in range(AXES)]
        even: Int16Array = np.rint(np.stack(columns, axis=1)).astype(np.int16)
        return even

    def worn(
        self, rate_hz: float, before_s: float = BEFORE_S, after_s: float = AFTER_S
    ) -> Int16Array:
        """Return it at a rate, with rest before and after; the same each time."""
        acc_mg = self.at_rate(rate_hz)
        random = np.random.default_rng(len(acc_mg))

        def rest(sample: Int16Array, seconds: float) -> Int16Array:
            noise = random.uniform(-REST_MG, REST_MG, (round(seconds * rate_hz), AXES))
            still: Int16Array = np.clip(np.rint(sample + noise), -INT16, INT16).astype(np.int16)
            return still

        return np.concatenate([rest(acc_mg[0], before_s), acc_mg, rest(acc_mg[-1], after_s)])


# ------------------------------------------------------------------------------------- packs
def read_pack(
    path: Path,
    *,
    numbers: Iterable[int] = (),
    subjects: Iterable[str] = (),
    limit: int | None = None,
) -> list[Trial]:
    """Return a pack's trials: those named, of those people, at most so many; in its order."""
    arrays = _arrays(path)
    count = len(arrays["start"])
    wanted, people = list(numbers), frozenset(subjects)
    for number in wanted:
        if not 0 <= number < count:
            raise ConfigurationError(f"{path}: no trial {number}; there are 0 to {count - 1}")
    known = {str(one) for one in arrays["subject"]}
    if people - known:
        raise ConfigurationError(
            f"{path}: no subject {', '.join(sorted(people - known))}; there are:"
            f" {', '.join(sorted(known))}"
        )
    chosen = [
        k for k in wanted or range(count) if not people or str(arrays["subject"][k]) in people
    ]
    return [_trial(path, arrays, k) for k in chosen[:limit]]


def _arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as pack:
            missing = [name for name in NEEDED if name not in pack.files]
            if missing:
                raise ConfigurationError(f"{path}: no pack of trials: {', '.join(missing)} missing")
            arrays = {name: pack[name] for name in NEEDED}
    except (OSError, ValueError, EOFError, BadZipFile, AttributeError) as wrong:
        raise ConfigurationError(f"{path}: cannot be read as a pack of trials: {wrong}") from None
    rows = len(arrays["t_ms"])
    if arrays["acc_mg"].shape != (rows, AXES):
        raise ConfigurationError(f"{path}: {rows} times, acc_mg {arrays['acc_mg'].shape}")
    if len({len(arrays[name]) for name in NEEDED[2:]}) != 1:
        raise ConfigurationError(f"{path}: {', '.join(NEEDED[2:])} are not equally long")
    first, length = (arrays[name].astype(np.int64) for name in ("start", "length"))
    if len(first) and (first.min() < 0 or length.min() < 0 or int((first + length).max()) > rows):
        raise ConfigurationError(f"{path}: start and length point outside the samples")
    return arrays


def _trial(path: Path, arrays: dict[str, np.ndarray], k: int) -> Trial:
    first = int(arrays["start"][k])
    rows = slice(first, first + int(arrays["length"][k]))
    label = "fall" if arrays["is_fall"][k] else "no fall"
    return Trial(
        name=f"{path.stem} {k} ({arrays['activity'][k]}, {arrays['subject'][k]})",
        t_ms=arrays["t_ms"][rows].astype(np.int64),
        acc_mg=arrays["acc_mg"][rows].astype(np.int16),
        labelled=label,
    )


# --------------------------------------------------------------------------------------- CSV
def read_csv(path: Path, rate_hz: float | None = None) -> Trial:
    """Return a CSV's recording; an error names file and line.

    rate_hz: the logger's true rate, where its times are only when lines were written; the samples
    are then taken as evenly spaced. None: the times are trusted.
    """
    if rate_hz is not None and not 1.0 <= rate_hz <= 1000.0:  # noqa: PLR2004 - no accelerometer's
        raise ConfigurationError(f"a rate of {rate_hz:g} Hz: 1 to 1000 is possible")
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as wrong:
        raise ConfigurationError(f"{path}: {wrong}") from None
    rows = list(_rows(path, text))
    if len(rows) < 2:  # noqa: PLR2004
        raise ConfigurationError(f"{path}: {len(rows)} lines of samples; a recording needs more")
    table = np.array(rows)
    t_ms = table[:, 0] - table[0, 0]
    if rate_hz is not None:
        t_ms = np.arange(len(table)) * (1000.0 / rate_hz)
    return Trial(path.name, np.rint(t_ms).astype(np.int64), np.rint(table[:, 1:]).astype(np.int16))


def _rows(path: Path, text: str) -> Iterator[tuple[float, float, float, float]]:
    before: float | None = None
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip() for cell in line.replace(";", ",").replace("\t", ",").split(",")]
        if not any(cells) or line.lstrip().startswith("#"):
            continue
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            if before is None and any(cell[:1].isalpha() for cell in cells):
                continue  # a header
            raise _wrong(path, number, line, "t_ms,x_mg,y_mg,z_mg are four numbers") from None
        if len(values) != 1 + AXES:
            raise _wrong(path, number, line, f"{len(values)} columns, not t_ms,x_mg,y_mg,z_mg")
        t, *axes = values
        if not all(abs(value) <= INT16 for value in axes) or not abs(t) < 1e15:  # noqa: PLR2004
            raise _wrong(path, number, line, f"outside ±{INT16} mg: is it in thousandths of g?")
        if before is not None and t < before:
            raise _wrong(path, number, line, f"time runs backwards, {before:g} before it")
        if before is not None and t == before:
            raise _wrong(path, number, line, f"two samples at {t:g} ms")
        before = t
        yield t, axes[0], axes[1], axes[2]


def _wrong(path: Path, number: int, line: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{path}:{number}: {why}: {line.strip()[:60]!r}")

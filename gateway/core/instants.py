"""Arithmetic on instants of different boots, where it can be done at all."""

from dataclasses import replace

from gateway.core.model import At


def elapsed_ms(since: At, until: At) -> int | None:
    """Return the milliseconds between two instants, or None when nobody can know.

    Within one boot the monotonic clock tells. Across boots only two proven wall times do: a
    Raspberry Pi has no clock of its own, so an unproven one says nothing of the time it was off.
    """
    if since.boot == until.boot:
        return until.mono_ms - since.mono_ms
    if since.proven and until.proven:
        return until.wall_ms - since.wall_ms
    return None


def reached(due: At, now: At) -> bool:
    """Return whether `due` has come. Unknown counts as come: an alarm must not wait for a clock."""
    left = elapsed_ms(now, due)
    return left is None or left <= 0


def repaired(at: At, proof: At) -> At:
    """Return `at` with its wall time put right by a proven instant of the same boot.

    What the wall showed is not asked: NTP may have set it a moment before it was known to be right,
    and twice. The time since boot cannot jump.
    """
    if at.proven or at.boot != proof.boot:
        return at
    return replace(at, wall_ms=proof.wall_ms - proof.mono_ms + at.mono_ms, proven=True)

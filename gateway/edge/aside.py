"""A broken database is not thrown away: it is set aside under a date, and a few are kept."""

from datetime import UTC, datetime
from pathlib import Path

KEPT_ASIDE = 3
"""How many set-aside databases are kept for whoever wants to look into them."""

_LOGS = ("-wal", "-shm")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def set_aside(path: Path, epoch: str) -> str:
    """Move a database and its log to a dated name; return it ("" when there was nothing).

    epoch: the ULID of the database that takes its place; it carries the date and makes the name
    its own.
    """
    stem = f"{path.name}.set-aside-{date_of(epoch)}-{epoch[-4:]}"
    kept = ""
    for suffix in ("", *_LOGS):
        old = path.with_name(path.name + suffix)
        if old.exists():
            old.rename(path.with_name(stem + suffix))
            kept = kept or stem + suffix
    _prune(path)
    return kept


def _prune(path: Path) -> None:
    stems: dict[str, list[Path]] = {}
    for found in sorted(path.parent.glob(f"{path.name}.set-aside-*")):
        stem = found.name
        for suffix in _LOGS:
            stem = stem.removesuffix(suffix)
        stems.setdefault(stem, []).append(found)
    for stem in sorted(stems)[:-KEPT_ASIDE]:
        for found in stems[stem]:
            found.unlink()


def date_of(ulid: str) -> str:
    """Return the date that a ULID carries: nobody asks for the time here."""
    ms = 0
    for letter in ulid[:10]:
        ms = ms * 32 + max(0, _CROCKFORD.find(letter))
    return datetime.fromtimestamp(ms % 2**47 / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")

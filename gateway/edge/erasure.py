"""The end of a hub's service: everything about the home goes off its card.

What a stolen card gives away is what stands here: the alarms not yet stored, 72 hours of readings,
the learnt rhythm, the bind keys, the bonds of its bands, the hub's own key to its broker. No name
and no address of the resident is ever on it. The journal, which is not ours to delete, tells of
alarms and when they were: whoever erases is told so.

Files are overwritten before they are deleted. A flash card may keep old copies where no file system
reaches (wear levelling): for more than goodwill the card is destroyed, or discarded as a whole.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.edge.alone import alone
from gateway.edge.database import NAME
from gateway.edge.handover import BLUETOOTH, MOVED, bonds, secret_files
from gateway.errors import HubError
from gateway.secret import CREDENTIAL
from gateway.settings import Settings

CHUNK = 1 << 20


class UnsentAlarms(HubError):  # noqa: N818 - named after what it is
    """The centre does not have everything yet: erasing would lose it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What has gone, and what could not go."""

    files: tuple[Path, ...]
    left: tuple[str, ...]


def unsent(directory: Path) -> int:
    """Return how many alarm messages the centre has not stored."""
    path = directory / NAME
    if not path.exists() or (directory / MOVED).exists():
        return 0
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(path)) as db:
        (count,) = db.execute("SELECT count(*) FROM outbox WHERE stream = 'alarm'").fetchone()
        return int(count)
    return 0  # what cannot be read cannot be sent either


def erase(
    settings: Settings, config: Path, *, even_unsent: bool = False, bluetooth: Path = BLUETOOTH
) -> Erased:
    """Overwrite and delete the store, BlueZ's bonds, what the settings name, and the settings."""
    directory = settings.store.directory
    with alone(directory):
        waiting = unsent(directory)
        if waiting and not even_unsent:
            raise UnsentAlarms(
                f"{waiting} alarm messages have not reached the centre: start the hub and let it "
                "send them, or say --even-unsent / 관제센터에 전달되지 않은 경보가 있습니다"
            )
        gone, left = [], []
        for path in _all(settings, config, bluetooth):
            if str(path).startswith(CREDENTIAL):
                left.append(str(path))
                continue
            try:
                _wipe(path)
            except OSError as error:
                left.append(f"{path}: {error.strerror}")
            else:
                gone.append(path)
        with contextlib.suppress(OSError):
            directory.rmdir()
    return Erased(tuple(gone), tuple(left))


def _all(settings: Settings, config: Path, bluetooth: Path) -> Iterator[Path]:
    """Yield the store's files first: they say most. A broker's CA is public and stays."""
    directory = settings.store.directory
    if directory.is_dir():
        yield from sorted(path for path in directory.rglob("*") if path.is_file())
    yield from bonds(settings, bluetooth)
    public = {broker.ca_file for broker in settings.uplink.brokers}
    yield from (p for p in secret_files(settings) if p not in public)
    yield config


def _wipe(path: Path) -> None:
    with path.open("r+b", buffering=0) as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0:
            left -= file.write(bytes(min(left, CHUNK))) or left
        os.fsync(file.fileno())
    path.unlink()

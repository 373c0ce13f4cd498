"""Small facts about SQLite and its file."""

import contextlib
import os
import sqlite3
from pathlib import Path


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection whose transactions are ours to begin and end."""
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=1.0)


def is_code(error: BaseException | None, code: int) -> bool:
    """Whether `error` has this primary result code (its extended codes included)."""
    have = getattr(error, "sqlite_errorcode", None)
    return have is not None and have & 0xFF == code


def inode(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class Ballast:
    """Room held back on the disk, to be thrown off when it is full.

    A database in WAL mode needs room even to delete: pages go to the log first, and the log can be
    used again only after the file has grown to take its pages. Without ballast a full disk stays
    full (seen on a 6 MB file system: 0 of 300 alarms durable, also after rows were deleted).
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._size = path, size

    @property
    def held(self) -> bool:
        """Whether the room is held back."""
        return self._path.exists()

    def hold(self) -> None:
        """Take the room, without writing to it; or none, when there is too little."""
        try:
            if self._path.exists() and self._path.stat().st_size == self._size:
                return
            descriptor = os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self.drop()

    def drop(self) -> None:
        """Give the room to whoever needs it now."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

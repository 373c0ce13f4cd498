"""The database file: opened, checked, set aside when it is broken, opened again when it returns.

Everything here runs in the writer's thread, which alone touches the connection.

    open ──► usable ◄────────── transact, read
      │         │ corrupt, not a database, of another schema, or its file is gone
      │         ▼
      │      set aside under the new epoch's date, a new one made ──► Replaced (the store writes
      │                                                               what it still knows into it)
      └──► unusable: every later request tries to open again

Why `undo`: a commit that fails may yet be found in the log when the file is next opened, and one
that took too long may succeed. Its messages went out from memory meanwhile, so the next
transaction first takes back what the doubtful one wrote.
"""

import contextlib
import os
import sqlite3
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from gateway.edge import retention, tables
from gateway.edge.aside import set_aside
from gateway.edge.batch import Written
from gateway.edge.files import Ballast, connect, inode, is_code
from gateway.edge.records import Found, FoundState
from gateway.errors import StoreError

T = TypeVar("T")

VERSION = 1
NAME = "hub.db"
BALLAST = "hub.ballast"
LOG_PAGES = 256
"""How long the log grows before it is folded into the file: 1 MB."""

BALLAST_PAGES = 4 * LOG_PAGES
"""When the file can no longer grow, folding fails and the log grows on into what room is left: the
ballast must take more than one log."""

_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Replaced(StoreError):  # noqa: N818 - named after what it is
    """The database was lost while running; a new one with a new epoch is in its place."""


class Abandoned(StoreError):  # noqa: N818 - named after what it is
    """Nobody waits for this commit any more; it was rolled back."""


class _Broken(Exception):  # noqa: N818 - never leaves this module
    """The file is not a database that we can go on with."""


class Disk:
    """One database file and the connection to it.

    in_memory: why a restart of the machine loses what is written there; "" where it does not.
    """

    def __init__(
        self,
        directory: Path,
        *,
        boot: str,
        new_epoch: Callable[[], str],
        connect: Callable[[Path], sqlite3.Connection] = connect,
        in_memory: str = "",
    ) -> None:
        self.path = directory / NAME
        self._in_memory = in_memory
        self._boot, self._new_epoch, self._connect = boot, new_epoch, connect
        self._ballast = Ballast(directory / BALLAST, BALLAST_PAGES * 4096)
        self._db: Database | None = None
        self._inode: tuple[int, int] | None = None
        self._debts: list[Callable[[Database], None]] = []
        self.epoch = ""
        self.boot_number = 0
        self.found = Found(FoundState.UNUSABLE, "not opened yet")

    def open(self) -> Found:
        """Open what is there, or make a new one; UNUSABLE instead of an exception."""
        try:
            self._open()
            self._ballast.hold()
        except (sqlite3.Error, OSError, StoreError) as error:
            self._shut()
            self.found = Found(FoundState.UNUSABLE, f"{self.path}: {error}")
        return self.found

    @property
    def tight(self) -> bool:
        """Whether the ballast was thrown off: the next full disk would be final."""
        return self._db is not None and not self._ballast.held

    def regain(self) -> bool:
        """Do one small piece of getting the ballast back; return whether more is to do."""
        more = self.read(lambda db: retention.regain(db, BALLAST_PAGES))
        if not more:
            self._ballast.hold()
        return more

    def close(self) -> None:
        """Fold the log into the file and let go of it."""
        with contextlib.suppress(sqlite3.Error):
            if self._db is not None:
                self._db.execute("PRAGMA optimize")
        self._shut()

    def transact(
        self, work: Callable[[Database], Written], abandoned: Callable[[], bool]
    ) -> Written:
        """Run `work` in a transaction of its own and commit it durably.

        A full disk first gives up the oldest readings, once: thingsboard-gateway#1483 never
        recovers from it.
        """
        try:
            return self._attempt(work, abandoned)
        except StoreError as error:
            if not is_code(error.__cause__, sqlite3.SQLITE_FULL):
                raise
        self._ballast.drop()
        with contextlib.suppress(sqlite3.Error):
            retention.make_room(self._usable())
        return self._attempt(work, abandoned)

    def read(self, work: Callable[[Database], T]) -> T:
        """Run `work`, which reads, or writes in transactions of its own (retention)."""
        db = self._usable()
        try:
            if self._debts:
                self._settle(db)
            return work(db)
        except sqlite3.Error as error:
            raise self._after(error) from error
        except ValueError as error:  # what was JSON is not any more
            raise self._replace(f"unreadable: {error}") from error

    def owe(self, undo: Callable[[Database], None]) -> None:
        """Before anything else is read or written, take back a commit that came too late."""
        self._debts.append(undo)

    def _attempt(
        self, work: Callable[[Database], Written], abandoned: Callable[[], bool]
    ) -> Written:
        db = self._usable()
        written: Written | None = None
        try:
            db.execute("BEGIN IMMEDIATE")
            for debt in self._debts:
                debt(db)
            written = work(db)
            if abandoned():
                db.execute("ROLLBACK")
                raise Abandoned("rolled back: nobody waits for it any more")
            db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                if db.conn.in_transaction:
                    db.execute("ROLLBACK")
            if written is not None:
                self.owe(written.undo)
            raise self._after(error) from error
        self._debts.clear()
        return written

    def _settle(self, db: Database) -> None:
        db.execute("BEGIN IMMEDIATE")
        try:
            for debt in self._debts:
                debt(db)
            db.execute("COMMIT")
        except sqlite3.Error:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise
        self._debts.clear()

    def _after(self, error: sqlite3.Error) -> StoreError:
        """Return what to raise for `error`, after doing what it asks for."""
        if any(is_code(error, code) for code in _BROKEN):
            return self._replace(str(error))
        if not is_code(error, sqlite3.SQLITE_FULL):
            self._shut()  # an I/O error may outlive its connection: begin with a fresh one
        return StoreError(f"{self.path}: {error}")

    def _usable(self) -> Database:
        if self._db is not None and self._inode != inode(self.path):
            raise self._replace("its file is gone")
        if self._db is None:
            had = self.epoch
            if self.open().state is FoundState.UNUSABLE:
                raise StoreError(self.found.reason)
            if had not in ("", self.epoch):
                raise Replaced(self.found.reason)
        if self._db is None:  # pragma: no cover - open() has just said otherwise
            raise StoreError(f"{self.path}: not open")
        return self._db

    def _replace(self, reason: str) -> StoreError:
        self._shut()
        try:
            epoch = self._new_epoch()
            kept = set_aside(self.path, epoch)
            self._create(epoch)
        except (sqlite3.Error, OSError) as error:
            self._shut()
            self.found = Found(FoundState.UNUSABLE, f"{self.path}: {error}")
            return StoreError(self.found.reason)
        self.found = Found(FoundState.SET_ASIDE, reason, kept)
        return Replaced(
            f"{self.path}: {reason}; " + (f"kept as {kept}" if kept else "nothing left")
        )

    def _open(self) -> None:
        directory = self.path.parent
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        if not self.path.exists() or self.path.stat().st_size == 0:
            epoch = self._new_epoch()
            # A log left without its database would be replayed into the new one.
            set_aside(self.path, epoch)
            self._create(epoch)
            self.found = Found(FoundState.NEW)
            return
        try:
            self._existing()
        except _Broken as broken:
            reason = str(broken)
        except sqlite3.DatabaseError as error:
            if not any(is_code(error, code) for code in _BROKEN):
                raise
            reason = str(error)
        else:
            return
        self._shut()
        outcome = self._replace(reason)
        if not isinstance(outcome, Replaced):
            raise outcome

    def _existing(self) -> None:
        self.path.chmod(0o600)
        db = self._begin()
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise _Broken(f"schema version {version}, not {VERSION}")
        (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise _Broken(verdict)
        row = db.execute("SELECT epoch FROM self").fetchone()
        if row is None:
            raise _Broken("it does not say which epoch it is")
        epoch, self.found = row[0], Found(FoundState.EXISTING)
        if self._in_memory and not tables.knows(db, self._boot):
            # Each boot begins from one and the same copy: the numbers that it would give out have
            # been given out before, and the centre refuses another cry under an old number.
            epoch = self._new_epoch()
            tables.begin_anew(db.conn, epoch)
            self.found = Found(FoundState.FORGETFUL, self._in_memory)
        self._take(db, epoch)

    def _create(self, epoch: str) -> None:
        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
        db = self._begin(new=True)
        schema = (files("gateway.edge") / "schema_v1.sql").read_text(encoding="utf-8")
        db.executescript(f"BEGIN IMMEDIATE;\n{schema}\nPRAGMA user_version = {VERSION};\nCOMMIT;")
        db.execute("INSERT INTO self (one, epoch) VALUES (1, ?)", [epoch])
        self._take(db, epoch)

    def _begin(self, *, new: bool = False) -> Database:
        """Connect. FULL also for batches: one fsync each, and what was flushed is not lost."""
        self._db = db = Database(
            self._connect(self.path), recursive_triggers=False, execute_plugins=False
        )
        if new:
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only a file without tables takes it
        db.execute("PRAGMA journal_mode = WAL").fetchone()
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}").fetchone()
        db.execute(f"PRAGMA journal_size_limit = {LOG_PAGES * 4096}").fetchone()
        return db

    def _take(self, db: Database, epoch: str) -> None:
        self.boot_number = tables.boot_number(db, self._boot)
        if epoch != self.epoch:
            self._debts.clear()  # they are another file's
        self.epoch, self._inode = epoch, inode(self.path)

    def _shut(self) -> None:
        db, self._db, self._inode = self._db, None, None
        if db is not None:
            with contextlib.suppress(sqlite3.Error):
                db.conn.close()

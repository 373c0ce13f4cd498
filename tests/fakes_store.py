"""Fakes for the store's tests: values with little ceremony, and a disk that can be told to fail."""

import itertools
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.core.alerts import Alert, Matter, Word
from gateway.core.model import At, Kind, Memory, Reason
from gateway.core.outputs import Keep, Outputs, Post, Stream
from gateway.edge import files
from gateway.edge.store import Store
from gateway.settings import StoreSettings

BOOT = "b" * 32
NOON = 1_800_000_000_000


def at(mono_ms: int = 1000, *, boot: str = BOOT, proven: bool = True) -> At:
    return At(boot, mono_ms, NOON + mono_ms, proven)


def alert(id_: str, *, mono_ms: int = 1000, proven: bool = True, **fields: Any) -> Alert:
    values: dict[str, Any] = {
        "id": id_,
        "kind": Kind.PERS,
        "device": "버튼",
        "at": at(mono_ms, proven=proven),
        "onset": at(mono_ms - 500, proven=proven),
        "due": None,
        "matter": Matter.RAISED,
        "word": Word.UNSENT,
        "probability": 0.93,
        "reason": Reason("pressed", {"times": 2}),
        "evidence": {"press": "long", "rssi": [-60, -61]},
    }
    return Alert(**(values | fields))


def post(id_: str, stream: Stream = Stream.ALARM, mono_ms: int = 1000, **body: Any) -> Post:
    return Post(stream, id_, at(mono_ms), {"msg": "new", **body}, alert=f"alert of {id_}")


def pressed(n: int) -> Outputs:
    """One SOS press: its alert, its message, its button's counter."""
    id_ = f"press-{n:06}"
    return Outputs(
        posts=(post(id_, mono_ms=1000 + n),),
        alerts=(alert(id_, mono_ms=1000 + n),),
        memories=(Memory("button", {"packet": n}),),
    )


def keeps(count: int, mono_ms: int = 1000, *, boot: str = BOOT, proven: bool = True) -> Outputs:
    return Outputs(
        keeps=tuple(
            Keep(at(mono_ms + i, boot=boot, proven=proven), "hall", "Motion", {"detected": True})
            for i in range(count)
        )
    )


class Epochs:
    """Epochs in order, as ULIDs of 2026 would be."""

    def __init__(self, start: int = 0) -> None:
        self._numbers = itertools.count(start)

    def __call__(self) -> str:
        return f"01KAGATEWAY{next(self._numbers):015}"


class Disk:
    """What the fake connections ask before each statement: the test breaks it and mends it."""

    def __init__(self) -> None:
        self.fail_with: Callable[[str], sqlite3.Error | None] = lambda _sql: None
        self.hang_on = ""
        self.entered = threading.Event()
        self.release = threading.Event()
        self.after = False
        self.lie_on = ""

    def connect(self, path: Path) -> sqlite3.Connection:
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
                error = disk.fail_with(sql)
                if error is not None:
                    raise error
                hangs = bool(disk.hang_on) and sql.startswith(disk.hang_on)
                if hangs and not disk.after:
                    disk.hang()
                cursor = super().execute(sql, *parameters)
                if hangs and disk.after:
                    disk.hang()
                if disk.lie_on and sql.startswith(disk.lie_on):
                    raise disk.error(sqlite3.SQLITE_IOERR)
                return cursor

        return sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=Connection
        )

    def hang(self) -> None:
        self.hang_on = ""
        self.entered.set()
        self.release.wait(30)

    def breaks(self, code: int, on: str = "BEGIN") -> None:
        """Let every statement that starts with `on` fail with a primary result code."""
        error = self.error(code)
        self.fail_with = lambda sql: error if sql.startswith(on) else None

    @staticmethod
    def error(code: int) -> sqlite3.Error:
        error = sqlite3.OperationalError(f"disk fake says {code}")
        error.sqlite_errorcode = code
        return error

    def lies(self, on: str) -> None:
        """Let what starts with `on` be done and yet fail: an fsync that reports an error."""
        self.lie_on = on

    def mends(self) -> None:
        self.lie_on = ""
        self.fail_with = lambda _sql: None


class Health:
    """What the store said of itself, in order."""

    def __init__(self) -> None:
        self.said: list[tuple[bool, str]] = []

    def __call__(self, up: bool, detail: str) -> None:  # noqa: FBT001 - the callback's shape
        self.said.append((up, detail))

    @property
    def ups(self) -> list[bool]:
        return [up for up, _ in self.said]


@asynccontextmanager
async def opened(
    directory: Path,
    *,
    boot: str = BOOT,
    epochs: Callable[[], str] | None = None,
    settings: StoreSettings | None = None,
    limit_s: float = 5.0,
    connect: Callable[[Path], sqlite3.Connection] = files.connect,
    **others: Any,
) -> AsyncIterator[Store]:
    async with Store.open(
        directory,
        hub="hub-pseudonym",
        boot=boot,
        new_epoch=epochs or Epochs(),
        settings=settings or StoreSettings(),
        commit_limit_s=limit_s,
        connect=connect,
        **others,
    ) as store:
        yield store

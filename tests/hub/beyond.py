"""A centre outside the guest: a broker and `ansim centre` on the host's loopback.

    guest 10.0.2.15 ── qemu's user network ── 10.0.2.2 = the host's 127.0.0.1 ── mosquitto, centre

Both run from the guest's own files by chroot, so that nothing else need be installed. What the
centre stored is read from its database when the guest is off. Only the standard library, as in
tests.hub.console.
"""

import contextlib
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ALARMS = "SELECT kind, COUNT(*) FROM alert WHERE hub = ? GROUP BY kind"
UP_S = 90.0
# In a mount namespace of its own, so that the guest's /proc is gone when the process is.
WITHIN = (
    "unshare",
    "--mount",
    "sh",
    "-c",
    'mount --bind /proc "$1/proc" && exec chroot "$@"',
    "sh",
)
DISTRICT, HUB = "1120000000", "mfzwizltmvzxg2lqnrsv6ylcmm"  # as tests.hub.home has them


class NoCentreError(Exception):
    """It did not come up."""


@dataclass(frozen=True)
class Beyond:
    """The centre as the host sees it."""

    port: int
    database: Path

    def alarms(self) -> dict[str, int]:
        """Return how many alerts of the lab's hub it holds, by kind."""
        with contextlib.closing(sqlite3.connect(self.database)) as found:
            return dict(found.execute(ALARMS, (HUB,)).fetchall())


@contextlib.contextmanager
def beyond(root: Path) -> Iterator[Beyond]:
    """Run a broker and a centre from the files in `root`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    place = Path(tempfile.mkdtemp(prefix="beyond-", dir=root / "run"))
    within = f"/{place.relative_to(root)}"
    (place / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n"
    )
    broker = ["/usr/sbin/mosquitto", "-c", f"{within}/mosquitto.conf"]
    centre = ["/opt/ansim/bin/ansim", "centre", "--broker", f"mqtt://127.0.0.1:{port}"]
    centre += ["--district", DISTRICT, "--database", f"{within}/centre.db", "--lang", "en"]
    running: list[subprocess.Popen[bytes]] = []
    try:
        with (place / "log").open("wb") as log:
            for command in (broker, [*centre, "--lines", "--present"]):
                running.append(
                    subprocess.Popen([*WITHIN, str(root), *command], stdout=log, stderr=log)
                )
                _until_up(port, place / "centre.db" if len(running) > 1 else None)
        yield Beyond(port, place / "centre.db")
    except NoCentreError:
        sys.stdout.write((place / "log").read_text(encoding="utf-8", errors="replace"))
        raise
    finally:
        for one in reversed(running):
            one.terminate()
            one.wait(20)
        shutil.rmtree(place)


def _until_up(port: int, database: Path | None) -> None:
    end = time.monotonic() + UP_S  # noqa: TID251 - the Clock is numpy's neighbour
    while time.monotonic() < end:  # noqa: TID251
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            if database is None or database.exists():
                return
        time.sleep(0.2)
    raise NoCentreError(f"no {'centre' if database else 'broker'} within {UP_S:g} s")

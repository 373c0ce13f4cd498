"""A day's lines through a real systemd-journald onto one file system: for bench_card.py, as root.

    bench_card ── unshare -m ─► this process ── starts ─► systemd-journald ─► DIR/journal
                                     └── the daemon's entries, in its own protocol ──► socket

journald runs in a mount namespace of its own, with its own /run and its own configuration: it
touches nothing of this machine's. Time is scaled: its 5 minutes between two fsyncs and the gaps
between the day's lines alike.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

JOURNALD = Path("/lib/systemd/systemd-journald")
SCALE = 3000.0
SYNC_S = 300.0
SOCKET = Path("/run/systemd/journal/socket")
CONFIGURATION = f"""[Journal]
Storage=persistent
SyncIntervalSec={SYNC_S / SCALE * 1000:.0f}ms
RateLimitIntervalSec=0
ReadKMsg=no
Audit=no
ForwardToSyslog=no
ForwardToWall=no
"""


def possible() -> bool:
    """Return whether journald can be run here."""
    return os.geteuid() == 0 and JOURNALD.exists() and shutil.which("unshare") is not None


def mount(*words: str) -> None:
    """Mount, in this process's own namespace."""
    subprocess.run(["mount", *words], check=True)  # noqa: S603, S607 - root's own tool


def furnish(directory: Path) -> None:
    """Give journald a /run, a configuration and the card."""
    mount("--make-rprivate", "/")
    for memory in ("/run/systemd", "/run/log", "/etc/systemd"):
        Path(memory).mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "tmpfs", memory)
    Path("/etc/systemd/journald.conf").write_text(CONFIGURATION)
    Path("/run/systemd/journal").mkdir()
    Path("/run/systemd/journal/flushed").touch()  # the card is there: write to it at once
    for place in (directory / "journal", Path("/var/log/journal")):
        place.mkdir(parents=True, exist_ok=True)
    mount("--bind", str(directory / "journal"), "/var/log/journal")


def main() -> int:
    """Be the child: start journald, say so, send the day when told to."""
    directory, lines = Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    furnish(directory)
    journald = subprocess.Popen([str(JOURNALD)])  # noqa: S603 - Debian's own
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            while not SOCKET.exists():
                time.sleep(0.01)
            out.connect(str(SOCKET))
            out.send(b"MESSAGE=the file is made\nPRIORITY=6\n")
            time.sleep(4 * SYNC_S / SCALE)
            print("ready", flush=True)
            sys.stdin.readline()
            began = time.perf_counter()
            for second, entry in lines:
                time.sleep(max(0.0, began + second / SCALE - time.perf_counter()))
                out.send(bytes.fromhex(entry))
            time.sleep(4 * SYNC_S / SCALE)
            print("done", flush=True)
            sys.stdin.readline()
    finally:
        journald.send_signal(signal.SIGTERM)
        journald.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())

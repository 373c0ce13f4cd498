"""What systemd is told: READY, WATCHDOG, STATUS, STOPPING, over its datagram socket.

The protocol is one datagram of lines (man 3 sd_notify); a library for it would be larger than this.
Without $NOTIFY_SOCKET (a terminal, a test) everything here does nothing.

Nothing here waits: a service manager that does not read for a while must not stop the hub in the
middle of an alarm. What it did not take is told again, in its order, with the next word.
"""

import contextlib
import os
import socket
from collections.abc import Mapping

MOST_OWED = 10


class Notifier:
    """Speaks to the service manager, if there is one."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        watchdog_us = environment.get("WATCHDOG_USEC", "")
        self._owed: list[str] = []
        self.watchdog_s = int(watchdog_us) / 1e6 if watchdog_us.isdigit() else None

    def ready(self, status: str) -> None:
        """Say that every part runs, or that its fault is queued as an alarm."""
        self._send(f"READY=1\nSTATUS={status}")

    def reloading(self, monotonic_us: int) -> None:
        """Say that the configuration is read anew."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us}")

    def stopping(self) -> None:
        """Say that the daemon drains."""
        self._send("STOPPING=1")

    def extend(self, seconds: float) -> None:
        """Ask for more time to start: cold kernels are being compiled."""
        self._send(f"EXTEND_TIMEOUT_USEC={round(seconds * 1e6)}")

    def watchdog(self) -> None:
        """Say that every part has turned since the last time; not owed: it is said again soon."""
        self._send("WATCHDOG=1", owed=False)

    def status(self, text: str) -> None:
        """Set the line that `systemctl status` shows."""
        self._send(f"STATUS={text}")

    def _send(self, message: str, *, owed: bool = True) -> None:
        if not self._address:
            return
        waiting = [*self._owed, message]
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        with sock, contextlib.suppress(OSError):
            while waiting:
                sock.sendto(waiting[0].encode(), socket.MSG_DONTWAIT, self._address)
                del waiting[0]
        self._owed = (waiting if owed else waiting[:-1])[-MOST_OWED:]

"""Log lines: structured fields to the journal, readable lines to a terminal; never a secret.

In the journal each line carries ANSIM_DEVICE, ANSIM_ALERT and ANSIM_KIND where they apply, so that

    journalctl -u ansim-gateway ANSIM_DEVICE=hall-motion

finds a sensor's story. The journal's own protocol is spoken over its datagram socket
(systemd.io/JOURNAL_NATIVE_PROTOCOL); python-systemd would bring a C library for it.
"""

import os
import socket
import struct
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

import structlog

JOURNAL = Path("/run/systemd/journal/socket")
PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2, "exception": 3}
TAKEN = frozenset({"event", "level", "exception", "timestamp"})


def journal_entry(event: Mapping[str, Any]) -> bytes:
    """Return one journal entry in the native protocol."""
    rest = " ".join(f"{key}={value}" for key, value in event.items() if key not in TAKEN)
    fields = {
        "MESSAGE": f"{event.get('event', '')} {rest}".strip(),
        "PRIORITY": str(PRIORITIES.get(str(event.get("level", "info")), 6)),
        "SYSLOG_IDENTIFIER": "ansim",
    }
    if "exception" in event:
        fields["ANSIM_TRACEBACK"] = str(event["exception"])
    for key, value in event.items():
        if key not in TAKEN:
            fields[f"ANSIM_{key.upper()}"] = str(value)
    return b"".join(_field(name, value) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"


class JournalLogger:
    """What structlog writes its last line to."""

    def __init__(self, address: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._address = str(address)

    def send(self, entry: bytes) -> None:
        """Hand one entry over; a journal that is gone or full must not stop the daemon."""
        try:
            self._socket.sendto(entry, socket.MSG_DONTWAIT, self._address)
        except BlockingIOError:
            pass  # dropped: stderr leads to the same journal, and would hold us when it is full
        except OSError:
            sys.stderr.write(entry.decode(errors="replace"))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    debug = info = warning = error = critical = exception = msg = send


def _to_journal(_logger: object, method: str, event: MutableMapping[str, Any]) -> bytes:
    return journal_entry({"level": method, **event})


def configure(
    *, environment: Mapping[str, str] = os.environ, journal: Path = JOURNAL
) -> JournalLogger | None:
    """Set up logging for this process: the journal when systemd runs us, else lines on stderr.

    Returns the journal's logger, to be closed by whoever lives shorter than the process.
    """
    shared = [structlog.contextvars.merge_contextvars, structlog.processors.add_log_level]
    if "JOURNAL_STREAM" in environment and journal.exists():
        logger = JournalLogger(journal)
        structlog.configure(
            processors=[*shared, structlog.processors.format_exc_info, _to_journal],
            logger_factory=lambda *_: logger,
        )
        return logger
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    return None

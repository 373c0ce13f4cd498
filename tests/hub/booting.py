"""One boot of the lab's guest: its command line, its console, and the end of one that says nothing.

Only the standard library, as in tests.hub.console.
"""

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.hub.console import Console, read

SHOWN = re.compile(r"^\[ *\d+\.\d\] |^\[lab|Failed|panic|^Traceback")


def say(*words: object) -> None:
    """Tell whoever started the lab."""
    sys.stdout.write(f"[lab] {' '.join(str(word) for word in words)}\n")
    sys.stdout.flush()


def now_s() -> float:
    """Return monotonic seconds."""
    return time.monotonic()  # noqa: TID251 - the Clock is numpy's neighbour, and that is not here


@dataclass
class Guest:
    """A guest that can be booted again and again, from the same image.

    work: holds the image, in memory. uml: the User-Mode-Linux kernel; None: Debian's under qemu.
    limit_s: after so long it is killed; silent_s: after so long without a word.
    console: where what it says is kept, one file a boot.
    """

    work: Path
    vmlinuz: Path
    uml: Path | None
    limit_s: float
    silent_s: float
    console: Path
    boots: int = 0

    def command(self, words: list[str]) -> list[str]:
        """Return what boots it."""
        # What goes wrong in the kernel must end the guest, a spin too: else it is silence for long.
        line = (
            "quiet loglevel=5 panic=-1 oops=panic softlockup_panic=1 watchdog_thresh=30"
            f" rdinit=/init systemd.show_status=0 net.ifnames=0"
            f" systemd.unit=hub-lab.target hub_args={','.join(words)}"
        )
        image = self.work / "image"
        if self.uml is not None:
            head = [str(self.uml), "mem=2500M", f"initrd={image}", *line.split()]
            tail = ["con=null", "con0=null,fd:1", "ssl=null", f"uml_dir={self.work}", "umid=lab"]
            return [*head, *tail]
        return [
            *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "2"),
            *("-m", "3072", "-nographic", "-no-reboot", "-nic", "user,model=e1000"),
            *("-kernel", str(self.vmlinuz), "-initrd", str(image)),
            *("-append", f"console=ttyS0 mitigations=off {line}"),
        ]

    def boot(self, words: list[str]) -> Console:
        """Boot once, show what matters; return what its console said."""
        self.boots += 1
        path = self.console if self.boots == 1 else Path(f"{self.console}.{self.boots}")
        lines: list[str] = []
        with path.open("w", encoding="utf-8") as kept:
            for line in self._lines(words):
                lines.append(line)
                kept.write(line + "\n")
                kept.flush()
                if SHOWN.search(line):
                    sys.stdout.write(line + "\n")
                    sys.stdout.flush()
        return read(lines)

    def _lines(self, words: list[str]) -> Iterator[str]:
        """Yield the console's lines until the guest is off, or is killed for its silence."""
        process = subprocess.Popen(
            self.command(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TMPDIR": str(self.work)},
            start_new_session=True,  # User-Mode Linux has children
        )
        assert process.stdout is not None
        out = process.stdout.fileno()
        began = heard = now_s()
        rest = ""
        try:
            while True:
                ready, _, _ = select.select([out], [], [], 1.0)
                data = os.read(out, 65536) if ready else None
                now = now_s()
                if data:
                    heard = now
                    *whole, rest = (rest + data.decode(errors="replace")).split("\n")
                    yield from (line.replace("\r", "") for line in whole)
                elif ready or process.poll() is not None:  # its children may hold the pipe
                    break
                if now - began > self.limit_s or now - heard > self.silent_s:
                    say(f"killed after {now - began:.0f} s; silent for {now - heard:.0f} s")
                    break
            yield rest
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

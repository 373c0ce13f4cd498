"""Whether the daemon fits a small board: `bench_memory.py [--limit 256] [--day]`. Needs root.

    imports      what each import of the daemon adds, in its order, in one fresh process
    kernels      compiled in parts, as the daemon does, each in a process; and all in one process
    the daemon   under the limit: its first start ever, which compiles, and started again
    a day        (--day) a home's day out of scripts/soak.py, 94,000 packets, under the limit

    target       nothing killed; what is resident, libraries included, never above the limit

anon: what no file holds, so that it cannot be given back without swap; the rest of what is resident
(RSS) are libraries. An arm64 daemon is weighed under emulation (tests/hub/test_arm64.py). Seconds
are processor time, so that other work does not count.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.demo.broker import Broker
from gateway.warm import PARTS
from scripts.bench_start import STANZAS, ansim
from scripts.memory_box import Box, NoBoxError
from scripts.soak import soak
from tests.hubs import ROOT, HubProcess, memory, write_yaml

IMPORTS = (
    "asyncio",
    "structlog",
    "yaml",
    "numpy",
    "numba",
    "cryptography.hazmat.primitives.ciphers.aead",
    "bleak.backends.bluezdbus.scanner",
    "bleak_retry_connector",
    "sqlite_utils",
    "paho.mqtt.client",
    "gateway.service",
)
WEIGH = """
import json, sys, time
from importlib import import_module
from pathlib import Path

def weigh():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    held = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return held["Rss"], held["Anonymous"]

def tell(name):
    print(json.dumps([name, *weigh(), time.process_time(), len(sys.modules)]))

if sys.argv[1] == "lean":
    sys.modules["rich"] = None
tell("Python")
for name in sys.argv[2:]:
    import_module(name)
    tell(name)
if sys.argv[2:]:
    from gateway.warm import warm
    warm()
    tell("kernels loaded")
"""
EVERY_S = 0.02


@dataclass
class Most:
    """The largest of what was seen."""

    anonymous: float = 0.0


def imports() -> None:
    """Print the table of imports."""
    print(
        f"{'import':45} {'RSS':>7} {'anon':>7} {'adds':>7} {'anon':>7} {'cpu s':>7} {'modules':>8}"
    )
    before = [0.0, 0.0, 0.0, 0]
    for name, *now in weighed("lean", *IMPORTS):
        adds = [new - old for new, old in zip(now, before, strict=True)]
        print(
            f"{name:45} {now[0]:7.1f} {now[1]:7.1f} {adds[0]:7.1f} {adds[1]:7.1f}"
            f" {adds[2]:7.2f} {adds[3]:7.0f}"
        )
        before = now
    lean, whole = (weighed(how, "asyncio", "structlog")[2][2] for how in ("lean", "whole"))
    print(f"left out: rich, which structlog would load: {whole - lean:.1f} MiB anonymous")


def weighed(*arguments: str) -> list[list[Any]]:
    """Import in a fresh process."""
    command = (sys.executable, "-c", WEIGH, *arguments)
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own
    return [json.loads(line) for line in said.stdout.splitlines()]


def kernels(directory: Path) -> float:
    """Print what compiling takes in parts and at once; return the largest part."""
    print(f"\n{'kernels compiled':46} {'peak RSS':>8} {'cpu s':>7}")
    parts = []
    for part in PARTS:  # into one cache: a part loads what those before it have compiled
        peak, seconds = compiling(directory / "parts", "gateway", "warm", "--part", part)
        parts.append(peak)
        print(f"{part:46} {peak:8.1f} {seconds:7.1f}")
    script = "from gateway.warm import warm; warm()"
    peak, seconds = compiling(directory / "at-once", script)
    print(f"{'all in one process':46} {peak:8.1f} {seconds:7.1f}")
    return max(parts)


def compiling(cache: Path, *what: str) -> tuple[float, float]:
    """Return the peak of RSS in MiB and the processor time of a process."""
    command = (sys.executable, "-c", *what) if len(what) == 1 else (sys.executable, "-m", *what)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "NUMBA_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)  # noqa: S603 - our own
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


@contextlib.asynccontextmanager
async def watched(box: Box) -> AsyncIterator[Most]:
    """Look at the box again and again."""
    most = Most()

    async def look() -> None:
        while True:
            most.anonymous = max(most.anonymous, box.anonymous())
            await asyncio.sleep(EVERY_S)

    looking = asyncio.create_task(look())
    try:
        yield most
    finally:
        looking.cancel()


async def daemon(directory: Path, box: Box) -> float:
    """Start the daemon twice under the limit; return the most that it held resident."""
    print(f"\n{'the daemon under the limit':46} {'RSS':>7} {'anon':>7} {'peak':>7} {'READY s':>8}")
    held = 0.0
    async with Broker(directory) as broker:
        config = write_yaml(directory, broker.url, STANZAS)
        for name in ("its first start ever: it compiles", "started again"):
            hub = HubProcess(
                directory,
                box.within(ansim("run", "-c", str(config))),
                environment={"NUMBA_CACHE_DIR": str(directory / "cache")},
            )
            async with watched(box) as most:
                await hub.start(within_s=900)
                now, anonymous = memory(hub.pid), box.anonymous()
                await hub.end(signal.SIGTERM)
            held = max(held, now.rss)
            peak = most.anonymous
            print(f"{name:46} {now.rss:7.1f} {anonymous:7.1f} {peak:7.1f} {hub.started_s:8.1f}")
    return held


async def day(directory: Path, box: Box) -> int:
    """Let a home's day pass under the limit."""
    print("\na home's day under the limit (its radio is played in the same process)")
    async with watched(box) as most:
        status = await soak(1, 1, directory, within=box.within(()))
    print(f"{'anonymous, at most':22} {most.anonymous:8.1f} MiB")
    return status


async def measure(limit: int, *, with_day: bool) -> int:
    """Measure and print; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="ansim-bench-") as name, Box(limit) as box:
        directory = Path(name)
        imports()
        largest = kernels(directory / "kernels")
        largest = max(largest, await daemon(directory, box))
        status = 0
        if with_day:
            (directory / "day").mkdir()
            status = await day(directory / "day", box)
        killed = box.killed()
        print(f"\nresident, at most {largest:.0f} MiB   limit {limit}; killed {killed}")
    return status or (1 if killed or largest > limit else 0)


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--limit", type=int, default=256, metavar="MIB")
    parser.add_argument("--day", action="store_true")
    chosen = parser.parse_args()
    os.chdir(ROOT)

    try:
        return asyncio.run(measure(chosen.limit, with_day=chosen.day))
    except NoBoxError as error:
        print(f"no memory cgroup for us here: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

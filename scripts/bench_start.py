"""How long starting takes: `bench_start.py --runs 5`. Real processes, medians.

    ansim run, warm kernels     from the command to READY=1          target <= 3 s
    ansim run, cold kernels     compiled in an empty NUMBA_CACHE_DIR (an installation does this)
    ansim --version, status     must not load numba

There is no Bluetooth here, or it is not used: the adapter's fault, queued as an alarm, is READY.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from gateway.demo.broker import Broker
from tests.hubs import ROOT, HubProcess, memory, write_yaml

TARGET_S = 3.0
STANZAS: list[dict[str, Any]] = [
    {"name": "band", "driver": "polar_pmd", "address": "A0:9E:1A:00:00:01"},
    {"name": "sos", "driver": "bthome", "address": "B4:35:22:00:00:01", "role": "sos"},
    {
        "name": "toilet",
        "driver": "mibeacon",
        "address": "54:EF:44:00:00:01",
        "key": b"toilet-is-secret",
    },
]


def ansim(*arguments: str) -> tuple[str, ...]:
    """Return a command line."""
    return (sys.executable, "-m", "gateway", *arguments)


@dataclass(frozen=True, slots=True)
class Start:
    """One start: seconds to READY, MiB held then, seconds to stop, exit status."""

    ready_s: float
    rss_mib: float
    stop_s: float
    status: int


async def ready(directory: Path, config: Path, cache: Path) -> Start:
    """Start the daemon, weigh it, stop it."""
    hub = HubProcess(
        directory,
        ansim("run", "-c", str(config)),
        environment={"NUMBA_CACHE_DIR": str(cache)},
    )
    await hub.start(within_s=300)
    weight = memory(hub.pid).rss
    began = asyncio.get_running_loop().time()
    status = await hub.end(signal.SIGTERM)
    return Start(hub.started_s, weight, asyncio.get_running_loop().time() - began, status)


async def took(command: Sequence[str]) -> float:
    """Return how long a command takes."""
    began = asyncio.get_running_loop().time()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    return asyncio.get_running_loop().time() - began


async def loads_numba(command: Sequence[str]) -> bool:
    """Return whether a command imports numba."""
    process = await asyncio.create_subprocess_exec(
        command[0],
        "-X",
        "importtime",
        *command[1:],
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()
    return any(line.endswith(b"| numba") for line in told.splitlines())


def line(name: str, seconds: Sequence[float], target: str = "") -> None:
    """Print one line of the table."""
    middle, least, most = statistics.median(seconds), min(seconds), max(seconds)
    print(
        f"{name:28} {len(seconds):3} runs   median {middle:6.2f} s   {least:.2f} to {most:.2f}"
        f"   {target}"
    )


async def measure(runs: int, cold: int) -> int:
    """Measure and print."""
    async with contextlib.AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ansim-bench-")))
        broker = await stack.enter_async_context(Broker(directory))
        config = write_yaml(directory, broker.url, STANZAS)
        cache = directory / "cache"
        first: list[Start] = []
        for _ in range(max(1, cold)):  # it fills the cache for those that are measured warm
            shutil.rmtree(cache, ignore_errors=True)
            first.append(await ready(directory, config, cache))
        later = [await ready(directory, config, cache) for _ in range(runs)]
        short = {
            "ansim --version": ansim("--version"),
            "ansim status": ansim("status", "--socket", str(directory / "nobody.sock")),
        }
        load = os.getloadavg()[0]
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {load:.1f}")
        begun = f"target <= {TARGET_S:g} s; then {later[-1].rss_mib:.0f} MiB resident"
        line("ansim run, warm kernels", [one.ready_s for one in later], begun)
        held = f"then {first[-1].rss_mib:.0f} MiB resident"
        line("ansim run, cold kernels", [one.ready_s for one in first], held)
        line("SIGTERM to the end", [one.stop_s for one in (*first, *later)], "limit 5 s")
        heavy = False
        for name, command in short.items():
            seconds = [await took(command) for _ in range(runs)]
            numba = await loads_numba(command)
            heavy = heavy or numba
            line(name, seconds, "LOADS NUMBA" if numba else "without numba")
    return 1 if heavy or any(one.status for one in (*first, *later)) else 0


def main() -> int:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cold", type=int, default=2)
    chosen = parser.parse_args()
    os.chdir(ROOT)
    return asyncio.run(measure(chosen.runs, chosen.cold))


if __name__ == "__main__":
    sys.exit(main())

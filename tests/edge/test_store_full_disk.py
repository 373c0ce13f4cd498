"""A real file system with no room left, mounted for the test: alarms stay durable."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHILD = """
import asyncio, json, sys
from pathlib import Path
from tests.fakes_store import keeps, opened, pressed

async def main(mount):
    async with opened(mount / "hub") as store:
        for _ in range(120):
            store.add(keeps(500))
            await store.flush()
            await store.ping()
        before = (await store.depth()).readings
        try:
            with (mount / "eater").open("wb", buffering=0) as eater:
                while True:
                    eater.write(bytes(4096))
        except OSError:
            pass
        durable = [(await store.commit(pressed(n))).durable for n in range(150)]
        rows = await store.unfinished(limit=1000)
        print(json.dumps([before, durable.count(True), len(rows), store.healthy]))

asyncio.run(main(Path(sys.argv[1])))
"""

MOUNT = 'mount -t tmpfs -o size=9m none "$1" && exec "$2" -c "$3" "$1"'


def unshare() -> list[str]:
    """Return how to get a mount of our own here, or skip."""
    found = shutil.which("unshare")
    ways = [["-m"], ["-U", "-r", "-m"]] if os.geteuid() == 0 else [["-U", "-r", "-m"]]
    for way in ways if found else []:
        probe = [str(found), *way, "mount", "-t", "tmpfs", "none", "/mnt"]
        ran = subprocess.run(probe, check=False, capture_output=True)
        if ran.returncode == 0:
            return [str(found), *way]
    pytest.skip("needs the right to mount a tmpfs: run as root, or allow user namespaces")


def test_alarms_stay_durable_on_a_file_system_that_is_really_full(tmp_path: Path) -> None:
    command = [*unshare(), "sh", "-c", MOUNT, "sh", str(tmp_path), sys.executable, CHILD]
    ran = subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]
    )
    before, durable, rows, healthy = json.loads(ran.stdout)
    assert before > 0
    assert (durable, rows, healthy) == (150, 150, True)

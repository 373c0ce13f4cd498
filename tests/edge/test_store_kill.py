"""kill -9 at any moment: what was acknowledged is there, and no number is given out twice."""

import asyncio
import random
import signal
import sys
from pathlib import Path

import pytest

from gateway.core.outputs import Stream
from tests.fakes_store import Epochs, opened, pressed

CHILD = """
import asyncio, itertools, sys
from pathlib import Path
from gateway.core.wire import Ack, AckStatus
from tests.fakes_store import Epochs, keeps, opened, pressed

async def main(directory, start):
    async with opened(directory, epochs=Epochs(start)) as store:
        for n in itertools.count(start):
            (row,) = (await store.commit(pressed(n))).rows
            print(row.epoch, row.seq, row.id, int(row.durable), flush=True)
            store.add(keeps(50))
            if n % 7 == 0:
                await store.flush()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_acknowledged_commit_survives_kill_9_and_no_number_is_doubled(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    acknowledged: dict[str, tuple[str, int]] = {}
    for run in range(4):
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-c", CHILD, str(tmp_path), str(run * 100_000),
            stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert child.stdout is not None
        lines = [await child.stdout.readline() for _ in range(chance.randrange(1, 60))]
        child.send_signal(signal.SIGKILL)
        lines += (await child.stdout.read()).splitlines(keepends=True)
        assert await child.wait() == -signal.SIGKILL
        for line in lines:
            if not line.endswith(b"\n"):
                continue
            epoch, seq, id_, durable = line.decode().split()
            assert durable == "1"
            acknowledged[id_] = (epoch, int(seq))
        async with opened(tmp_path, epochs=Epochs(900_000)) as store:
            rows = await store.unfinished(Stream.ALARM, limit=100_000)
            assert {r.id: (r.epoch, r.seq) for r in rows}.items() >= acknowledged.items()
            assert [r.seq for r in rows] == list(range(1, len(rows) + 1))
            restored = await store.restore()
            assert {a.id for a in restored.alerts} == {r.id for r in rows}
            newest = max(int(r.id.removeprefix("press-")) for r in rows)
            assert restored.memories == {"button": {"packet": newest}}
            assert (await store.commit(pressed(run * 100_000 + 99_999))).durable
            acknowledged[f"press-{run * 100_000 + 99_999:06}"] = (store.epoch, len(rows) + 1)

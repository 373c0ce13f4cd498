"""What the parts of a district use: processor, memory, files, disk; and the machine's load."""

import os
from collections import Counter
from pathlib import Path

import psutil

from tests.district import Nodes, Postgres, Workers
from tests.fleet.flock import Flock

MIB = 1024 * 1024
Used = dict[tuple[str, int], float]


class Costs:
    """Looks at processes from outside."""

    def __init__(
        self, directory: Path, nodes: Nodes, postgres: Postgres, workers: Workers, flock: Flock
    ) -> None:
        self._directory, self._nodes, self._postgres = directory, nodes, postgres
        self._workers, self._flock = workers, flock
        self.loads: list[float] = []

    def _trees(self) -> dict[str, list[psutil.Process]]:
        """Return the processes of each part."""
        server = self._postgres.process
        pids = {
            "nats": [node.pid for node in self._nodes.processes if node is not None],
            "postgres": [] if server is None else [server.pid],
            "workers": [worker.pid for worker in self._workers.processes.values()],
            "fleet": [child.pid for child in self._flock.processes],
        }
        found: dict[str, list[psutil.Process]] = {}
        for name, roots in pids.items():
            whole = [psutil.Process(pid) for pid in roots if psutil.pid_exists(pid)]
            found[name] = whole + [kid for one in whole for kid in one.children(recursive=True)]
        return found

    def cpu(self) -> Used:
        """Return the processor seconds that each process has used; note the load."""
        self.loads.append(os.getloadavg()[0])
        used = {}
        for name, processes in self._trees().items():
            for process in processes:
                times = process.cpu_times()
                used[name, process.pid] = times.user + times.system
        return used

    def spent(self, what: str, before: Used, seconds: float) -> list[str]:
        """Return lines about what the parts used since `before`."""
        cores: Counter[str] = Counter()
        for key, value in self.cpu().items():
            cores[key[0]] += value - before.get(key, 0.0)  # type: ignore[assignment]
        trees = self._trees()
        memory = {name: sum(p.memory_info().rss for p in trees[name]) for name in trees}
        files = {name: max((p.num_fds() for p in trees[name]), default=0) for name in trees}
        return [
            f"   {what}: {name:<9} {used / seconds:5.2f} cores"
            f" {memory[name] / MIB:7.0f} MiB {files[name]:6} files at most in one"
            for name, used in cores.items()
        ]

    async def storage(self) -> dict[str, int]:
        """Return the bytes that were written to the stores."""
        ((wal,),) = await self._postgres.rows("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        ((size,),) = await self._postgres.rows("SELECT pg_database_size(current_database())")
        streams = sum(
            path.stat().st_size for path in self._directory.glob("nats-*/**/*") if path.is_file()
        )
        return {"PostgreSQL's log": int(wal), "PostgreSQL": int(size), "JetStream": streams}

    @property
    def load(self) -> str:
        """Return the least and the most load that was seen."""
        least, most = round(min(self.loads)), round(max(self.loads))
        return f"{least}" if least == most else f"{least} to {most}"

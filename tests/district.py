"""A district for tests and for scripts/fleet: NATS nodes with partitions, PostgreSQL, workers.

Everything on loopback, everything its own, everything killable. PostgreSQL does not run as root:
then it runs as the user that Debian's package makes, in a directory of its own.
"""

import asyncio
import os
import pwd
import shutil
import signal
import ssl
import sys
import tempfile
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg
import pytest

from gateway.centre.district.streams import mappings
from tests.faults.cluster import answers, free_base
from tests.faults.nats import NATS
from tests.hubs import ROOT

_DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
_FOUND = _DEBIAN[-1] if _DEBIAN else shutil.which("postgres")
POSTGRES = Path(_FOUND).parent if _FOUND else None
READY_S = 60.0
CPU = Path("/sys/fs/cgroup/cpu")

needs_district = pytest.mark.skipif(
    not (NATS and POSTGRES),
    reason="nats-server or PostgreSQL is missing: apt-get install nats-server postgresql",
)

NODE = """
server_name: n{number}
listen: 127.0.0.1:{client}
jetstream: {{ store_dir: "{directory}/nats-{number}", max_file_store: 16GB }}
mqtt: {{
  host: 127.0.0.1, port: {mqtt}
  # A consumer a subscription with QoS 1: three copies of each, on disk, were the end of 1,000 hubs.
  consumer_replicas: 1, consumer_memory_storage: true
}}
{cluster}
{mappings}
"""
CLUSTER = "cluster: {{ name: ansim-{base}, listen: 127.0.0.1:{route}, routes: [{routes}] }}"


class Nodes:
    """Some nats-servers, one cluster if there are more than one."""

    def __init__(self, directory: Path, count: int, partitions: int, seed: int = 1) -> None:
        base = free_base(seed, 3 * count)
        self.mqtt = [base + number for number in range(count)]
        self._route = [base + count + number for number in range(count)]
        self._client = [base + 2 * count + number for number in range(count)]
        self._directory, self._partitions = directory, partitions
        self.tls: ssl.SSLContext | None = None
        self.processes: list[Process | None] = [None] * count

    @property
    def urls(self) -> list[str]:
        """Return where workers connect."""
        return [f"nats://127.0.0.1:{port}" for port in self._client]

    async def __aenter__(self) -> Self:
        for number in range(len(self.mqtt)):
            await self.start(number)
        await self.whole()
        return self

    async def __aexit__(self, *_: object) -> None:
        for number in range(len(self.mqtt)):
            await self.kill(number)

    async def whole(self) -> None:
        """Wait until every node lets a hub in."""
        async with asyncio.timeout(READY_S):
            for port in self.mqtt:
                while not await answers(port, tls=self.tls):  # noqa: ASYNC110 - a process of its own
                    await asyncio.sleep(0.1)

    async def kill(self, number: int) -> None:
        """SIGKILL a node."""
        node, self.processes[number] = self.processes[number], None
        if node is not None and node.returncode is None:
            node.kill()
            await node.wait()

    @property
    def routes(self) -> str:
        """Return where the nodes find each other."""
        return ", ".join(f"nats://127.0.0.1:{port}" for port in self._route)

    def config(self, number: int) -> str:
        """Return a node's configuration."""
        cluster = CLUSTER.format(base=self._route[0], route=self._route[number], routes=self.routes)
        return NODE.format(
            number=number,
            directory=self._directory,
            client=self._client[number],
            mqtt=self.mqtt[number],
            cluster=cluster if len(self.mqtt) > 1 else "",
            mappings=mappings(self._partitions),
        )

    def login(self) -> list[str]:
        """Return how a worker is let in: its further options."""
        brokers = [word for port in self.mqtt for word in ("--broker", f"mqtt://127.0.0.1:{port}")]
        return [word for url in self.urls for word in ("--nats", url)] + brokers

    async def start(self, number: int) -> None:
        """Start a node."""
        config = self._directory / f"nats-{number}.conf"
        config.write_text(self.config(number))
        assert NATS is not None
        with (self._directory / f"nats-{number}.log").open("ab") as log:
            self.processes[number] = await asyncio.create_subprocess_exec(
                NATS, "-c", str(config), stdout=log, stderr=log, stdin=DEVNULL
            )

    @contextmanager
    def starved(self, cores: float) -> Iterator[None]:
        """Give all nodes together so many cores, as a busy machine would (cgroups, as root)."""
        group = CPU / f"ansim-fleet-{self.mqtt[0]}"
        group.mkdir()
        try:
            (group / "cpu.cfs_quota_us").write_text(f"{cores * 100_000:.0f}")
            (group / "cpu.cfs_period_us").write_text("100000")
            for node in self.processes:
                if node is not None:
                    (group / "cgroup.procs").write_text(str(node.pid))
            yield
        finally:
            for task in (group / "cgroup.procs").read_text().split():
                (CPU / "cgroup.procs").write_text(task)
            group.rmdir()


class Postgres:
    """A PostgreSQL of its own on a unix socket; durable as it comes (fsync on)."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="ansim-pg-"))
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            who = pwd.getpwnam("postgres")
            os.chown(self._directory, who.pw_uid, who.pw_gid)
            self._as = {"user": who.pw_uid, "group": who.pw_gid, "extra_groups": []}
        self.process: Process | None = None
        self._database, self._made = "postgres", 0

    @property
    def dsn(self) -> str:
        """Return how to connect."""
        return f"postgresql://postgres@/{self._database}?host={self._directory}"

    async def empty(self) -> None:
        """Go on with a new database: making one takes less than another server."""
        self._made += 1
        await self.rows(f"CREATE DATABASE again{self._made}")
        self._database = f"again{self._made}"

    async def __aenter__(self) -> Self:
        options = ("--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust", "-U", "postgres")
        made = await self._run("initdb", "-D", str(self._directory / "data"), *options)
        assert await made.wait() == 0, "initdb failed"
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()
        async with asyncio.timeout(READY_S):  # what it started ends a little later by itself
            while self._directory.exists():
                shutil.rmtree(self._directory, ignore_errors=True)
                await asyncio.sleep(0.05)

    async def start(self) -> None:
        """Start and wait until it answers: after a kill, not before the last of the old is gone."""
        data = str(self._directory / "data")
        settings = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self._directory}")
        async with asyncio.timeout(READY_S):
            while True:
                if self.process is None or self.process.returncode is not None:
                    self.process = await self._run("postgres", "-D", data, *settings)
                try:
                    connection = await asyncpg.connect(self.dsn, timeout=2)
                except (OSError, asyncpg.PostgresError, TimeoutError):
                    await asyncio.sleep(0.1)
                    continue
                await connection.close()
                return

    async def kill(self) -> None:
        """SIGKILL of the postmaster; its children notice within moments."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def rows(self, sql: str, *values: object) -> list[asyncpg.Record]:
        """Return what a query finds."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            return list(await connection.fetch(sql, *values))
        finally:
            await connection.close()

    async def until(self, sql: str, value: object) -> None:
        """Wait until a query gives this one value."""
        while (await self.rows(sql))[0][0] != value:  # noqa: ASYNC110 - a process of its own
            await asyncio.sleep(0.1)

    async def _run(self, program: str, *arguments: str) -> Process:
        with (self._directory / f"{program}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                f"{POSTGRES}/{program}",
                *arguments,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                **self._as,
            )


class Workers:
    """Worker processes from their command line on."""

    def __init__(self, directory: Path, options: Sequence[str]) -> None:
        self._directory, self._options = directory, list(options)
        self.processes: dict[str, Process] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for name in list(self.processes):
            await self.kill(name)

    async def start(self, name: str) -> Process:
        """Start one."""
        command = [sys.executable, "-m", "gateway", "centre-worker", "--name", name]
        with (self._directory / f"{name}.log").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *command, *self._options, cwd=ROOT, stdin=DEVNULL, stdout=log, stderr=log
            )
        self.processes[name] = process
        return process

    def stop(self, name: str) -> None:
        """SIGSTOP one: it hangs, and knows nothing of it."""
        self.processes[name].send_signal(signal.SIGSTOP)

    async def kill(self, name: str) -> None:
        """SIGKILL one."""
        process = self.processes.pop(name)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
            await process.wait()


def options(nodes: Nodes, postgres: Postgres, district: str, partitions: int) -> list[str]:
    """Return what every worker of a district is told."""
    counts = ["--partitions", str(partitions), "--replicas", str(min(3, len(nodes.mqtt)))]
    return ["--dsn", postgres.dsn, *nodes.login(), "--district", district, *counts]

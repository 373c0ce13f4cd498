"""One lane of a sitting: a process that does one run after another (tests.faults.sitting).

    stdin    {"seed", "theme", "broker", "tls", "mqtt", "keep", "keep_bad", "sabotage"}  a line each
    stdout   {"seed", "account"} or {"seed", "trouble"}                                  a line each

It ends when its stdin ends, in the middle of a run too. As root its mounts are its own and go with
it, however it dies.
"""

import asyncio
import contextlib
import ctypes
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

from gateway.settings import MqttChoice
from tests.faults.card import can_mount
from tests.faults.children import Nursery
from tests.faults.engine import Engine
from tests.faults.plan import Plan, plan
from tests.faults.run import run
from tests.faults.wire import can_wire

CLONE_NEWNS = 0x00020000


def own_mounts() -> None:
    """Keep this process's mounts to itself, where it may (root)."""
    if os.geteuid() == 0 and not ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS):
        subprocess.run(["mount", "--make-rprivate", "/"], check=False)  # noqa: S607


def cannot(turn: Plan, engine: Engine) -> str:
    """Return why a plan cannot be played here, or nothing."""
    if not engine.plays(turn):
        return f"not played on {engine.name}{' with TLS' if engine.secure else ''}"
    if turn.disk_mb and not can_mount():
        return "this user may not mount (root)"
    if turn.wired and not can_wire():
        return "this user may not make a tun (root)"
    return ""


def theme_of(seed: int, engine: Engine) -> str:
    """Return the theme of a seed's turn, or `kills` where this machine cannot play that one."""
    turn = plan(seed)
    return "kills" if cannot(turn, engine) else turn.theme


async def one(nursery: Nursery, engine: Engine, job: dict[str, Any]) -> dict[str, Any]:
    """Do one run and return its answer."""
    seed = job["seed"]
    keep = Path(job["keep"]) / str(seed) if job["keep"] else None
    keep_bad = Path(job["keep_bad"]) if job["keep_bad"] else None
    try:
        account = await run(
            nursery,
            plan(seed, job["theme"] or theme_of(seed, engine)),
            keep,
            keep_bad,
            engine=engine,
            sabotage=job["sabotage"],
        )
    except Exception:  # noqa: BLE001 - the harness's own trouble is no account
        return {"seed": seed, "trouble": traceback.format_exc()}
    return {"seed": seed, "account": account.as_json()}


async def serve(answers: TextIO) -> None:
    """Do runs until stdin ends."""
    jobs: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    working = asyncio.create_task(_work(jobs, answers))

    async def listen() -> None:
        while line := await reader.readline():
            jobs.put_nowait(json.loads(line))
        working.cancel()

    listening = asyncio.create_task(listen())
    with contextlib.suppress(asyncio.CancelledError):
        await working
    listening.cancel()


async def _work(jobs: "asyncio.Queue[dict[str, Any] | None]", answers: TextIO) -> None:
    async with Nursery() as nursery, contextlib.AsyncExitStack() as stack:
        engine: Engine | None = None
        while job := await jobs.get():
            if engine is None:  # a lane keeps its brokers: a sitting has one kind
                wanted = Engine(job["broker"], job["tls"], MqttChoice(job["mqtt"]), job["seed"])
                engine = await stack.enter_async_context(wanted)
            answer = await one(nursery, engine, job)
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


def main() -> None:
    """Be a lane. What anything here prints goes to stderr: stdout is for answers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    own_mounts()
    asyncio.run(serve(answers))


if __name__ == "__main__":
    main()

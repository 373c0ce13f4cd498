"""The local socket through which a technician asks the running daemon: status, scan.

One JSON object a line each way: {"ask": "status"} is answered by {"ok": true, "answer": {...}},
or {"ok": false, "error": "..."}. Root and the socket's group (mode 0660) may ask. A second process
that scanned for itself would only get InProgress from BlueZ, so whoever wants to see the air asks
here.
"""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from gateway.errors import HubError

MAX_LINE = 4096
IDLE_S = 60.0
MODE = 0o660

Answer = Callable[[Mapping[str, Any]], Awaitable[Any]]


class ControlError(HubError):
    """The daemon is not there, or refuses what was asked."""


@contextlib.asynccontextmanager
async def serve(path: Path, answers: Mapping[str, Answer]) -> AsyncIterator[None]:
    """Answer on the socket while the context lasts. A socket left by a dead daemon is replaced."""
    _make_way(path)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(IDLE_S * 5):
                while line := await reader.readline():
                    writer.write(await _answer(line, answers) + b"\n")
                    await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # a client that went away, or wrote a line without end, is no matter of ours
        finally:
            writer.close()

    server = await asyncio.start_unix_server(client, path, limit=MAX_LINE)
    os.chmod(path, MODE)  # noqa: PTH101 - the path methods are called blocking in coroutines
    try:
        yield
    finally:
        server.close()
        _make_way(path)


def _make_way(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)


async def _answer(line: bytes, answers: Mapping[str, Answer]) -> bytes:
    try:
        asked = json.loads(line)
        answer = answers[asked["ask"]]
    except (ValueError, KeyError, TypeError):
        known = ", ".join(sorted(answers))
        return json.dumps({"ok": False, "error": f"ask one of: {known}"}).encode()
    try:
        return json.dumps({"ok": True, "answer": await answer(asked)}, ensure_ascii=False).encode()
    except Exception as error:  # noqa: BLE001 - a technician's question must not end the daemon
        return json.dumps({"ok": False, "error": repr(error)}).encode()


async def ask(path: Path, question: Mapping[str, Any], limit_s: float = IDLE_S) -> Any:
    """Ask the running daemon; ControlError says what to do when it does not answer."""
    try:
        async with asyncio.timeout(limit_s):
            reader, writer = await asyncio.open_unix_connection(path, limit=16 * 1024 * 1024)
            try:
                writer.write(json.dumps(dict(question)).encode() + b"\n")
                await writer.drain()
                line = await reader.readline()
            finally:
                writer.close()
    except FileNotFoundError:
        raise ControlError(
            f"no daemon listens at {path}: is ansim-gateway running? / "
            "데몬이 실행 중이 아닙니다: systemctl status ansim-gateway"
        ) from None
    except PermissionError:
        raise ControlError(
            f"not allowed to ask at {path}: use sudo, or join its group / "
            "권한이 없습니다: sudo를 쓰거나 해당 그룹에 들어가십시오"
        ) from None
    except (OSError, TimeoutError) as error:
        raise ControlError(
            f"the daemon at {path} does not answer: {error!r} / 데몬이 응답하지 않습니다"
        ) from None
    told = json.loads(line)
    if not told["ok"]:
        raise ControlError(told["error"])
    return told["answer"]

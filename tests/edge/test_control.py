"""The control socket: questions in, answers out, and a clear word when nobody is there."""

import asyncio
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.edge.control import ControlError, ask, serve


async def echo(asked: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"asked": asked["ask"], "text": "경보"}


async def broken(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
    raise ValueError("no such thing")


async def test_a_question_is_answered_and_only_the_group_may_ask(tmp_path: Path) -> None:
    path = tmp_path / "run" / "control.sock"
    async with serve(path, {"echo": echo}):
        assert await ask(path, {"ask": "echo"}) == {"asked": "echo", "text": "경보"}
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert not path.exists()


async def test_a_socket_left_by_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("left behind")
    async with serve(path, {"echo": echo}):
        assert (await ask(path, {"ask": "echo"}))["asked"] == "echo"


async def test_an_unknown_or_failing_question_is_refused_and_the_next_is_answered(
    tmp_path: Path,
) -> None:
    path = tmp_path / "control.sock"
    async with serve(path, {"echo": echo, "broken": broken}):
        with pytest.raises(ControlError, match="ask one of: broken, echo"):
            await ask(path, {"ask": "reboot"})
        with pytest.raises(ControlError, match="no such thing"):
            await ask(path, {"ask": "broken"})
        assert (await ask(path, {"ask": "echo"}))["asked"] == "echo"


async def test_a_client_that_writes_garbage_or_without_end_harms_nobody(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    async with serve(path, {"echo": echo}):
        for data in (b"\xff\xfe\n", b"[1]\n", b"x" * 100_000):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(data)
            writer.write_eof()
            await reader.read()
            writer.close()
        assert (await ask(path, {"ask": "echo"}))["asked"] == "echo"


async def test_without_a_daemon_the_technician_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="is ansim-gateway running"):
        await ask(tmp_path / "none.sock", {"ask": "echo"})

"""What tells the resident: a command of the technician's choice, run once for each announcement.

In the command's words `{sound}` stands for what is announced and `{kind}` for the kind of alarm; so
`systemctl start --no-block ansim-announce@{sound}.service` starts a unit of its own, which it
should: the daemon's sandbox has no sound card. It gets ten seconds; a failing one is reported and
never delays an alarm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.core.outputs import Announce

LIMIT_S = 10.0

Announcer = Callable[[Announce], Awaitable[None]]


async def silent(_announce: Announce) -> None:
    """Tell nobody: no command is configured."""


class CommandAnnouncer:
    """Runs the configured command; announcements queue behind each other, in order."""

    def __init__(self, command: Sequence[str], log: Any) -> None:
        self._command = tuple(command)
        self._log = log
        self._lock = asyncio.Lock()

    async def __call__(self, announce: Announce) -> None:
        """Run the command for one announcement."""
        sound, kind = announce.sound.value, announce.alert.kind.value
        command = [word.replace("{sound}", sound).replace("{kind}", kind) for word in self._command]
        async with self._lock:
            try:
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=asyncio.subprocess.DEVNULL
                )
            except OSError as error:
                self._log.warning("announcer cannot be run", error=str(error))
                return
            try:
                async with asyncio.timeout(LIMIT_S):
                    status = await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
                status = -1
            if status != 0:
                self._log.warning("announcer failed", status=status, sound=sound, kind=kind)

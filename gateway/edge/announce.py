"""What tells the resident: a command of the technician's choice, run once for each announcement.

In the command's words `{sound}` stands for what is announced and `{kind}` for the kind of alarm,
empty where it is about none; so `systemctl start --no-block ansim-announce@{sound}.service` starts
a unit of its own, which it should: the daemon's sandbox has no sound card. It gets ten seconds; a
failing one is reported and never delays an alarm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from gateway.core.outputs import Announce

LIMIT_S = 10.0

Announcer = Callable[[Announce], Awaitable[None]]


async def silent(_announce: Announce) -> None:
    """Tell nobody: no command is configured."""


class CommandAnnouncer:
    """Runs the configured command; announcements queue behind each other, in order.

    on_health: told (False, why) when the command begins to fail and (True, "") when it works, at
    first and again: a cancel window that nobody hears of is a technical fault.
    """

    def __init__(self, command: Sequence[str], on_health: Callable[[bool, str], None]) -> None:
        self._command = tuple(command)
        self._on_health = on_health
        self._works: bool | None = None
        self._lock = asyncio.Lock()

    async def __call__(self, announce: Announce) -> None:
        """Run the command for one announcement."""
        sound = announce.sound.value
        kind = announce.alert.kind.value if announce.alert else ""
        command = [word.replace("{sound}", sound).replace("{kind}", kind) for word in self._command]
        async with self._lock:
            wrong = await self._run(command)
        if self._works is not (not wrong):
            self._works = not wrong
            self._on_health(self._works, wrong)

    @staticmethod
    async def _run(command: Sequence[str]) -> str:
        """Run it; return what went wrong, or an empty text."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL
            )
        except OSError as error:
            return str(error)
        try:
            async with asyncio.timeout(LIMIT_S):
                status = await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
            return f"no end within {LIMIT_S:g} s"
        return f"exit status {status}" if status else ""

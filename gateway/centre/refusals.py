"""Messages against the contract, told without letting one broken hub fill the journal."""

from gateway.centre.outcome import Event, Notice

QUIET_MS = 60_000


class Refusals:
    """The first of a hub is told at once; what follows within a minute is told as a number."""

    def __init__(self) -> None:
        self._told: dict[str, tuple[int, int]] = {}

    def note(self, topic: str, why: str, at_ms: int) -> Event | None:
        """Return the event to tell, or None while it only counts."""
        parts = topic.split("/")
        hub = parts[3][:64] if len(parts) > 3 else ""  # noqa: PLR2004 - ansim/1/district/hub
        told_ms, more = self._told.get(hub, (at_ms - QUIET_MS, 0))
        if at_ms - told_ms < QUIET_MS:
            self._told[hub] = (told_ms, more + 1)
            return None
        self._told[hub] = (at_ms, 0)
        besides = f" (and {more} before it)" if more else ""
        return Event(at_ms, Notice.PROTOCOL, hub, "", f"{why[:300]}{besides}")

"""Whether the centre answers: plain bookkeeping, the event loop's time comes in with each call.

The centre is up when it says so or acknowledges anything; it is down when it says so (its retained
state, or the broker's will for it), or when an alarm has waited 30 s for `stored`, whether or not a
broker could be reached. Only what it says itself holds telemetry back: silence may be about one
message that it will never store.
"""

from collections.abc import Callable

from gateway.core.alerts import SECOND_BROKER_AFTER_S
from gateway.edge.lanes import AlarmLane

NOT_STORED_S = 30.0


class CentreLink:
    """What is known of the centre. `changed(up, detail)` is called once for each change."""

    def __init__(
        self,
        alarms: AlarmLane,
        brokers: int,
        changed: Callable[[bool, str], None],
        pace: float = 1.0,
    ) -> None:
        self._alarms = alarms
        self._brokers = brokers
        self._changed = changed
        self._pace = pace
        self._switches = 0  # brokers changed since something was stored
        self.up: bool | None = None
        self.left = False  # it said so itself
        self.last_stored: float | None = None

    def answered(self) -> bool:
        """Note any acknowledgement; say whether the centre is back with it."""
        self.left = False
        return self._turn(up=True)

    def stored(self, now: float) -> None:
        """Note that it stored something."""
        self.last_stored = now
        self._switches = 0

    def says(self, *, online: bool) -> bool:
        """Note what it says of itself; say whether it is back."""
        self.left = not online
        return self._turn(up=online, detail="" if online else "the centre says it is gone")

    def check(self, now: float) -> str:
        """Look for alarms without answer; return why the broker should be changed, or nothing."""
        offered, sent = self._alarms.oldest_offered(), self._alarms.oldest_sent()
        heard = float("-inf") if self.last_stored is None else self.last_stored
        if offered is not None and now - max(offered, heard) >= NOT_STORED_S:
            self._turn(up=False, detail=f"no `stored` for an alarm for {NOT_STORED_S:g} s")
        patience = (
            self._pace * SECOND_BROKER_AFTER_S * 2.0 ** min(self._switches // self._brokers, 5)
        )
        if self._brokers == 1 or sent is None or now - max(sent, heard) < patience:
            return ""
        self._switches += 1
        return f"an alarm was not stored within {patience:g} s"

    def _turn(self, *, up: bool, detail: str = "") -> bool:
        was, self.up = self.up, up
        if was is None or was != up:
            self._changed(up, detail)
        return up and was is False

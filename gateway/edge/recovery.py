"""Bringing a deaf adapter back: which means, in which order. The policy; pure.

What is known of the fault (`Sign`) chooses the ladder, since a scan that is started anew helps
nobody whose bluetoothd hangs. Each means is tried once in a deafness, the mildest first:

    scan      stop and start the scan
    power     switch the adapter off and on (D-Bus)
    spare     go on with another adapter
    daemon    restart bluetoothd (a root unit, through polkit)
    reset     reset the controller: USB, or the serial driver of a Raspberry Pi (a root unit)
    systemd   end this process with an error: systemd starts a new one

After each the adapter gets a while in which anything at all must be heard. When the ladder is
through, a pause that grows, and it is climbed again. Three rules keep it from harming: a living
stream of a band is only broken when two scans in a row brought nothing; what BlueZ says is mended
is left in peace in a house that is often silent (`silence_tells`); and the last rung is taken only
by a process that has heard something in its life: a new one will hear no dongle that is dead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from gateway.supervise import backoff


class Sign(StrEnum):
    """What is known of the fault."""

    SILENT = "silent"  # powered, scanning, and nothing is heard
    STOPPED = "stopped"  # BlueZ does not scan although it was told to
    REFUSED = "refused"  # the scan could not be started
    OFF = "off"  # the adapter is switched off or blocked
    GONE = "gone"  # there is no such adapter
    ABSENT = "absent"  # there is no bluetoothd
    RESTARTED = "restarted"  # there is another bluetoothd than the one that was told to scan
    HUNG = "hung"  # bluetoothd does not answer


class Rung(StrEnum):
    """One means."""

    SCAN = "scan"
    POWER = "power"
    SPARE = "spare"
    DAEMON = "daemon"
    RESET = "reset"
    SYSTEMD = "systemd"


_WHOLE = (Rung.SCAN, Rung.POWER, Rung.SPARE, Rung.DAEMON, Rung.RESET, Rung.SYSTEMD)

LADDERS: Mapping[Sign, tuple[Rung, ...]] = MappingProxyType(
    {
        Sign.SILENT: _WHOLE,
        Sign.STOPPED: _WHOLE,
        Sign.REFUSED: _WHOLE,
        Sign.OFF: (Rung.POWER, Rung.SPARE, Rung.RESET, Rung.DAEMON, Rung.SYSTEMD),
        # Asking for it starts bluetoothd (D-Bus activation): a scan is enough, most of the time.
        Sign.ABSENT: (Rung.SCAN, Rung.DAEMON, Rung.SYSTEMD),
        Sign.RESTARTED: (Rung.SCAN, Rung.DAEMON, Rung.SYSTEMD),
        Sign.HUNG: (Rung.DAEMON, Rung.RESET, Rung.SYSTEMD),
        # Pulled out, or its firmware has crashed: it may be back by itself.
        Sign.GONE: (Rung.SCAN, Rung.SPARE, Rung.DAEMON, Rung.RESET),
    }
)

# Seconds in which anything must be heard after a means: its own time, before the air's is added.
SETTLE_S: Mapping[Rung, float] = MappingProxyType(
    {
        Rung.SCAN: 4.0,
        Rung.POWER: 5.0,
        Rung.SPARE: 4.0,
        Rung.DAEMON: 6.0,
        Rung.RESET: 8.0,
        Rung.SYSTEMD: 60.0,
    }
)
AIR_TIMES = 1.5  # the longest silence of late, so many times
AIR_MOST_S = 30.0
AIR_LAST_S = 900.0
"""So long at most before the process ends itself: a home of a few sensors that speak every ten
minutes climbed the whole ladder in three minutes, also when its first step had helped."""
PAUSE_FIRST_S, PAUSE_MOST_S = 5.0, 300.0
SCANS_BESIDE_A_STREAM = 2


def patience_s(rung: Rung, usual_s: float, most_s: float = AIR_MOST_S) -> float:
    """Return how long to listen after a means; `usual_s`: the longest silence of a hearing adapter.

    >>> patience_s(Rung.SCAN, 0.5), patience_s(Rung.RESET, 10.0), patience_s(Rung.SCAN, 600.0)
    (4.75, 23.0, 34.0)
    """
    return SETTLE_S[rung] + min(AIR_TIMES * usual_s, most_s)


def silence_tells(sign: Sign, usual_s: float) -> bool:
    """Return whether silence after a means says that it has not helped.

    After a proven silence it does. A fault that BlueZ has named and does not name any more is
    mended as far as anybody knows; then silence says something only where the air is never silent
    for so long. A quiet house that had one fault at night must be left in peace: there it takes the
    same proof as ever (gateway.edge.hearing).

    >>> silence_tells(Sign.SILENT, 600.0), silence_tells(Sign.OFF, 5.0)
    (True, True)
    >>> silence_tells(Sign.OFF, 600.0), silence_tells(Sign.OFF, 0.0)
    (False, False)
    """
    return sign is Sign.SILENT or 0.0 < AIR_TIMES * usual_s <= AIR_MOST_S


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next. rung None: nothing, for `wait_s`. Otherwise do it, then listen so long.

    last: only the process's end is left; so listen also if this cannot be done.
    """

    rung: Rung | None
    wait_s: float
    last: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """How far one deafness has come. `Ladder()` is its beginning; each step returns the next state.

    tried: means of this round. scans: how many scans were started anew in a row. rounds: ladders
    that are through.
    """

    tried: frozenset[Rung] = frozenset()
    scans: int = 0
    rounds: int = 0

    def step(
        self,
        sign: Sign,
        *,
        can: frozenset[Rung] = frozenset(Rung),
        streaming: bool = False,
        heard_ever: bool = True,
        usual_s: float = 0.0,
        often_s: float | None = None,
    ) -> tuple["Ladder", Step]:
        """Return the next state and what to do.

        can: the means that exist here. streaming: a band is being heard all the while. usual_s,
        often_s: the longest silence of late, and that which nine of ten do not exceed (the longest
        unless given); the first is waited for only before the process ends itself.
        """
        often_s = usual_s if often_s is None else often_s
        unproven = sign in {Sign.SILENT, Sign.STOPPED}
        if streaming and unproven and self.scans < SCANS_BESIDE_A_STREAM:
            return self._after(Rung.SCAN, often_s)
        barred = set() if heard_ever else {Rung.SYSTEMD}
        not_yet = can - self.tried - barred
        if left := [rung for rung in LADDERS[sign] if rung in not_yet]:
            last = left[1:] == [Rung.SYSTEMD]
            return self._after(left[0], usual_s if last else often_s, last=last)
        rounds = self.rounds + 1
        pause_s = backoff(rounds, first_s=PAUSE_FIRST_S, ceiling_s=PAUSE_MOST_S)
        return Ladder(rounds=rounds), Step(None, pause_s)

    def _after(self, rung: Rung, air_s: float, *, last: bool = False) -> tuple["Ladder", Step]:
        scans = self.scans + (rung is Rung.SCAN)
        state = replace(self, tried=self.tried | {rung}, scans=scans)
        most_s = AIR_LAST_S if last else AIR_MOST_S
        return state, Step(rung, patience_s(rung, air_s, most_s), last)

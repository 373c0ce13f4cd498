"""Technical faults of the hub: adapter deaf, database failing, bind key wrong, clock wrong."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from gateway.core.inputs import Input
from gateway.core.model import (
    At,
    Decision,
    Heard,
    HubReturned,
    Kind,
    Link,
    LinkChange,
    Reason,
    Stage,
    Tick,
)

MINUTE_MS = 60_000

# What a link's fall means to a technician, and the words for its fall and its return.
FAULTS: Mapping[Link, tuple[Kind, str, str]] = MappingProxyType(
    {
        Link.ADAPTER: (Kind.FAULT_ADAPTER, "adapter.deaf", "adapter.back"),
        Link.STORE: (Kind.FAULT_STORE, "store.failed", "store.back"),
        Link.ANNOUNCER: (Kind.FAULT_HUB, "announcer.failed", "announcer.back"),
        Link.BOND: (Kind.FAULT_SENSOR, "sensor.bond", "sensor.bond-back"),
        Link.KEY: (Kind.FAULT_SENSOR, "sensor.key", "sensor.key-back"),
    }
)

# A sensor's fault may be its silence as well: after a restart a wrong key is news all the same.
HUB_FAULTS = frozenset({Kind.FAULT_ADAPTER, Kind.FAULT_STORE})


class LinkDetector:
    """Faults that a part of the edge has already proven: adapter, store, bind keys."""

    def __init__(self) -> None:
        self._down: set[tuple[Kind, str]] = set()
        self._keys: set[str] = set()

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return the fault when a part falls, and its end when it is back."""
        if isinstance(given, HubReturned):
            self._down = {(kind, device) for kind, device in given.open if kind in HUB_FAULTS}
            self._keys = {device for kind, device in given.open if kind is Kind.FAULT_SENSOR}
        if isinstance(given, Heard) and given.device in self._keys:
            # No link change comes from a radio to whom the key has fitted from its start.
            given = LinkChange(given.at, Link.KEY, up=True, device=given.device)
        if not isinstance(given, LinkChange) or given.link not in FAULTS:
            return
        kind, fell, back = FAULTS[given.link]
        if given.up and given.link is Link.KEY and given.device in self._keys:
            self._down.add((kind, given.device))
        self._keys.discard(given.device)
        device = given.device or given.link.value
        if given.step:
            if (kind, device) in self._down:
                told = Reason(f"{given.link.value}.step-{given.step}", {"detail": given.detail})
                yield Decision(kind, Stage.NOTED, given.at, device, told)
            return
        if given.up != ((kind, device) in self._down):
            return
        (self._down.discard if given.up else self._down.add)((kind, device))
        yield Decision(
            kind=kind,
            stage=Stage.ENDED if given.up else Stage.CONFIRMED,
            at=given.at,
            device=device,
            reason=Reason(back if given.up else fell, {"detail": given.detail}),
        )


class ClockDetector:
    """The hub's own clock: never proven for ten minutes, or jumping while it was believed.

    A jump is seen against the monotonic clock, which cannot jump: the difference between the two
    is a constant of the boot while both are right.
    """

    UNPROVEN_MS = 10 * MINUTE_MS
    JUMP_MS = 2 * MINUTE_MS

    def __init__(self) -> None:
        self._first: At | None = None
        self._offset: tuple[str, int] | None = None
        self._told = False

    def feed(self, given: Input) -> Iterable[Decision]:
        """Return faults of the clock, judged at ticks."""
        if isinstance(given, HubReturned):
            self._told = (Kind.FAULT_CLOCK, "clock") in given.open
        if not isinstance(given, Tick):
            return
        at = given.at
        if self._first is None or self._first.boot != at.boot:
            self._first = at
        if at.proven:
            yield from self._proven(at)
        elif not self._told and at.mono_ms - self._first.mono_ms >= self.UNPROVEN_MS:
            self._told = True
            minutes = (at.mono_ms - self._first.mono_ms) / MINUTE_MS
            yield self._decision(
                Stage.CONFIRMED, at, Reason("clock.unproven", {"minutes": minutes})
            )

    def _proven(self, at: At) -> Iterator[Decision]:
        offset = at.wall_ms - at.mono_ms
        if self._told:
            self._told = False
            yield self._decision(Stage.ENDED, at, Reason("clock.proven"))
        known, self._offset = self._offset, (at.boot, offset)
        if known and known[0] == at.boot and abs(offset - known[1]) >= self.JUMP_MS:
            minutes = (offset - known[1]) / MINUTE_MS
            jumped = Reason("clock.jumped", {"minutes": minutes})
            yield self._decision(Stage.CONFIRMED, at, jumped)
            yield self._decision(Stage.ENDED, at, jumped)

    @staticmethod
    def _decision(stage: Stage, at: At, reason: Reason) -> Decision:
        return Decision(Kind.FAULT_CLOCK, stage, at, "clock", reason)

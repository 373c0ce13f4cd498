"""What the uplink needs of the store: rows, and a way to read those not finished."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway.core.outputs import Stream

Order = tuple[int, str, int]
PAGE = 100


class Row(Protocol):
    """A message in the outbox, ready for the wire except `attempt`."""

    @property
    def stream(self) -> Stream:
        """Its stream."""
        ...

    @property
    def epoch(self) -> str:
        """The epoch in which `seq` counts."""
        ...

    @property
    def seq(self) -> int:
        """Its number in its stream."""
        ...

    @property
    def id(self) -> str:
        """Its own id."""
        ...

    @property
    def payload(self) -> Mapping[str, Any]:
        """The message with its envelope."""
        ...

    @property
    def order(self) -> Order:
        """Its place in the order of sending."""
        ...


class Outbox(Protocol):
    """Where unfinished rows are read from (gateway.edge.store)."""

    async def unfinished(
        self, stream: Stream | None = None, limit: int = PAGE, after: Order | None = None
    ) -> Sequence[Row]:
        """Return rows not finished, in their order, after the row of that order."""
        ...

"""What a detector is: inputs in, decisions out; it asks nobody anything and keeps its own state."""

from collections.abc import Iterable
from typing import Protocol

from gateway.core.inputs import Input
from gateway.core.model import Decision


class Detector(Protocol):
    """One rule about one matter. Deterministic: the same inputs give the same decisions."""

    def feed(self, given: Input) -> Iterable[Decision]:
        """Take one input; return what it decides, mostly nothing."""
        ...


class Learning(Detector, Protocol):
    """A detector whose state must survive a restart."""

    name: str

    def save(self) -> bytes:
        """Return the learnt state; small, versioned by the detector itself."""
        ...

    def load(self, state: bytes) -> None:
        """Take back what `save` returned; a state of another version is dropped, not guessed at."""
        ...

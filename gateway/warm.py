"""Compiling every kernel before it is needed: at install, or before READY, never on a fall."""

from gateway.core.detectors import fall, inactivity
from gateway.layouts import pmd


def warm() -> None:
    """Compile, or load from the cache, every kernel the daemon may call."""
    fall.warm()
    inactivity.warm()
    pmd.warm()

"""Every way in which PostgreSQL fails, made one error."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from gateway.errors import StoreError

FAULTS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # of a session whose answer timed out and is used once more
    OSError,
    TimeoutError,
)


@contextmanager
def failing() -> Iterator[None]:
    """Make every way in which PostgreSQL fails one error."""
    try:
        yield
    except FAULTS as wrong:
        raise StoreError(f"PostgreSQL: {wrong!r}") from wrong

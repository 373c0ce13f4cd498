"""Which worker has which partition: advisory locks, held by the very session that commits.

A lock ends with its session, and only this session writes: so who has lost a partition can no
longer write to it, whatever it still holds in memory. Nobody appoints anybody: each worker counts
the members (workers that hear the broker), works out its fair share, and lets go of what is more
or tries for what is less, once a second.
"""

import asyncpg

MEMBER, PARTITION = 0x616E736D, 0x616E7370  # "ansm", "ansp": the locks' own name spaces
_COUNT = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
AND classid = $1 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


def wanted(partitions: int, members: int, *, hearing: bool) -> int:
    """Return how many partitions a worker should have.

    One that does not hear the broker leaves them to those that do; when nobody hears, whoever has
    them keeps them, for a pending alarm must be raised when due all the same.

    >>> [wanted(16, members, hearing=True) for members in (1, 2, 3)]
    [16, 8, 6]
    """
    if not hearing:
        return 0 if members else partitions
    return -(-partitions // max(1, members))


class Leases:
    """The locks of one session."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self._member = False

    async def members(self, *, hearing: bool) -> int:
        """Say whether we are one, and return how many there are."""
        if hearing and not self._member:
            await self._connection.execute("SELECT pg_advisory_lock_shared($1, 0)", MEMBER)
        if self._member and not hearing:
            await self._connection.execute("SELECT pg_advisory_unlock_shared($1, 0)", MEMBER)
        self._member = hearing
        return int(await self._connection.fetchval(_COUNT, MEMBER))

    async def take(self, partition: int) -> bool:
        """Try for a partition."""
        return bool(
            await self._connection.fetchval(
                "SELECT pg_try_advisory_lock($1, $2)", PARTITION, partition
            )
        )

    async def give(self, partition: int) -> None:
        """Let a partition go."""
        await self._connection.execute("SELECT pg_advisory_unlock($1, $2)", PARTITION, partition)

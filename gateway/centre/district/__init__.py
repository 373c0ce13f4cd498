"""The centre's receiving part for a district: N workers, JetStream in front, PostgreSQL behind.

    hubs ─► MQTT gateway ─► two streams, cut into partitions ─► workers ─► ONE commit ─► `stored`
                            (alarm, rest)   hash(hub) mod P    (ledgers)   (PostgreSQL)

Theory of operation. A partition is the hubs whose ids hash to one number. Whoever holds its lock
in PostgreSQL (`leases`) is its only worker: it has the partition's ledger in memory (the very
ledger of the small centre), pulls its two feeds and commits. The commit writes rows AND how far
each feed has been read; only then the hubs hear `stored`. A stream is therefore never acknowledged
to: where to go on is in the database, and nowhere else.

What may break
1. A worker dies: its connection to PostgreSQL ends, its locks with it, and the others take its
   partitions within about a second, from the committed position. One that hangs is thrown out by
   PostgreSQL itself (idle_session_timeout); what it still holds in memory it can no longer commit.
2. A NATS node dies: feeds fall silent, are made anew elsewhere, from the committed position. The
   streams have copies; what was lost with the node all the same the hubs repeat.
3. PostgreSQL dies: the workers drop everything, say so to the homes (centre/state), and begin again
   from what was committed. The streams wait.
4. The unique key (hub, epoch, stream, seq) stands behind all of it: what two owners would write
   twice the database takes once.
"""

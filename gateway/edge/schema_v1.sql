-- The hub's database, version 1 (PRAGMA user_version = 1).
-- An instant is (boot, mono_ms, wall_ms, proven) as gateway.core.model.At; boot is boots.number.

CREATE TABLE self (                    -- one row: which database this is, and how far it has come
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    epoch     TEXT NOT NULL,           -- a ULID made with this file; seq counts within it
    last_seen TEXT                     -- At as JSON: the newest instant that a commit carried
);

CREATE TABLE boots (                   -- the wire's `boot`: a counter kept per boot id
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id     TEXT NOT NULL UNIQUE
);

CREATE TABLE streams (                 -- the last seq given out, also after its row is gone
    stream TEXT PRIMARY KEY,
    seq    INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE outbox (                  -- what the centre has not yet stored
    stream  TEXT NOT NULL,
    epoch   TEXT NOT NULL,             -- of another database or of memory for rows rescued from there
    seq     INTEGER NOT NULL,
    id      TEXT NOT NULL UNIQUE,      -- one message is here once, whatever happened to its commit
    alert   TEXT,
    boot    INTEGER NOT NULL,          -- as sent: the counter of the database it was born in
    boot_id TEXT NOT NULL,
    mono_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    proven  INTEGER NOT NULL,
    durable INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (stream, epoch, seq)
);

CREATE TABLE alerts (
    id     TEXT PRIMARY KEY,
    matter TEXT NOT NULL,
    alert  TEXT NOT NULL               -- the whole Alert as JSON
);

CREATE TABLE memories (                -- decoders' replay and packet counters
    device TEXT PRIMARY KEY,
    counts TEXT NOT NULL
);

CREATE TABLE detectors (               -- what detectors have learnt of this home
    name  TEXT PRIMARY KEY,
    state BLOB NOT NULL
);

CREATE TABLE readings (                -- the last hours, so that a disputed alarm can be replayed
    n       INTEGER PRIMARY KEY,
    boot    INTEGER NOT NULL REFERENCES boots (number),
    mono_ms INTEGER NOT NULL,
    wall_ms INTEGER NOT NULL,
    proven  INTEGER NOT NULL,
    device  TEXT NOT NULL,
    what    TEXT NOT NULL,
    value   TEXT NOT NULL
);
CREATE INDEX readings_by_time ON readings (wall_ms);

CREATE TABLE evicted (                 -- how many rows retention took before their time, by lane
    lane TEXT PRIMARY KEY,
    rows INTEGER NOT NULL
) WITHOUT ROWID;

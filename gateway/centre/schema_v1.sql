-- The control centre's database. Times are Unix milliseconds of the centre's own clock.

-- Every message of a stream, once. The key is what the hubs count by.
CREATE TABLE message (
  hub TEXT NOT NULL,
  epoch TEXT NOT NULL,
  stream TEXT NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  received_ms INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (hub, epoch, stream, seq)
) WITHOUT ROWID;
CREATE INDEX message_age ON message (stream, received_ms);

-- How far each stream has come, as gateway.centre.progress has it.
CREATE TABLE progress (
  hub TEXT NOT NULL,
  epoch TEXT NOT NULL,
  stream TEXT NOT NULL,
  high INTEGER NOT NULL,
  announced INTEGER NOT NULL,
  islands TEXT NOT NULL,
  PRIMARY KEY (hub, epoch, stream)
) WITHOUT ROWID;

-- One alert; `whole` is gateway.centre.case as JSON, the rest is for people's queries.
CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  hub TEXT NOT NULL,
  kind TEXT NOT NULL,
  matter TEXT NOT NULL,
  word TEXT NOT NULL,
  cause TEXT,
  received_ms INTEGER NOT NULL,
  closed_ms INTEGER,
  whole TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX alert_open ON alert (closed_ms);

CREATE TABLE household (
  hub TEXT PRIMARY KEY,
  heard_ms INTEGER NOT NULL,
  whole TEXT NOT NULL
) WITHOUT ROWID;

-- What happened besides: hubs gone and back, holes, messages against the contract.
CREATE TABLE journal (
  at_ms INTEGER NOT NULL,
  notice TEXT NOT NULL,
  hub TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX journal_age ON journal (at_ms);

-- Who did what to whose alarm; Korean safety measures for sensitive data ask for two years.
CREATE TABLE access (
  at_ms INTEGER NOT NULL,
  operator TEXT NOT NULL,
  action TEXT NOT NULL,
  hub TEXT NOT NULL,
  subject TEXT NOT NULL
);
CREATE INDEX access_age ON access (at_ms);

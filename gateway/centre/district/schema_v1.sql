-- A district's database (PostgreSQL). Times are Unix milliseconds of the centre's own clock.
-- What the small centre keeps (gateway/centre/schema_v1.sql), and beside it partitions and positions.

-- One row: what may not change. Another number of partitions would give hubs to two owners.
CREATE TABLE district (version INTEGER NOT NULL, partitions INTEGER NOT NULL);

-- Every message of a stream, once. The key is what the hubs count by.
CREATE TABLE message (
  hub TEXT NOT NULL,
  epoch TEXT NOT NULL,
  stream TEXT NOT NULL,
  seq BIGINT NOT NULL,
  id TEXT NOT NULL,
  received_ms BIGINT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (hub, epoch, stream, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.02);  -- what is deleted makes room for what comes
CREATE INDEX message_age ON message (stream, received_ms);

-- How far each stream has come, as gateway.centre.progress has it.
CREATE TABLE progress (
  hub TEXT NOT NULL,
  epoch TEXT NOT NULL,
  stream TEXT NOT NULL,
  part SMALLINT NOT NULL,
  high BIGINT NOT NULL,
  announced BIGINT NOT NULL,
  islands TEXT NOT NULL,
  PRIMARY KEY (hub, epoch, stream)
) WITH (fillfactor = 70);
CREATE INDEX progress_part ON progress (part);

-- One alert; `whole` is gateway.centre.case as JSON, the rest is for people's queries.
CREATE TABLE alert (
  id TEXT PRIMARY KEY,
  hub TEXT NOT NULL,
  part SMALLINT NOT NULL,
  kind TEXT NOT NULL,
  matter TEXT NOT NULL,
  word TEXT NOT NULL,
  cause TEXT,
  received_ms BIGINT NOT NULL,
  closed_ms BIGINT,
  whole TEXT NOT NULL
);
CREATE INDEX alert_open ON alert (part) WHERE closed_ms IS NULL;
CREATE INDEX alert_age ON alert (closed_ms) WHERE closed_ms IS NOT NULL;

CREATE TABLE household (
  hub TEXT PRIMARY KEY,
  part SMALLINT NOT NULL,
  heard_ms BIGINT NOT NULL,
  whole TEXT NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX household_part ON household (part);

-- How far each feed has been read: written in the transaction of what was read.
CREATE TABLE position (
  lane TEXT NOT NULL,
  part SMALLINT NOT NULL,
  made TEXT NOT NULL,
  seq BIGINT NOT NULL,
  PRIMARY KEY (lane, part)
) WITH (fillfactor = 50);

-- What happened besides: hubs gone and back, holes, messages against the contract.
CREATE TABLE journal (
  at_ms BIGINT NOT NULL,
  notice TEXT NOT NULL,
  hub TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX journal_age ON journal (at_ms);

-- Who did what to whose alarm; Korean safety measures for sensitive data ask for two years.
CREATE TABLE access (
  at_ms BIGINT NOT NULL,
  operator TEXT NOT NULL,
  action TEXT NOT NULL,
  hub TEXT NOT NULL,
  subject TEXT NOT NULL
);
CREATE INDEX access_age ON access (at_ms);

-- Ledgers of ours that a partner has not been told of yet.
CREATE TABLE announcement (
  root      TEXT NOT NULL,
  agreement TEXT NOT NULL,
  ledger    TEXT NOT NULL,
  words     TEXT NOT NULL,
  due_us    BIGINT NOT NULL,
  tries     BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  PRIMARY KEY (root, ledger)
);

-- Versions of our own that wait to be offered to the agreements in force.
CREATE TABLE outbox ( -- sqlite: without rowid
  item     TEXT NOT NULL,
  number   BIGINT NOT NULL,
  priority BIGINT NOT NULL,     -- 0 withdrawal, 1 correction, 2 the rest
  us       BIGINT NOT NULL,
  error    TEXT NOT NULL,       -- why the last try failed
  PRIMARY KEY (item, number)
);
CREATE INDEX outbox_order ON outbox (priority, us);

-- What was not sent, and by which clause.
CREATE TABLE refusal ( -- sqlite: without rowid
  item      TEXT NOT NULL,
  number    BIGINT NOT NULL,
  agreement TEXT NOT NULL,
  clause    TEXT NOT NULL,
  key       TEXT NOT NULL,
  args      TEXT NOT NULL,
  us        BIGINT NOT NULL,
  PRIMARY KEY (item, number, agreement)
);

-- What is wrong with a record that is in a ledger: it is kept, and it stops nothing.
CREATE TABLE trouble ( -- sqlite: without rowid
  ledger TEXT NOT NULL,
  seq    BIGINT NOT NULL,
  kind   TEXT NOT NULL,         -- malformed, unknown, missing, failed, set-aside, not-theirs
  key    TEXT NOT NULL,
  args   TEXT NOT NULL,
  us     BIGINT NOT NULL,
  PRIMARY KEY (ledger, seq, kind)
);
CREATE INDEX trouble_time ON trouble (us);

-- Versions that wait for one agreement, because nobody has said yet how much of our ledger in it is known outside.
CREATE TABLE held ( -- sqlite: without rowid
  agreement TEXT NOT NULL,
  item      TEXT NOT NULL,
  number    BIGINT NOT NULL,
  PRIMARY KEY (agreement, item, number)
);

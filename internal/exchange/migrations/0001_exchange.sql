-- Who we are, as we tell everybody: one row.
CREATE TABLE self (
  id        BIGINT PRIMARY KEY,
  root      TEXT NOT NULL,
  document  TEXT NOT NULL,      -- protocol.Identity without its signature, JSON
  stored_us BIGINT NOT NULL     -- when a person said that the root key is kept outside; 0: not yet
);

-- Newsrooms whose root we have pinned.
CREATE TABLE partner (
  root         TEXT PRIMARY KEY,
  domain       TEXT NOT NULL,
  base         TEXT NOT NULL,
  name         TEXT NOT NULL,   -- names per language, JSON
  identity     TEXT NOT NULL,   -- signed note, the newest that was verified
  number       BIGINT NOT NULL,
  state        TEXT NOT NULL,   -- active, blocked
  compared_us  BIGINT NOT NULL, -- when the fingerprints were compared; 0: not yet
  compared_by  TEXT NOT NULL,
  domain_agrees BOOLEAN NOT NULL, -- whether the domain's own page names the same root
  added_us     BIGINT NOT NULL
);

-- Words of strangers that wait for a person.
CREATE TABLE hello (
  id          TEXT PRIMARY KEY,
  root        TEXT NOT NULL,
  domain      TEXT NOT NULL,
  bytes       BYTEA NOT NULL,   -- as they came
  received_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX hello_root ON hello (root);

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
CREATE TABLE outbox (
  item     TEXT NOT NULL,
  number   BIGINT NOT NULL,
  priority BIGINT NOT NULL,     -- 0 withdrawal, 1 correction, 2 the rest
  us       BIGINT NOT NULL,
  error    TEXT NOT NULL,       -- why the last try failed
  PRIMARY KEY (item, number)
);
CREATE INDEX outbox_order ON outbox (priority, us);

-- What was not sent, and by which clause.
CREATE TABLE refusal (
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
CREATE TABLE trouble (
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
CREATE TABLE held (
  agreement TEXT NOT NULL,
  item      TEXT NOT NULL,
  number    BIGINT NOT NULL,
  PRIMARY KEY (agreement, item, number)
);

-- A ledger: ours, or a partner's that we follow.
CREATE TABLE ledger (
  id         TEXT PRIMARY KEY,
  agreement  TEXT NOT NULL,
  owner      TEXT NOT NULL,     -- root of the newsroom that speaks in it
  own        BOOLEAN NOT NULL,
  origin     TEXT NOT NULL,
  state      TEXT NOT NULL,     -- open, ended, stopped
  size       BIGINT NOT NULL,
  edge       BYTEA NOT NULL,
  last_us    BIGINT NOT NULL,   -- time of the last record
  applied    BIGINT NOT NULL,   -- followed: the next record to fold
  visible    BIGINT NOT NULL,   -- followed: records from here on are not shown yet
  checkpoint BYTEA NOT NULL,    -- followed: the newest verified checkpoint
  confirmed  BIGINT NOT NULL,   -- ours: the largest size that a follower is known to hold
  continues  TEXT NOT NULL,     -- the ledger whose next epoch this is
  opened_us  BIGINT NOT NULL
);
CREATE INDEX ledger_agreement ON ledger (agreement, owner);

CREATE TABLE ledger_entry (
  ledger TEXT NOT NULL,
  seq    BIGINT NOT NULL,
  leaf   BYTEA NOT NULL,
  record BYTEA NOT NULL,
  PRIMARY KEY (ledger, seq)
);

-- Roots of full tiles: hash number idx of tile level lvl (1 and up).
CREATE TABLE ledger_tile (
  ledger TEXT NOT NULL,
  lvl    BIGINT NOT NULL,
  idx    BIGINT NOT NULL,
  hash   BYTEA NOT NULL,
  PRIMARY KEY (ledger, lvl, idx)
);

CREATE TABLE ledger_content (
  ledger  TEXT NOT NULL,
  seq     BIGINT NOT NULL,
  n       BIGINT NOT NULL,
  state   BIGINT NOT NULL,      -- protocol.ContentState
  salt    BYTEA NOT NULL,
  content TEXT NOT NULL,        -- content.id; empty where it is not held
  cause   BIGINT NOT NULL,      -- index of the record that withdrew or erased it
  PRIMARY KEY (ledger, seq, n)
);

-- Withdrawals of a ledger, for hints.
CREATE TABLE ledger_withdrawal (
  ledger TEXT NOT NULL,
  seq    BIGINT NOT NULL,
  about  TEXT NOT NULL,
  PRIMARY KEY (ledger, seq)
);

-- What followers hold: one row for each cosignature.
CREATE TABLE ledger_receipt (
  ledger   TEXT NOT NULL,
  cosigner TEXT NOT NULL,       -- root
  size     BIGINT NOT NULL,
  seconds  BIGINT NOT NULL,     -- the cosigner's time
  at_us    BIGINT NOT NULL,     -- our time when it was durable here
  line     TEXT NOT NULL,
  PRIMARY KEY (ledger, cosigner, size)
);

-- Two texts that cannot both be true, kept until a person looks.
CREATE TABLE ledger_evidence (
  id     TEXT PRIMARY KEY,
  ledger TEXT NOT NULL,
  kind   TEXT NOT NULL,         -- fork, shrunk, ahead
  ours   BYTEA NOT NULL,
  theirs BYTEA NOT NULL,
  at_us  BIGINT NOT NULL
);
CREATE INDEX ledger_evidence_of ON ledger_evidence (ledger, at_us);

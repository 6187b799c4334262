-- Revisions of agreements, as they were proposed: the exact bytes.
CREATE TABLE revision (
  hash        TEXT PRIMARY KEY,
  agreement   TEXT NOT NULL,
  number      BIGINT NOT NULL,
  predecessor TEXT NOT NULL,
  author      TEXT NOT NULL,
  bytes       BYTEA NOT NULL,
  ledger      TEXT NOT NULL,
  seq         BIGINT NOT NULL,
  proposed_us BIGINT NOT NULL,
  closed_us   BIGINT NOT NULL,  -- 0: not closed
  closing     TEXT NOT NULL,    -- the signatures that the closing record names, JSON
  void_us     BIGINT NOT NULL   -- 0: not void
);
CREATE INDEX revision_agreement ON revision (agreement, number);

-- Answers to revisions. A party without a node answers through its host.
CREATE TABLE answer (
  revision TEXT NOT NULL,
  party    TEXT NOT NULL,       -- root, or "host-root domain" of a party without a node
  kind     TEXT NOT NULL,       -- sign, decline
  ledger   TEXT NOT NULL,
  seq      BIGINT NOT NULL,
  name     TEXT NOT NULL,
  office   TEXT NOT NULL,
  words    TEXT NOT NULL,       -- reason of a refusal; how a host was given the signature
  us       BIGINT NOT NULL,
  PRIMARY KEY (revision, party)
);

-- Change-overs in ledgers: from this index on, records are judged by the revision.
CREATE TABLE changeover (
  ledger    TEXT NOT NULL,
  seq       BIGINT NOT NULL,
  agreement TEXT NOT NULL,
  kind      TEXT NOT NULL,      -- adopt, suspend, resume, notice
  revision  TEXT NOT NULL,
  ends_us   BIGINT NOT NULL,    -- of a notice
  us        BIGINT NOT NULL,
  PRIMARY KEY (ledger, seq)
);
CREATE INDEX changeover_agreement ON changeover (agreement);

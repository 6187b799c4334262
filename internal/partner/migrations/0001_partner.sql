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


CREATE TABLE person (
  id          TEXT PRIMARY KEY,
  login       TEXT NOT NULL UNIQUE,  -- in the form in which logins are compared
  name        TEXT NOT NULL,
  roles       TEXT NOT NULL,         -- names with commas between them, in a fixed order
  disabled    BOOLEAN NOT NULL,
  password    TEXT NOT NULL,         -- argon2id with its parameters
  preferences TEXT NOT NULL,         -- JSON
  made_us     BIGINT NOT NULL,
  signed_us   BIGINT NOT NULL        -- last sign-in, 0: never
);

CREATE TABLE session (
  id         TEXT PRIMARY KEY,
  hash       BYTEA NOT NULL UNIQUE,  -- SHA-256 of the token
  person     TEXT NOT NULL,
  made_us    BIGINT NOT NULL,
  seen_us    BIGINT NOT NULL,
  expires_us BIGINT NOT NULL,
  remote     TEXT NOT NULL,
  agent      TEXT NOT NULL
);
CREATE INDEX session_person ON session (person);

CREATE TABLE api_token (
  id      TEXT PRIMARY KEY,
  hash    BYTEA NOT NULL UNIQUE,     -- SHA-256 of the token
  person  TEXT NOT NULL,
  name    TEXT NOT NULL,
  scope   TEXT NOT NULL,             -- read, write
  made_us BIGINT NOT NULL,
  used_us BIGINT NOT NULL            -- 0: never
);
CREATE INDEX api_token_person ON api_token (person);

-- Rows are only ever added. Each hash covers the row and the hash before it.
CREATE TABLE audit (
  seq    BIGINT PRIMARY KEY,
  at_us  BIGINT NOT NULL,
  who    TEXT NOT NULL,
  what   TEXT NOT NULL,
  about  TEXT NOT NULL,
  remote TEXT NOT NULL,
  detail TEXT NOT NULL,              -- JSON
  hash   BYTEA NOT NULL
);

-- At most one row: the code with which the first person is made.
CREATE TABLE setup_code (
  id   TEXT PRIMARY KEY,
  hash BYTEA NOT NULL
);

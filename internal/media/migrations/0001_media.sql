-- Photos, sounds and films: what is here, and what partners have told of.
CREATE TABLE media (
  id     TEXT PRIMARY KEY,
  sha    TEXT NOT NULL,      -- SHA-256 of the bytes, hex: the name of the blob
  type   TEXT NOT NULL,
  size   BIGINT NOT NULL,
  width  BIGINT NOT NULL,
  height BIGINT NOT NULL,
  thumb  BYTEA NOT NULL,     -- a small JPEG; empty where there is none
  state  TEXT NOT NULL,      -- here, wanted, failed
  ledger TEXT NOT NULL,      -- of a partner's: where it is fetched from
  owner  TEXT NOT NULL,      -- root of the newsroom that released it
  tries  BIGINT NOT NULL,
  due_us BIGINT NOT NULL,
  error  TEXT NOT NULL
);
CREATE INDEX media_due ON media (state, due_us);

-- The items to which they belong.
CREATE TABLE media_item (
  media TEXT NOT NULL,
  item  TEXT NOT NULL,
  PRIMARY KEY (media, item)
);

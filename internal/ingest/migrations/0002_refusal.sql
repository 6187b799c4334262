-- What the last poll brought, and the entries of a source that could not be taken.
ALTER TABLE source DROP COLUMN kind;
ALTER TABLE source ADD COLUMN reading TEXT NOT NULL DEFAULT ''; -- JSON of the last poll that brought the feed

CREATE TABLE source_refusal (
  source   TEXT NOT NULL,
  id       TEXT NOT NULL,            -- hash of the entry's id
  entry    TEXT NOT NULL,            -- its id at the source
  headline TEXT NOT NULL,
  state    TEXT NOT NULL,            -- hash of the entry as it came and of the reason
  reason   TEXT NOT NULL,            -- JSON of the message
  original BYTEA NOT NULL,           -- the entry as it came
  first_us BIGINT NOT NULL,          -- when it was first refused in this state
  PRIMARY KEY (source, id)
);

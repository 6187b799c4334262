CREATE TABLE source (
  id         TEXT PRIMARY KEY,
  url        TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  kind       TEXT NOT NULL,          -- rss: any feed
  service    TEXT NOT NULL,          -- for items that name none
  language   TEXT NOT NULL,          -- for items that name none
  every_s    BIGINT NOT NULL,
  etag       TEXT NOT NULL,          -- what the server gave with its last answer
  modified   TEXT NOT NULL,
  last_us    BIGINT NOT NULL,        -- last poll, 0: never
  last_error TEXT NOT NULL,          -- JSON of the message, '' after a poll that went well
  failures   BIGINT NOT NULL,        -- polls that failed since one went well
  enabled    BOOLEAN NOT NULL
);

-- Versions that are above a ceiling of the day in an agreement: they wait for the next.
CREATE TABLE later (
  agreement TEXT NOT NULL,
  item      TEXT NOT NULL,
  number    BIGINT NOT NULL,
  due_us    BIGINT NOT NULL,
  PRIMARY KEY (agreement, item, number)
);
CREATE INDEX later_due ON later (due_us);

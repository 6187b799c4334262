-- What our people made from which item.
CREATE TABLE made (
  item    TEXT NOT NULL,
  source  TEXT NOT NULL,
  version BIGINT NOT NULL,      -- of the source
  how     TEXT NOT NULL,
  who     TEXT NOT NULL,
  us      BIGINT NOT NULL,
  PRIMARY KEY (item, source)
);
CREATE INDEX made_source ON made (source);

-- What we say in an agreement about the use of an item that came under it.
CREATE TABLE use_out (
  item        TEXT NOT NULL,
  source      TEXT NOT NULL,
  agreement   TEXT NOT NULL,
  version     BIGINT NOT NULL,  -- of the source
  from_ledger TEXT NOT NULL,    -- the record by which the source came
  from_seq    BIGINT NOT NULL,
  ledger      TEXT NOT NULL,    -- where it is said; '': not yet
  seq         BIGINT NOT NULL,
  PRIMARY KEY (item, source, agreement)
);

-- What a change of a source asks of an item that was made from it.
CREATE TABLE duty (
  n           BIGINT PRIMARY KEY,
  item        TEXT NOT NULL,
  source      TEXT NOT NULL,
  version     BIGINT NOT NULL,  -- of the source
  class       TEXT NOT NULL,
  notice      BIGINT NOT NULL,  -- number of the notice among those about the source; 0: the source itself was changed
  number      BIGINT NOT NULL,  -- of this duty among those of the item: by it those who had the item are told
  raised_us   BIGINT NOT NULL,
  answer      TEXT NOT NULL,    -- '': none yet
  why         TEXT NOT NULL,
  who         TEXT NOT NULL,
  answered_us BIGINT NOT NULL
);
CREATE UNIQUE INDEX duty_of ON duty (item, source, notice, version);
CREATE INDEX duty_answer ON duty (answer);

-- The records that ask for it: one in each agreement under which the change came.
CREATE TABLE duty_cause (
  duty      BIGINT NOT NULL,
  ledger    TEXT NOT NULL,
  seq       BIGINT NOT NULL,
  agreement TEXT NOT NULL,
  us        BIGINT NOT NULL,
  due_us    BIGINT NOT NULL,    -- 0: the agreement asks for no time
  PRIMARY KEY (duty, ledger, seq)
);

-- What we have last said about it in each agreement.
CREATE TABLE duty_said (
  duty      BIGINT NOT NULL,
  agreement TEXT NOT NULL,
  answer    TEXT NOT NULL,
  made      BIGINT NOT NULL,
  acted     BIGINT NOT NULL,
  PRIMARY KEY (duty, agreement)
);

-- What we say to those who have an item of ours of which a source was changed.
CREATE TABLE notice_out (
  duty      BIGINT NOT NULL,
  agreement TEXT NOT NULL,
  item      TEXT NOT NULL,
  version   BIGINT NOT NULL,    -- of the item
  class     TEXT NOT NULL,
  number    BIGINT NOT NULL,
  ledger    TEXT NOT NULL,      -- where it is said; '': not yet
  seq       BIGINT NOT NULL,
  us        BIGINT NOT NULL,
  PRIMARY KEY (duty, agreement)
);
CREATE INDEX notice_out_item ON notice_out (item);

-- Items about which something is to be said that could not be said yet.
CREATE TABLE unsaid (
  item TEXT PRIMARY KEY
);

-- What partners said: that a source of an item of theirs was changed,
CREATE TABLE notice_in (
  ledger    TEXT NOT NULL,
  seq       BIGINT NOT NULL,
  agreement TEXT NOT NULL,
  item      TEXT NOT NULL,
  version   BIGINT NOT NULL,
  class     TEXT NOT NULL,
  number    BIGINT NOT NULL,
  us        BIGINT NOT NULL,
  PRIMARY KEY (ledger, seq)
);
CREATE INDEX notice_in_item ON notice_in (item);

-- that they made something from an item of ours,
CREATE TABLE use_in (
  ledger      TEXT NOT NULL,
  seq         BIGINT NOT NULL,
  agreement   TEXT NOT NULL,
  partner     TEXT NOT NULL,
  source      TEXT NOT NULL,
  version     BIGINT NOT NULL,
  what        TEXT NOT NULL,
  lang        TEXT NOT NULL,
  from_ledger TEXT NOT NULL,
  from_seq    BIGINT NOT NULL,
  us          BIGINT NOT NULL,
  PRIMARY KEY (ledger, seq)
);
CREATE INDEX use_in_source ON use_in (source);

-- and what became of that.
CREATE TABLE act_in (
  ledger       TEXT NOT NULL,
  seq          BIGINT NOT NULL,
  partner      TEXT NOT NULL,
  use_ledger   TEXT NOT NULL,
  use_seq      BIGINT NOT NULL,
  cause_ledger TEXT NOT NULL,
  cause_seq    BIGINT NOT NULL,
  what         TEXT NOT NULL,
  why          TEXT NOT NULL,
  made         BIGINT NOT NULL,
  acted        BIGINT NOT NULL,
  us           BIGINT NOT NULL,
  PRIMARY KEY (ledger, seq)
);
CREATE INDEX act_in_use ON act_in (use_ledger, use_seq);

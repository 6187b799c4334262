-- One line per item: who made it, what holds it back, and the row that the wire shows (made again by Rebuild).
CREATE TABLE item (
	id          TEXT    PRIMARY KEY,
	origin      TEXT    NOT NULL,
	own         BOOLEAN NOT NULL,
	created_us  BIGINT  NOT NULL,
	hold        TEXT    NOT NULL, -- 'closed' or 'withdrawn', whatever the versions say
	hold_why    TEXT    NOT NULL,
	top         BIGINT  NOT NULL, -- the highest version, shown or not
	n           BIGINT  NOT NULL, -- desk number; 0: not shown
	number      BIGINT  NOT NULL, -- the version that is shown
	class       TEXT    NOT NULL,
	state       TEXT    NOT NULL,
	type        TEXT    NOT NULL,
	lang        TEXT    NOT NULL,
	headline    TEXT    NOT NULL,
	slug        TEXT    NOT NULL,
	urgency     BIGINT  NOT NULL,
	words       BIGINT  NOT NULL,
	subjects    TEXT    NOT NULL,
	media       BOOLEAN NOT NULL,
	embargo_us  BIGINT  NOT NULL,
	released_us BIGINT  NOT NULL,
	arrived_us  BIGINT  NOT NULL,
	versions    BIGINT  NOT NULL,
	agreements  TEXT    NOT NULL
);
CREATE INDEX item_n ON item (n);
CREATE INDEX item_urgent ON item (n) WHERE urgency > 0 AND urgency < 3;

CREATE TABLE version (
	item           TEXT    NOT NULL,
	number         BIGINT  NOT NULL,
	class          TEXT    NOT NULL,
	state          TEXT    NOT NULL,
	why            TEXT    NOT NULL,
	content_id     TEXT    NOT NULL,
	type           TEXT    NOT NULL,
	lang           TEXT    NOT NULL,
	headline       TEXT    NOT NULL,
	slug           TEXT    NOT NULL,
	urgency        BIGINT  NOT NULL,
	words          BIGINT  NOT NULL,
	subjects       TEXT    NOT NULL,
	media          BOOLEAN NOT NULL,
	embargo_us     BIGINT  NOT NULL,
	released_us    BIGINT  NOT NULL,
	arrived_us     BIGINT  NOT NULL,
	written_us     BIGINT  NOT NULL,
	note           TEXT    NOT NULL,
	by_person      TEXT    NOT NULL,
	source_version TEXT    NOT NULL,
	digest         TEXT    NOT NULL,
	n              BIGINT  NOT NULL, -- the desk number that it had or has; 0: it never was the row
	line           BIGINT  NOT NULL, -- its line in the feed; 0: none
	hidden         BOOLEAN NOT NULL, -- its ledger is catching up
	PRIMARY KEY (item, number)
);
CREATE INDEX version_line ON version (line);

-- By which ledgers a version came or went.
CREATE TABLE item_agreement ( -- sqlite: without rowid
	item      TEXT    NOT NULL,
	number    BIGINT  NOT NULL,
	ledger    TEXT    NOT NULL,
	agreement TEXT    NOT NULL,
	seq       BIGINT  NOT NULL,
	state     TEXT    NOT NULL,
	why       TEXT    NOT NULL,
	hidden    BOOLEAN NOT NULL,
	PRIMARY KEY (item, number, ledger)
);
CREATE INDEX item_agreement_hidden ON item_agreement (ledger, seq) WHERE hidden;

-- The bytes as they came, compressed; or the key of a blob.
CREATE TABLE original (
	item   TEXT   NOT NULL,
	number BIGINT NOT NULL,
	format TEXT   NOT NULL,
	size   BIGINT NOT NULL,
	bytes  BYTEA,
	blob   TEXT   NOT NULL,
	PRIMARY KEY (item, number)
);

-- Which item a source means by its own id, and what it last said.
CREATE TABLE source_item ( -- sqlite: without rowid
	source         TEXT   NOT NULL,
	source_id      TEXT   NOT NULL,
	item           TEXT   NOT NULL,
	number         BIGINT NOT NULL,
	source_version TEXT   NOT NULL,
	written_us     BIGINT NOT NULL,
	digest         TEXT   NOT NULL,
	PRIMARY KEY (source, source_id)
);
CREATE INDEX source_item_item ON source_item (item);

CREATE TABLE facet (
	facet TEXT   NOT NULL,
	block BIGINT NOT NULL,
	bits  BYTEA  NOT NULL,
	PRIMARY KEY (facet, block)
);
CREATE INDEX facet_block ON facet (block);

CREATE TABLE facet_total ( -- sqlite: without rowid
	facet TEXT   PRIMARY KEY,
	n     BIGINT NOT NULL
);

CREATE TABLE counter (
	name  TEXT   PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('n', 0);

CREATE TABLE seen ( -- sqlite: without rowid
	person TEXT   NOT NULL,
	item   TEXT   NOT NULL,
	number BIGINT NOT NULL,
	PRIMARY KEY (person, item)
);

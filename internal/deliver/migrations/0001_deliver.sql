-- Items that were asked for and not given, by the ledger whose terms held them back ('' for our own), until they may be given.
CREATE TABLE withheld (
	item    TEXT   NOT NULL,
	ledger  TEXT   NOT NULL,
	look_us BIGINT NOT NULL, -- when to ask again
	PRIMARY KEY (item, ledger)
);
CREATE INDEX withheld_look ON withheld (look_us);
CREATE INDEX withheld_ledger ON withheld (ledger);

-- How the terms of these ledgers stood when they were last asked. Once they stand differently everything is asked again.
CREATE TABLE withheld_terms (
	ledger TEXT PRIMARY KEY,
	stood  TEXT NOT NULL
);

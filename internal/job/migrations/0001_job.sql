-- One row for each piece of work that waits, runs, failed too often, or may never be done again.
CREATE TABLE job (
	id TEXT PRIMARY KEY,            -- UUIDv7
	kind TEXT NOT NULL,
	about TEXT,                     -- the key; NULL: none
	payload BYTEA NOT NULL,
	once BOOLEAN NOT NULL,          -- the key stays when it is done
	state TEXT NOT NULL,            -- waiting, running, parked, done; gone within a transaction
	due_us BIGINT NOT NULL,         -- not before; 0: at once
	tries BIGINT NOT NULL DEFAULT 0,
	lease_us BIGINT NOT NULL DEFAULT 0, -- running: until when it is somebody's
	holder TEXT NOT NULL DEFAULT '',    -- running: whose
	asked BIGINT NOT NULL DEFAULT 1,    -- how often it was asked for
	last_error TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX job_about ON job (kind, about) WHERE about IS NOT NULL;
CREATE INDEX job_due ON job (state, due_us, id);

-- What was answered under an Idempotency-Key, for two days.
CREATE TABLE api_answer (
	person  TEXT   NOT NULL,
	key     TEXT   NOT NULL,
	hash    BYTEA  NOT NULL, -- SHA-256 of what was asked
	status  BIGINT NOT NULL,
	answer  TEXT   NOT NULL,
	made_us BIGINT NOT NULL,
	PRIMARY KEY (person, key)
);
CREATE INDEX api_answer_made ON api_answer (made_us);

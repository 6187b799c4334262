CREATE TABLE content (
	id         TEXT   PRIMARY KEY,
	media_type TEXT   NOT NULL,
	lang       TEXT   NOT NULL,
	bytes      BYTEA  NOT NULL,
	size       BIGINT NOT NULL
);

-- The same bytes of our own are one medium: they are looked up by their hash.
CREATE INDEX media_sha ON media (sha);

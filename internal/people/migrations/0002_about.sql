-- What was done with one thing: the page of an item asks for it.
CREATE INDEX audit_about ON audit (about, seq);

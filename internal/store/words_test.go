package store

import (
	"strings"
	"testing"
)

func TestDialect(t *testing.T) {
	for _, c := range []struct{ in, lite, pg string }{
		{
			"CREATE TABLE a (id TEXT PRIMARY KEY, n BIGINT, b BYTEA, f BOOLEAN, r DOUBLE PRECISION);",
			"CREATE TABLE a (id TEXT PRIMARY KEY, n INTEGER, b BLOB, f INTEGER, r REAL )\nSTRICT;",
			`CREATE TABLE a (id TEXT COLLATE "C" PRIMARY KEY, n BIGINT, b BYTEA, f BOOLEAN, r DOUBLE PRECISION);`,
		},
		{
			"create table if not exists a (text text not null, date TEXT, json text) -- no end",
			"create table if not exists a (text text not null, date TEXT, json text) -- no end\nSTRICT",
			`create table if not exists a (text text COLLATE "C" not null, date TEXT COLLATE "C", json text COLLATE "C") -- no end`,
		},
		{
			"CREATE TABLE a ( -- sqlite: without rowid\n id TEXT, PRIMARY KEY (id));\nCREATE TABLE b (id TEXT);",
			"CREATE TABLE a ( -- sqlite: without rowid\n id TEXT, PRIMARY KEY (id))\nSTRICT, WITHOUT ROWID;\nCREATE TABLE b (id TEXT)\nSTRICT;",
			"CREATE TABLE a ( -- sqlite: without rowid\n id TEXT COLLATE \"C\", PRIMARY KEY (id));\nCREATE TABLE b (id TEXT COLLATE \"C\");",
		},
		{
			"ALTER TABLE a ADD COLUMN note TEXT; ALTER TABLE a ADD at_us BIGINT NOT NULL DEFAULT 0;",
			"ALTER TABLE a ADD COLUMN note TEXT; ALTER TABLE a ADD at_us INTEGER NOT NULL DEFAULT 0;",
			`ALTER TABLE a ADD COLUMN note TEXT COLLATE "C"; ALTER TABLE a ADD at_us BIGINT NOT NULL DEFAULT 0;`,
		},
		{
			"CREATE INDEX i ON a (text); INSERT INTO a VALUES ('a ; BIGINT', '--'); UPDATE a SET x = CAST(y AS TEXT)",
			"CREATE INDEX i ON a (text); INSERT INTO a VALUES ('a ; BIGINT', '--'); UPDATE a SET x = CAST(y AS TEXT)",
			"CREATE INDEX i ON a (text); INSERT INTO a VALUES ('a ; BIGINT', '--'); UPDATE a SET x = CAST(y AS TEXT)",
		},
		{
			"CREATE TABLE a (id TEXT REFERENCES text (id), CHECK (kind IN ('x', 'y')), UNIQUE (json))",
			"CREATE TABLE a (id TEXT REFERENCES text (id), CHECK (kind IN ('x', 'y')), UNIQUE (json))\nSTRICT",
			`CREATE TABLE a (id TEXT COLLATE "C" REFERENCES text (id), CHECK (kind IN ('x', 'y')), UNIQUE (json))`,
		},
	} {
		for engine, want := range map[Engine]string{SQLite: c.lite, PostgreSQL: c.pg} {
			got, err := dialect(engine, c.in)
			if err != nil || got != want {
				t.Errorf("%s: %v\n%s\nwant\n%s", engine, err, got, want)
			}
		}
	}
	for _, bad := range []string{"INTEGER", "integer", "VARCHAR(20)", "JSONB", "TIMESTAMP", "SERIAL", "REAL", "BLOB"} {
		for _, engine := range []Engine{SQLite, PostgreSQL} {
			if got, err := dialect(engine, "CREATE TABLE a (id "+bad+")"); err == nil {
				t.Errorf("%s became %s", bad, got)
			}
		}
	}
}

func TestHoles(t *testing.T) {
	for query, want := range map[string]int{
		"SELECT 1":                              0,
		"SELECT $1, $2, $1":                     2,
		"SELECT $2":                             2,
		"SELECT '$3', \"$4\", $1 -- $5\n, $2":   2,
		"SELECT /* $9 */ $10":                   10,
		"SELECT 'it''s $7' WHERE a = $1 AND $b": 1,
		"SELECT 'open $7":                       0,
	} {
		if got := holes(query); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"", "CREATE TABLE a (b TEXT);", "'", "\"", "--", "/*", "$", "$9", "'a''b' -- c\n$1", "/* x */ é $12x", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var b strings.Builder
		for _, tok := range tokens(s) {
			if tok.text == "" {
				t.Fatal("an empty piece")
			}
			b.WriteString(tok.text)
		}
		if b.String() != s {
			t.Errorf("%q became %q", s, b.String())
		}
		_, _ = dialect(SQLite, s)
		_, _ = dialect(PostgreSQL, s)
	})
}

func TestSteps(t *testing.T) {
	if _, err := steps(SQLite, []Migration{{Package: "a"}, {Package: "a"}}); err == nil {
		t.Error("two series of one package")
	}
}

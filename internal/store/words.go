package store

import (
	"fmt"
	"strings"
)

// tokenKind is what a piece of SQL is.
type tokenKind int

const (
	word    tokenKind = iota
	hole              // $n
	comment           // with its marks
	quoted            // '…' or "…"
	other             // a sign, a number, blanks
)

type token struct {
	kind tokenKind
	text string
	n    int // of a hole
}

// tokens cuts a statement into pieces; joined, they are the statement again.
func tokens(s string) []token {
	var list []token
	for s != "" {
		t := first(s)
		list = append(list, t)
		s = s[len(t.text):]
	}
	return list
}

func first(s string) token {
	switch c := s[0]; {
	case strings.HasPrefix(s, "--"):
		return token{kind: comment, text: upTo(s, "\n", 2)}
	case strings.HasPrefix(s, "/*"):
		return token{kind: comment, text: upTo(s, "*/", 2)}
	case c == '\'' || c == '"':
		return token{kind: quoted, text: upTo(s, s[:1], 1)}
	case c == '$':
		i, n := 1, 0
		for ; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 1<<20; i++ {
			n = n*10 + int(s[i]-'0')
		}
		if i > 1 {
			return token{kind: hole, text: s[:i], n: n}
		}
		return token{kind: other, text: s[:1]}
	case wordByte(c):
		i := 1
		for i < len(s) && (wordByte(s[i]) || s[i] >= '0' && s[i] <= '9') {
			i++
		}
		return token{kind: word, text: s[:i]}
	case c >= '0' && c <= '9':
		i := 1
		for i < len(s) && (wordByte(s[i]) || s[i] >= '0' && s[i] <= '9') {
			i++
		}
		return token{kind: other, text: s[:i]}
	default:
		return token{kind: other, text: s[:1]}
	}
}

func wordByte(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// upTo is s to the end of the next stop, which is looked for from a place on.
func upTo(s, stop string, from int) string {
	if i := strings.Index(s[from:], stop); i >= 0 {
		return s[:from+i+len(stop)]
	}
	return s
}

// dialect puts a migration that is written in PostgreSQL words into those of an engine.
//
// SQLite: BIGINT becomes INTEGER, BYTEA BLOB, BOOLEAN INTEGER, DOUBLE PRECISION REAL; a table becomes STRICT, and WITHOUT ROWID
// as well if a comment in its statement says "sqlite: without rowid".
// PostgreSQL: a TEXT column gets COLLATE "C", so that texts have the same order, by bytes, in both.
// Types that would not mean the same in both are refused.
func dialect(engine Engine, text string) (string, error) {
	d := dialectWriter{lite: engine == SQLite}
	for _, t := range tokens(text) {
		if err := d.put(t); err != nil {
			return "", err
		}
	}
	d.endStatement()
	return d.b.String(), nil
}

type dialectWriter struct {
	lite    bool
	b       strings.Builder
	start   []string // the first two words of the statement
	last    string   // the last word, "" after anything else
	noRowid bool
}

func (d *dialectWriter) put(t token) error {
	switch {
	case t.kind == comment:
		d.noRowid = d.noRowid || strings.Contains(strings.ToLower(t.text), "sqlite: without rowid")
	case t.text == ";":
		d.endStatement()
	case t.kind == word:
		out, err := d.word(t.text)
		if err != nil {
			return err
		}
		d.last = strings.ToUpper(t.text)
		if len(d.start) < 2 {
			d.start = append(d.start, d.last)
		}
		d.b.WriteString(out)
		return nil
	case strings.TrimSpace(t.text) != "":
		d.last = ""
	}
	d.b.WriteString(t.text)
	return nil
}

// word is the word of the engine.
func (d *dialectWriter) word(w string) (string, error) {
	if !d.typePlace() {
		return w, nil
	}
	switch strings.ToUpper(w) {
	case "INTEGER", "INT", "SMALLINT", "SERIAL", "BIGSERIAL", "VARCHAR", "CHAR", "NUMERIC", "DECIMAL", "REAL", "FLOAT", "TIMESTAMP",
		"TIMESTAMPTZ", "DATE", "JSON", "JSONB", "UUID", "BLOB":
		return "", fmt.Errorf("store: the type %s does not mean the same in both engines", w)
	case "TEXT":
		if !d.lite {
			return w + ` COLLATE "C"`, nil
		}
	case "BIGINT", "BOOLEAN":
		if d.lite {
			return "INTEGER", nil
		}
	case "BYTEA":
		if d.lite {
			return "BLOB", nil
		}
	case "DOUBLE":
		if d.lite {
			return "REAL", nil
		}
	case "PRECISION":
		if d.lite && d.last == "DOUBLE" {
			return "", nil
		}
	}
	return w, nil
}

// typePlace reports whether a type may stand here: in the definition of a table, after the name of a column.
func (d *dialectWriter) typePlace() bool {
	if !d.table() {
		return false
	}
	switch d.last {
	case "", "ADD", "AND", "AS", "BY", "COLUMN", "CONSTRAINT", "DEFAULT", "DROP", "EXISTS", "IN", "KEY", "NOT", "ON", "OR", "REFERENCES",
		"RENAME", "TABLE", "TO":
		return false
	}
	return true
}

// table reports whether the statement makes or alters a table.
func (d *dialectWriter) table() bool {
	return len(d.start) == 2 && d.start[1] == "TABLE" && (d.start[0] == "CREATE" || d.start[0] == "ALTER")
}

func (d *dialectWriter) endStatement() {
	if d.lite && d.table() && d.start[0] == "CREATE" {
		text := strings.TrimRight(d.b.String(), " \t\r\n")
		d.b.Reset()
		d.b.WriteString(text + "\nSTRICT")
		if d.noRowid {
			d.b.WriteString(", WITHOUT ROWID")
		}
	}
	d.start, d.last, d.noRowid = nil, "", false
}

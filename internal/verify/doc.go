// Package verify checks what a node holds and shows: proof files, the ledgers of a database, and a ledger that is served. It
// computes everything again from the bytes and compares.
//
// What it promises: a byte that was changed in a record, in a hash, in a content that a ledger holds or in a receipt makes a
// report that is not OK. It reads row by row: its memory does not grow with the ledger.
//
// What it never does: it changes nothing, mends nothing and signs nothing.
package verify

import (
	"slices"

	"newspool/internal/news"
	"newspool/protocol"
)

// Report is what was found. Its lines are messages for a reader.
type Report struct {
	OK    bool
	Lines []Line
}

// Line is one finding: a message key with the names and values that go into it.
type Line struct {
	Key   string
	Args  []any
	Wrong bool // it is a reason why the report is not OK
}

// KeysOf gives the key list of a newsroom, our own too; false if it is not known.
type KeysOf func(root news.Root) (protocol.Keys, bool)

// Progress is told, now and then, how many records of a ledger were checked; nil: nobody asks.
type Progress func(origin string, done, size int64)

func (p Progress) tell(origin string, done, size int64) {
	if p != nil {
		p(origin, done, size)
	}
}

// sameLines is how many lines of one key a report holds; the others are counted.
const sameLines = 20

// notes collects lines.
type notes struct {
	lines []Line
	count map[string]int64
}

func (n *notes) say(key string, args ...any) { n.lines = append(n.lines, Line{Key: key, Args: args}) }

// wrong adds a reason why the report is not OK.
func (n *notes) wrong(key string, args ...any) {
	if n.count == nil {
		n.count = map[string]int64{}
	}
	if n.count[key]++; n.count[key] <= sameLines {
		n.lines = append(n.lines, Line{Key: key, Args: args, Wrong: true})
	}
}

// counted is a message that says how many there are of something.
type counted struct {
	key string
	n   int64
}

// counts says what there is any of.
func (n *notes) counts(all ...counted) {
	for _, c := range all {
		if c.n > 0 {
			n.say(c.key, "n", c.n)
		}
	}
}

func (n *notes) report() Report {
	var more int64
	for _, c := range n.count {
		more += max(0, c-sameLines)
	}
	if more > 0 {
		n.lines = append(n.lines, Line{Key: "verify.more", Args: []any{"n", more}, Wrong: true})
	}
	return Report{OK: len(n.count) == 0, Lines: slices.Clip(n.lines)}
}

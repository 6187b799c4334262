package cli_test

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// until runs a command again and again until what it prints matches: until PATTERN COMMAND [ARG …]. It waits 20 seconds at most.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN COMMAND [ARG …]")
	}
	want := regexp.MustCompile(args[0])
	var out bytes.Buffer
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		err := ts.Exec(args[1], args[2:]...)
		out.Reset()
		out.WriteString(ts.ReadFile("stdout"))
		out.WriteString(ts.ReadFile("stderr"))
		if err == nil && want.Match(out.Bytes()) {
			return
		}
	}
	ts.Fatalf("not in 20 seconds: %s from %s; the last was:\n%s", args[0], strings.Join(args[1:], " "), out.String())
}

// save keeps the first group of a pattern in the last output as a variable: save NAME PATTERN.
func save(ts *testscript.TestScript, neg bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if neg || len(m) < 2 {
		ts.Fatalf("%s is not in the last output", args[1])
	}
	ts.Setenv(args[0], m[1])
}

// flip changes one letter of the first match of a pattern in a file: flip FILE PATTERN.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	name := ts.MkAbs(args[0])
	b, err := os.ReadFile(name)
	ts.Check(err)
	at := regexp.MustCompile(args[1]).FindSubmatchIndex(b)
	if neg || at == nil {
		ts.Fatalf("%s is not in %s", args[1], args[0])
	}
	i := at[len(at)-1] - 3
	if b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	ts.Check(os.WriteFile(name, b, 0o600))
}

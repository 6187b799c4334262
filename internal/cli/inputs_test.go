package cli_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding/charmap"
)

// code runs a command and asks for its exit code: code N COMMAND [ARG …].
func code(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND [ARG …]")
	}
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", strings.Join(args[1:], " "), err)
		}
		got = exit.ExitCode()
	}
	if want := args[0]; strconv.Itoa(got) != want {
		ts.Fatalf("%s: exit code %d, want %s", strings.Join(args[1:], " "), got, want)
	}
}

// pack packs a file by gzip: pack FILE makes FILE.gz.
func pack(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: pack FILE")
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(ts.ReadFile(args[0])))
	ts.Check(errors.Join(err, z.Close()))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".gz"), b.Bytes(), 0o600))
}

// latin writes a file in ISO 8859-1, as old systems do: latin FILE.
func latin(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: latin FILE")
	}
	s, err := charmap.ISO8859_1.NewEncoder().String(ts.ReadFile(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(s), 0o600))
}

// swell puts so many letters in the place of «…» in a file: swell FILE LETTERS.
func swell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: swell FILE LETTERS")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(ts.ReadFile(args[0]), "…", strings.Repeat("a", n))), 0o600))
}

// many writes an item again and again, with a number in the place of «#»: many FILE COUNT INTO.
func many(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: many FILE COUNT INTO")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(strings.TrimSpace(ts.ReadFile(args[0])), "#", strconv.Itoa(i)) + "\n")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), []byte(b.String()), 0o600))
}

// once asks that no headline of a list of items is there twice: once FILE.
func once(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: once FILE")
	}
	seen := map[string]bool{}
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		parts := strings.SplitN(strings.TrimSpace(line), "  ", 4)
		if len(parts) < 4 {
			ts.Fatalf("%q is no line of a list of items", line)
		}
		if seen[parts[3]] {
			ts.Fatalf("%q is there twice", parts[3])
		}
		seen[parts[3]] = true
	}
	if len(seen) == 0 {
		ts.Fatalf("the list is empty")
	}
}

// more waits until a newsroom has more items than a list: more FOLDER FILE.
func more(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: more FOLDER FILE")
	}
	had := strings.Count(ts.ReadFile(args[1]), "\n")
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		ts.Check(ts.Exec("newspool", "--dir", args[0], "item", "list", "--most", "500"))
		if strings.Count(ts.ReadFile("stdout"), "\n") > had {
			return
		}
	}
	ts.Fatalf("%s still has %d items", args[0], had)
}

// within asks that every item of a list is in another one: within FILE FILE.
func within(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: within FILE FILE")
	}
	all := ts.ReadFile(args[1])
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		if item, _, _ := strings.Cut(line, " "); !strings.Contains(all, item) {
			ts.Fatalf("%s is gone", item)
		}
	}
}

// up waits until a node answers: up HOST:PORT.
func up(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: up HOST:PORT")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r, err := http.Get("http://" + args[0] + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
	}
	ts.Fatalf("%s does not answer", args[0])
}

// api gets an address with a token: api TOKEN URL. The answer is the output.
func api(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: api TOKEN URL")
	}
	req, err := http.NewRequest(http.MethodGet, args[1], nil)
	ts.Check(err)
	req.Header.Set("Authorization", "Bearer "+args[0])
	answer(ts, neg, http.DefaultClient, req)
}

// desk signs in at a desk and gets a page: desk URL LOGIN PASSWORD PATH.
func desk(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 4 {
		ts.Fatalf("usage: desk URL LOGIN PASSWORD PATH")
	}
	jar, err := cookiejar.New(nil)
	ts.Check(err)
	client := &http.Client{Jar: jar}
	in, err := client.PostForm(args[0]+"/signin", url.Values{"login": {args[1]}, "password": {args[2]}})
	ts.Check(err)
	in.Body.Close()
	req, err := http.NewRequest(http.MethodGet, args[0]+args[3], nil)
	ts.Check(err)
	answer(ts, neg, client, req)
}

func answer(ts *testscript.TestScript, neg bool, client *http.Client, req *http.Request) {
	r, err := client.Do(req)
	ts.Check(err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	ts.Check(err)
	_, err = ts.Stdout().Write(b)
	ts.Check(err)
	if (r.StatusCode >= 400) != neg {
		ts.Fatalf("%s answers %s", req.URL, r.Status)
	}
}

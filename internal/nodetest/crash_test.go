package nodetest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"newspool/internal/config"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/terms"
	"newspool/internal/verify"
	"newspool/protocol"
)

// process is a node that runs as a program of its own.
type process struct {
	t      *testing.T
	bin    string
	dir    string
	listen string
	cmd    *exec.Cmd
}

func (p *process) args(args ...string) []string {
	return append([]string{"--dir", p.dir, "--listen", p.listen, "--allow-net", "127.0.0.0/8"}, args...)
}

// run carries out one command; it must succeed.
func (p *process) run(in io.Reader, args ...string) string {
	p.t.Helper()
	out, err := p.try(in, args...)
	if err != nil {
		p.t.Fatalf("newspool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (p *process) try(in io.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.bin, p.args(args...)...)
	cmd.Stdin = in
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.bin, p.args("serve")...)
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	Wait(p.t, p.dir+" answers", func() bool {
		c, err := net.Dial("unix", filepath.Join(p.dir, "control.sock"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// kill ends the process as a power cut would, as far as the process is concerned.
func (p *process) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

// twoProcesses builds the program and runs two newsrooms with it that have an agreement in force.
func twoProcesses(t *testing.T) (a, b *process) {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "newspool")
	build := exec.Command("go", "build", "-o", bin, "newspool/cmd/newspool")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	a = &process{t: t, bin: bin, dir: filepath.Join(dir, "north"), listen: freePort(t)}
	b = &process{t: t, bin: bin, dir: filepath.Join(dir, "soren"), listen: freePort(t)}
	t.Cleanup(a.kill)
	t.Cleanup(b.kill)
	a.run(nil, "init", "--domain", "north.example", "--name", "en=North Agency")
	b.run(nil, "init", "--domain", "soren.example", "--name", "en=Radio Soren")
	a.start()
	b.start()
	a.run(nil, "partner", "add", "https://"+b.listen)
	b.run(nil, "partner", "add", "https://"+a.listen)
	propose := []string{"agreement", "propose", "--with", "soren.example", "--name", "A. Thorley", "--office", "Editor in chief"}
	rev, err := terms.Parse([]byte(strings.TrimSpace(a.run(nil, append(propose, "--draft")...))))
	if err != nil {
		t.Fatal(err)
	}
	rev.Ceilings = terms.Counts{Records: 100_000, Bytes: 1 << 40, Media: 1 << 40}
	file := filepath.Join(dir, "terms.json")
	if err := os.WriteFile(file, rev.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	hash := strings.TrimSpace(a.run(nil, append(propose, "--terms", file)...))
	Wait(t, "the proposal is at the partner", func() bool {
		out, _ := b.try(nil, "agreement", "list")
		return strings.Contains(out, hash)
	})
	b.run(nil, "agreement", "sign", hash, "--name", "V. Lozina", "--office", "Editor in chief")
	return a, b
}

// TestCrashRounds pours stories into one node while both it and its partner are killed at random. At the end nothing is lost,
// nothing is there twice, and every ledger is what was signed, without a hand being needed.
func TestCrashRounds(t *testing.T) {
	if os.Getenv("NEWSPOOL_TEST_CRASH") == "" {
		t.Log("crash rounds are left out: NEWSPOOL_TEST_CRASH is not set")
		return
	}
	a, b := twoProcesses(t)
	const rounds, each = 10, 30
	sent := 0
	for round := range rounds {
		victim := []*process{a, b}[round%2]
		lines := storyLines(t, sent, each)
		done := make(chan error, 1)
		go func() {
			_, err := a.try(bytes.NewReader(lines), "ingest", "-")
			done <- err
		}()
		time.Sleep(time.Duration(rand.IntN(150)) * time.Millisecond)
		victim.kill()
		err := <-done
		victim.start()
		if err != nil { // it was cut off: the same lines again, and those that are there already are passed over
			a.run(bytes.NewReader(lines), "ingest", "-")
		}
		sent += each
	}
	checkPair(t, a, b, sent)
}

// TestCrashWire replays a real wire of 19,761 stories at 500 a second, while each side is killed ten times at random.
func TestCrashWire(t *testing.T) {
	if os.Getenv("NEWSPOOL_TEST_CRASH") == "" {
		t.Log("the crash rounds of a real wire are left out: NEWSPOOL_TEST_CRASH is not set")
		return
	}
	shared := os.Getenv("NEWSPOOL_SHARED")
	if shared == "" {
		t.Log("NEWSPOOL_SHARED is not set: the crash rounds of a real wire are left out")
		return
	}
	lines := realLines(t, filepath.Join(shared, "data", "news-multilingual", "reuters21578.jsonl.gz"))
	a, b := twoProcesses(t)

	const rate, step, kills = 500, 250, 10
	length := time.Duration(len(lines)) * time.Second / rate
	began, late := time.Now(), time.Duration(0)
	fed := make(chan error, 1)
	go func() {
		for i := 0; i < len(lines); i += step {
			due := began.Add(time.Duration(i) * time.Second / rate)
			time.Sleep(time.Until(due))
			if err := feed(a, lines[i:min(i+step, len(lines))]); err != nil {
				fed <- err
				return
			}
			late = max(late, time.Since(due))
		}
		fed <- nil
	}()
	for range kills {
		for _, victim := range []*process{a, b} {
			time.Sleep(time.Duration(rand.Int64N(int64(length / (kills * 2)))))
			victim.kill()
			victim.start()
		}
	}
	if err := <-fed; err != nil {
		t.Fatal(err)
	}
	t.Logf("%d stories in %.1f s; its feeder waited at most %.1f s for an answer", len(lines), time.Since(began).Seconds(), late.Seconds())
	checkPair(t, a, b, len(lines))
}

// feed gives lines to a node as the program of a wire does: what was cut off is given again.
func feed(p *process, lines [][]byte) error {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		out, err := p.try(bytes.NewReader(bytes.Join(lines, []byte("\n"))), "ingest", "--mapping", "news-multilingual", "--source", "wire", "-")
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if strings.Contains(out, "refused:") {
			return fmt.Errorf("a real story was refused: %s", out)
		}
	}
}

func realLines(t *testing.T, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Split(bytes.TrimSpace(b), []byte("\n"))
}

// checkPair waits until everything is at the partner, ends both, and looks at what they left behind.
func checkPair(t *testing.T, a, b *process, sent int) {
	t.Helper()
	var out string
	defer func() {
		if t.Failed() {
			doctor, _ := a.try(nil, "doctor")
			t.Logf("the partner's ledgers:\n%s\nthe origin's state:\n%s", out, doctor)
		}
	}()
	Wait(t, "the last story is at the partner", func() bool {
		var err error
		out, err = b.try(nil, "verify")
		return err == nil && held(out) > sent
	})
	a.kill()
	b.kill()
	ours, theirs := checkFolder(t, a, sent), checkFolder(t, b, sent)
	for id := range ours {
		if !theirs[id] {
			t.Errorf("%s is not at the partner", id)
		}
	}
}

// held reads the size of the largest ledger from what verify says.
func held(out string) (most int) {
	for line := range strings.Lines(strings.ReplaceAll(out, ",", "")) { // 19,761 is a number
		var n int
		if i := strings.Index(line, " with "); i >= 0 {
			if _, err := fmt.Sscanf(line[i:], " with %d record", &n); err == nil {
				most = max(most, n)
			}
		}
	}
	return most
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func storyLines(t *testing.T, from, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	for i := from; i < from+n; i++ {
		line, err := json.Marshal(map[string]any{
			"uri": fmt.Sprintf("tag:north.example,2026:%d", i), "type": "text", "version": "1", "language": "en", "headline": fmt.Sprintf("Ferry number %d leaves on time", i),
			"body_html": "<p>The ferry left Port Anselm on time, the harbour office said.</p>",
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Write(append(line, '\n'))
	}
	return b.Bytes()
}

// checkFolder opens a folder that was left behind, counts and verifies what is in it, and gives its items.
func checkFolder(t *testing.T, p *process, want int) map[news.ItemID]bool {
	t.Helper()
	ctx := context.Background()
	n, err := node.New(ctx, node.Options{Settings: config.Settings{Dir: p.dir, Listen: p.listen, ZoneName: "UTC"}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	count, _, err := n.Library.NewSince(ctx, library.Filter{State: news.Usable}, 0)
	if err != nil || int(count) != want {
		t.Errorf("%s: %d stories, want %d (%v)", p.dir, count, want, err)
	}
	seen := map[news.ItemID]bool{}
	var before int64
	for {
		rows, err := n.Library.Wire(ctx, library.Filter{}, before, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 0 {
			break
		}
		for _, r := range rows {
			if seen[r.Item] {
				t.Errorf("%s: %q is there twice", p.dir, r.Headline)
			}
			seen[r.Item] = true
		}
		before = rows[len(rows)-1].N
	}
	reports, err := verify.Database(ctx, n.DB, func(root news.Root) (protocol.Keys, bool) {
		if root == n.Exchange.Root() {
			k, err := n.Exchange.MyKeys()
			return k, err == nil
		}
		k, ok := n.Exchange.Partner(root)
		return k.Keys, ok
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		if !r.OK {
			t.Errorf("%s: a ledger is not what was signed: %+v", p.dir, r.Lines)
		}
	}
	return seen
}

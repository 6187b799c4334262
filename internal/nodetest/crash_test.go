package nodetest

import (
	"bytes"
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

// TestCrashRounds pours stories into one node while both it and its partner are killed at random. At the end nothing is lost,
// nothing is there twice, and every ledger is what was signed, without a hand being needed.
func TestCrashRounds(t *testing.T) {
	if os.Getenv("NEWSPOOL_TEST_CRASH") == "" {
		t.Log("crash rounds are left out: NEWSPOOL_TEST_CRASH is not set")
		return
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "newspool")
	build := exec.Command("go", "build", "-o", bin, "newspool/cmd/newspool")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	a := &process{t: t, bin: bin, dir: filepath.Join(dir, "north"), listen: freePort(t)}
	b := &process{t: t, bin: bin, dir: filepath.Join(dir, "soren"), listen: freePort(t)}
	t.Cleanup(a.kill)
	t.Cleanup(b.kill)
	a.run(nil, "init", "--domain", "north.example", "--name", "en=North Agency")
	b.run(nil, "init", "--domain", "soren.example", "--name", "en=Radio Soren")
	a.start()
	b.start()
	a.run(nil, "partner", "add", "https://"+b.listen)
	b.run(nil, "partner", "add", "https://"+a.listen)
	hash := strings.TrimSpace(a.run(nil, "agreement", "propose", "--with", "soren.example", "--name", "A. Thorley", "--office", "Editor in chief"))
	Wait(t, "the proposal is at the partner", func() bool {
		out, _ := b.try(nil, "agreement", "list")
		return strings.Contains(out, hash)
	})
	b.run(nil, "agreement", "sign", hash, "--name", "V. Lozina", "--office", "Editor in chief")

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
	checkFolder(t, a, sent)
	checkFolder(t, b, sent)
}

// held reads the size of the largest ledger from what verify says.
func held(out string) (most int) {
	for line := range strings.Lines(out) {
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

// checkFolder opens a folder that was left behind, and counts and verifies what is in it.
func checkFolder(t *testing.T, p *process, want int) {
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
	seen := map[string]bool{}
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
			if seen[r.Headline] {
				t.Errorf("%s: %q is there twice", p.dir, r.Headline)
			}
			seen[r.Headline] = true
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
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		if !r.OK {
			t.Errorf("%s: a ledger is not what was signed: %+v", p.dir, r.Lines)
		}
	}
}

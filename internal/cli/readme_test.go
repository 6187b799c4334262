package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"newspool/internal/cli"
)

// commands reads the indented commands of the README.
func commands(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if c, ok := strings.CutPrefix(line, "    "); ok {
			out = append(out, strings.TrimSpace(c))
		}
	}
	return out
}

// TestReadme runs what the README tells a newcomer to type.
func TestReadme(t *testing.T) {
	got := commands(t)
	if len(got) != 2 || got[0] != "go run ./cmd/newspool demo" || got[1] != "./check" {
		t.Fatalf("the README's commands are %q", got)
	}
	if info, err := os.Stat("../../check"); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("./check cannot be run: %v", err)
	}
	if os.Getenv("NEWSPOOL_TEST_SCRIPT") == "" {
		t.Log("the demo is not started: NEWSPOOL_TEST_SCRIPT is not set")
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	args := strings.Fields(got[0])
	dir := filepath.Join(t.TempDir(), "demo")
	cmd := exec.CommandContext(ctx, args[0], append(args[1:], "--every", "200ms", "--dir", dir)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.SysProcAttr = ownGroup()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		interrupt(cmd.Process.Pid)
		if err := cmd.Wait(); err != nil && ctx.Err() != nil {
			t.Errorf("the demo did not stop: %v", err)
		}
	}()
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+`)
	found := map[string]bool{}
	in := bufio.NewScanner(out)
	for len(found) < 3 && in.Scan() {
		for _, a := range address.FindAllString(in.Text(), -1) {
			found[a] = true
		}
	}
	if len(found) != 3 {
		t.Fatalf("the demo printed %d addresses, want 3", len(found))
	}
	for ctx.Err() == nil {
		var list bytes.Buffer
		cli.Main([]string{"--dir", filepath.Join(dir, "avand"), "item", "list"}, nil, &list, io.Discard)
		if strings.Contains(list.String(), "newspool://north.example/") {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Error("no story of North Agency came to Avand News")
}

// Links between the texts of the project lead to something.
func TestLinks(t *testing.T) {
	texts, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	for _, text := range append(texts, "../../README.md", "../../ARCHITECTURE.md", "../../SECURITY.md") {
		b, err := os.ReadFile(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(text), m[1])); err != nil {
				t.Errorf("%s: the link to %s leads nowhere", filepath.Base(text), m[1])
			}
		}
	}
}

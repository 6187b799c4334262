package storetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is the PostgreSQL server of this process; it is started when it is first asked for.
var server = sync.OnceValues(findServer)

// postgresURL makes a database for one test and drops it afterwards.
func postgresURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if err != nil {
		t.Fatalf("PostgreSQL is needed: %v\napt-get install postgresql, or name a server in NEWSPOOL_TEST_POSTGRES", err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatalf("NEWSPOOL_TEST_POSTGRES: %v", err)
	}
	name := "newspool_test_" + strings.ToLower(rand.Text()[:12])
	admin(t, base, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
	if base == os.Getenv("NEWSPOOL_TEST_POSTGRES") { // our own server goes as a whole
		t.Cleanup(func() { admin(t, base, "DROP DATABASE "+name+" WITH (FORCE)") })
	}
	u.Path = "/" + name
	return u.String()
}

// admin runs one statement on the server.
func admin(t testing.TB, base, statement string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		t.Fatalf("PostgreSQL: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("PostgreSQL: %s: %v", statement, err)
	}
}

func findServer() (string, error) {
	if named := os.Getenv("NEWSPOOL_TEST_POSTGRES"); named != "" {
		return named, nil
	}
	bins, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(bins) == 0 {
		return "", errors.New("there is no /usr/lib/postgresql/*/bin/initdb")
	}
	slices.SortFunc(bins, func(a, b string) int { return release(a) - release(b) })
	return startServer(filepath.Dir(bins[len(bins)-1]))
}

// release is the number in the path of a program of PostgreSQL.
func release(path string) int {
	n, _ := strconv.Atoi(strings.Split(path, "/")[4])
	return n
}

// startServer makes a cluster in a temporary folder, on a socket there and on the loopback. It orders texts by a language, as an
// operator's server may, so that the tests see where that would matter.
func startServer(bin string) (string, error) {
	dir, err := os.MkdirTemp("", "newspool-pg")
	if err != nil {
		return "", err
	}
	as, err := account(dir)
	if err != nil {
		return "", err
	}
	password := rand.Text()
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o644); err != nil { // the folder is closed to others
		return "", err
	}
	data := filepath.Join(dir, "data")
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "--pwfile", secret, "-A", "scram-sha-256",
		"--no-sync", "-E", "UTF8", "--locale", "C", "--locale-provider", "icu", "--icu-locale", "en")
	initdb.SysProcAttr = as
	initdb.Dir = dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w\n%s", err, out)
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if err := launch(bin, dir, data, port, as); err != nil {
		return "", err
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", password), Host: "127.0.0.1:" + port, Path: "/postgres"}
	return u.String(), await(u.String(), filepath.Join(dir, "log"))
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// launch starts the server under a shell that ends it, and removes its folder, when the end of a pipe that this process holds is
// closed: that is when this process ends, however it ends.
func launch(bin, dir, data, port string, as *syscall.SysProcAttr) error {
	const keeper = `"$1/postgres" -D "$3" -p "$4" -k "$2" -c listen_addresses=127.0.0.1 -c max_connections=200 >"$2/log" 2>&1 &
pid=$!
read -r _
kill -QUIT $pid
wait $pid
rm -rf "$2"`
	held, ours, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", keeper, "sh", bin, dir, data, port)
	cmd.Stdin = held
	cmd.Dir = dir
	cmd.SysProcAttr = as
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = held.Close()
	go func() {
		_ = cmd.Wait()
		_ = ours.Close() // keeps the pipe open until then
	}()
	return nil
}

// await waits until the server answers.
func await(u, log string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, u)
		if err == nil {
			return conn.Close(ctx)
		}
		if ctx.Err() != nil {
			text, _ := os.ReadFile(log)
			return fmt.Errorf("the server does not start: %w\n%s", err, text)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

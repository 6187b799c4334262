package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/folder"
	"newspool/internal/node"
)

// The control socket lets a command be carried out by the running node. It is a file in the data folder that only its owner
// can open; there is no other door to it.
const controlSocket = "control.sock"

// Headers of a control request and its answer. What the command prints is the body of the answer; complaints are marked by a
// leading byte so that they go to the right stream.
const (
	argsHeader = "Newspool-Args"
	cwdHeader  = "Newspool-Folder"
	langHeader = "Newspool-Language"
	codeHeader = "Newspool-Exit"
)

// longSocket is the length from which on the system does not take the path of a socket.
const longSocket = 100

// socketOf is a path of a folder's socket that the system takes: by a short way around where the folder's own path is long.
// done takes the way away.
func socketOf(dir string) (path string, done func(), err error) {
	path = filepath.Join(dir, controlSocket)
	if len(path) < longSocket {
		return path, func() {}, nil
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", nil, err
	}
	tmp, err := os.MkdirTemp("", "np")
	if err != nil {
		return "", nil, err
	}
	done = func() { os.RemoveAll(tmp) }
	link := filepath.Join(tmp, "d")
	if err := os.Symlink(dir, link); err != nil {
		done()
		return "", nil, err
	}
	return filepath.Join(link, controlSocket), done, nil
}

// A folder that a short command holds becomes free in a moment.
const (
	waitForFolder = 10 * time.Second
	askAgain      = 50 * time.Millisecond
)

// openNode opens the node of a data folder. A folder that another command is at work on is waited for; one with a running node is
// refused at once with folder.ErrInUse.
func openNode(ctx context.Context, o node.Options) (*node.Node, error) {
	end := time.Now().Add(waitForFolder)
	for {
		n, err := node.New(ctx, o)
		if !errors.Is(err, folder.ErrInUse) || served(ctx, o.Dir) || time.Now().After(end) {
			return n, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(askAgain):
		}
	}
}

// served reports whether a running node listens to commands on the folder.
func served(ctx context.Context, dir string) bool {
	path, done, err := socketOf(dir)
	if err != nil {
		return false
	}
	defer done()
	c, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// control listens for commands until ctx ends.
func (a *app) control(ctx context.Context, n *node.Node) error {
	path, done, err := socketOf(n.Settings.Dir)
	if err != nil {
		return err
	}
	defer done()
	os.Remove(path) // left by a process that was killed: the lock on the folder says that it is gone
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { a.carryOut(w, r, n) })}
	context.AfterFunc(ctx, func() { server.Close() })
	go server.Serve(l)
	return nil
}

func (a *app) carryOut(w http.ResponseWriter, r *http.Request, n *node.Node) {
	var args []string
	if err := json.Unmarshal([]byte(r.Header.Get(argsHeader)), &args); err != nil {
		http.Error(w, "arguments", http.StatusBadRequest)
		return
	}
	http.NewResponseController(w).EnableFullDuplex() // it may print while it still reads
	w.Header().Set("Connection", "close")
	w.Header().Set("Trailer", codeHeader)
	w.WriteHeader(http.StatusOK)
	inner := &app{ctx: r.Context(), args: args, cwd: r.Header.Get(cwdHeader), lang: r.Header.Get(langHeader), in: r.Body, out: &marked{w, 'o'}, errOut: &marked{w, 'e'}, node: n}
	w.Header().Set(codeHeader, strconv.Itoa(inner.run()))
}

// marked writes each piece with its stream and length before it.
type marked struct {
	w      http.ResponseWriter
	stream byte
}

func (m *marked) Write(b []byte) (int, error) {
	if _, err := fmt.Fprintf(m.w, "%c%08x", m.stream, len(b)); err != nil {
		return 0, err
	}
	n, err := m.w.Write(b)
	http.NewResponseController(m.w).Flush()
	return n, err
}

// withoutConfig leaves the settings file out of a command: the running node has its settings, and would look for the file elsewhere.
func withoutConfig(args []string) (out []string) {
	for i := 0; i < len(args); i++ {
		switch {
		case args[i] == "--":
			return append(out, args[i:]...)
		case args[i] == "--config":
			i++
		case !strings.HasPrefix(args[i], "--config="):
			out = append(out, args[i])
		}
	}
	return out
}

// forward has the running node carry the command out.
func (a *app) forward() error {
	path, done, err := socketOf(a.set.Dir)
	if err != nil {
		return err
	}
	defer done()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	var in io.Reader = http.NoBody
	if slices.Contains(a.args, "-") { // the command reads what is given to it on standard input
		in = io.NopCloser(a.in)
	}
	req, err := http.NewRequestWithContext(a.ctx, http.MethodPost, "http://node/", in)
	if err != nil {
		return err
	}
	args, err := json.Marshal(withoutConfig(a.args))
	if err != nil {
		return err
	}
	req.Header.Set(argsHeader, string(args))
	req.Header.Set(cwdHeader, a.cwd)
	req.Header.Set(langHeader, consoleLang())
	r, err := client.Do(req)
	if err != nil {
		return fault.New(fault.Unavailable, "cli.busy", "folder", a.set.Dir).Because(err)
	}
	defer r.Body.Close()
	if err := a.relay(r.Body); err != nil {
		return fault.New(fault.Unavailable, "cli.node_stopped").Because(err)
	}
	if code := r.Trailer.Get(codeHeader); code != "0" {
		return errSaid
	}
	return nil
}

// relay writes what a command said at the running node to where it would have said it here.
func (a *app) relay(from io.Reader) error {
	for {
		var head [9]byte
		if _, err := io.ReadFull(from, head[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(head[1:]), 16, 64)
		if err != nil {
			return err
		}
		to := a.out
		if head[0] == 'e' {
			to = a.errOut
		}
		if _, err := io.CopyN(to, from, n); err != nil {
			return err
		}
	}
}

package cli

import (
	"bytes"
	"context"
	"net"
	"path/filepath"
	"testing"

	"newspool/internal/config"
	"newspool/internal/fault"
)

// A node that stops in the middle of a command leaves a sentence behind, and what the command had said.
func TestNodeStops(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, controlSocket))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Read(make([]byte, 4096))
		c.Write([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: " + codeHeader + "\r\n\r\n" + "e\r\no00000005half\n\r\n"))
		c.Close()
	}()
	var out bytes.Buffer
	a := &app{ctx: context.Background(), out: &out, errOut: &out, set: &commands{Settings: config.Settings{Dir: dir}}}
	if err := a.forward(); fault.Of(err).Key != "cli.node_stopped" || out.String() != "half\n" {
		t.Errorf("%v, and it said %q", err, out.String())
	}
}

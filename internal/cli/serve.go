package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"newspool/internal/config"
	"newspool/internal/node"
)

type serveCmd struct{}

// Run serves until the process is told to stop.
func (serveCmd) Run(a *app) error {
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	n, err := openNode(ctx, node.Options{Settings: a.set.Settings, Log: a.log("")})
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // it was stopped before it had started
	}
	if err != nil {
		return err
	}
	defer n.Close()
	if _, err := n.Listen(); err != nil {
		return err
	}
	if err := a.control(ctx, n); err != nil {
		return err
	}
	if n.OnlyHere() {
		a.started(a.errOut, "newspool: "+strip(a.printer().T("doctor.base", "address", n.Base())))
	}
	a.started(a.out, fmt.Sprintf("Newspool serves %s on %s", a.set.Dir, deskURL(n)))
	code, err := n.People.SetupCode(ctx)
	if err != nil {
		return err
	}
	if code != "" {
		a.started(a.out, fmt.Sprintf("Nobody can sign in yet. Open %s/setup and enter the code %s", deskURL(n), code))
	}
	return n.Run(ctx)
}

// started says something of the start on the console; where the log is JSON it is a line of the log, for whoever reads that reads
// no other.
func (a *app) started(to io.Writer, text string) {
	if a.set.LogFormat == "json" {
		a.log("").Info(text)
		return
	}
	fmt.Fprintln(to, text)
}

// deskURL is the address that a person opens: plain on this machine, as partners see it elsewhere.
func deskURL(n *node.Node) string {
	if n.Settings.Base == "" && n.Settings.TLSMode() == config.None {
		return "http" + strings.TrimPrefix(n.Base(), "https")
	}
	return n.Base()
}

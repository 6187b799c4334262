package cli

import (
	"context"
	"errors"
	"fmt"
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
		fmt.Fprintln(a.errOut, "newspool: "+strip(a.printer().T("doctor.base", "address", n.Base())))
	}
	fmt.Fprintf(a.out, "Newspool serves %s on %s\n", a.set.Dir, deskURL(n))
	code, err := n.People.SetupCode(ctx)
	if err != nil {
		return err
	}
	if code != "" {
		fmt.Fprintf(a.out, "Nobody can sign in yet. Open %s/setup and enter the code %s\n", deskURL(n), code)
	}
	return n.Run(ctx)
}

// deskURL is the address that a person opens: plain on this machine, as partners see it elsewhere.
func deskURL(n *node.Node) string {
	if n.Settings.Base == "" && n.Settings.TLSMode() == config.None {
		return "http" + strings.TrimPrefix(n.Base(), "https")
	}
	return n.Base()
}

package bench

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"sync/atomic"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/config"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/node"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// The two newsrooms are invented; A releases and B receives.
const (
	domainA = "north.example"
	domainB = "soren.example"
)

// house is one newsroom with its node.
type house struct {
	*node.Node
	domain   string
	set      config.Settings
	o        Options
	observe  func(exchange.Event)
	takeover func(*store.Tx, ledger.Said) (bool, error)
	cancel   context.CancelFunc
	done     chan error
}

// pair is both of them with the agreement between them.
type pair struct {
	a, b      *house
	agreement terms.AgreementID
	revision  terms.RevisionHash
	ledger    ledger.ID // of A
	watch     *watch
	bare      atomic.Bool // B stores records of stories and makes no library rows of them
}

func open(ctx context.Context, o Options) (p *pair, err error) {
	p = &pair{watch: newWatch()}
	newsroom := func(name, domain string, n int) *house {
		set := config.Settings{Dir: filepath.Join(o.Dir, name), Listen: "127.0.0.1:0", AllowNet: []string{"127.0.0.0/8"}, ZoneName: "UTC"}
		if len(o.Databases) > 0 {
			set.Database = o.Databases[n]
		}
		return &house{domain: domain, set: set, o: o, observe: p.watch.observe}
	}
	p.a, p.b = newsroom("a", domainA, 0), newsroom("b", domainB, 1)
	p.b.takeover = func(_ *store.Tx, d ledger.Said) (bool, error) {
		return p.bare.Load() && d.Record.Type == exchange.TypeRelease, nil
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	for _, h := range []*house{p.a, p.b} {
		if err := h.start(ctx); err != nil {
			return nil, err
		}
	}
	return p, p.agree(ctx)
}

// start opens the node, sets it up the first time, and runs it.
func (h *house) start(ctx context.Context) error {
	l, err := net.Listen("tcp", h.set.Listen)
	if err != nil {
		return fault.New(fault.Unavailable, "config.listen", "address", h.set.Listen).Because(err)
	}
	again := h.set.Listen != "127.0.0.1:0"
	h.set.Listen = l.Addr().String()
	n, err := node.New(ctx, node.Options{Settings: h.set, Log: h.o.Log.With("node", h.domain), Listener: l})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	n.Exchange.Observe, n.Exchange.Fold = h.observe, h.takeover
	h.Node = n
	if !again {
		if n.Exchange.Root() != "" {
			return errors.Join(fault.New(fault.Conflict, "bench.used"), n.Close())
		}
		_, err := n.SetUp(ctx, partner.Profile{Domain: h.domain, Base: n.Base(), Names: map[string]string{"en": h.domain}, Kind: "agency", Languages: []string{"en"}})
		if err != nil {
			return errors.Join(err, n.Close())
		}
	}
	run, cancel := context.WithCancel(ctx)
	h.cancel, h.done = cancel, make(chan error, 1)
	go func() { h.done <- n.Run(run) }()
	return nil
}

// stop takes the newsroom off the net and closes its node.
func (h *house) stop() error {
	if h.cancel == nil {
		return nil
	}
	h.cancel()
	err := errors.Join(<-h.done, h.Node.Close())
	h.cancel = nil
	return err
}

func (p *pair) close() {
	for _, h := range []*house{p.a, p.b} {
		if h != nil {
			if err := h.stop(); err != nil {
				h.o.Log.Error("closing a node", "error", err)
			}
		}
	}
}

// agree has the newsrooms pin each other and sign terms under which everything goes.
func (p *pair) agree(ctx context.Context) error {
	var parties []terms.Party
	for _, x := range [][2]*house{{p.a, p.b}, {p.b, p.a}} {
		if _, err := x[0].Exchange.Pin(ctx, x[1].Exchange.Document(), false); err != nil {
			return err
		}
		party := terms.PartyOf(x[0].Exchange.Self())
		party.Signatory = terms.Signatory{Name: "The chief", Office: "Editor in chief"}
		parties = append(parties, party)
	}
	rev := terms.Template(terms.Wire, parties...)
	rev.Zone, rev.SignBy = "Etc/GMT-1", terms.DateOf(time.Now().AddDate(0, 0, 30), time.UTC)
	rev.Ceilings = terms.Counts{Records: 1 << 40, Bytes: 1 << 50, Media: 1 << 50}
	signer := agreement.Signer{Name: "The chief", Office: "Editor in chief"}
	hash, err := p.a.Agreements.Propose(ctx, rev, signer)
	if err != nil {
		return err
	}
	if err := until(ctx, func() bool { _, ok := p.b.Agreements.Revision(hash); return ok }); err != nil {
		return err
	}
	if err := p.b.Agreements.Sign(ctx, hash, signer); err != nil {
		return err
	}
	for _, h := range []*house{p.a, p.b} {
		if err := until(ctx, func() bool { return len(h.Agreements.Active()) > 0 }); err != nil {
			return err
		}
	}
	st := p.a.Agreements.Active()[0]
	p.agreement, p.revision = st.Agreement, st.Hash
	err = p.a.DB.Read(ctx, func(r store.Reader) error {
		all, err := ledger.All(r, string(p.agreement))
		for _, i := range all {
			if i.Own {
				p.ledger = i.ID
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	ours, err := p.a.Ledgers.Info(ctx, p.ledger)
	if err != nil {
		return err
	}
	p.watch.follow(p.ledger, ours.Size)
	return until(ctx, func() bool {
		theirs, err := p.b.Ledgers.Info(ctx, p.ledger)
		return err == nil && theirs.Size == ours.Size
	})
}

// patience is how long the bench waits for anything.
const patience = 2 * time.Minute

// until waits for something.
func until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "bench.slow").Because(ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

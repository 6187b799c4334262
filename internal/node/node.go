// Package node builds one newsroom's node out of its parts and runs it. It is the only place where parts are joined: every
// interface that a part asks for is filled here.
package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/api"
	"newspool/internal/blob"
	"newspool/internal/clock"
	"newspool/internal/config"
	"newspool/internal/content"
	"newspool/internal/deliver"
	"newspool/internal/desk"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/folder"
	"newspool/internal/i18n"
	"newspool/internal/ingest"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/live"
	"newspool/internal/media"

	"newspool/internal/news/mediatopic"
	"newspool/internal/partner"
	"newspool/internal/peer"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/web/setup"
	"newspool/protocol"
)

// Options are the settings with what only code can hand over.
type Options struct {
	config.Settings
	Log      *slog.Logger
	Clock    clock.Clock
	Fault    func(op string) error // makes storage fail, in tests
	Listener net.Listener          // already open; nil: Settings.Listen is opened
	// Replacing is the role of a working key that Rotate will replace, the one thing that the node is opened for: it may be lost.
	Replacing string
}

// Node is one newsroom's node.
type Node struct {
	Settings   config.Settings
	Log        *slog.Logger
	Clock      clock.Clock
	DB         *store.DB
	Ledgers    *ledger.Service
	Library    *library.Library
	Agreements *agreement.Service
	Exchange   *exchange.Service
	Lineage    *lineage.Service
	Desk       *desk.Service
	People     *people.Service
	Peer       *peer.Client
	Ingest     *ingest.Service
	Media      *media.Service
	Door       *fetch.Door
	Hub        *live.Hub
	Bundle     *i18n.Bundle

	keys     *keyring
	first    *setup.Family
	blobs    *blob.FS
	unlock   func()
	tls      *tlsKeys
	listener net.Listener
	handler  atomic.Pointer[http.Handler]
	started  time.Time
	began    chan struct{} // closed when the newsroom is set up
	once     sync.Once
	server   *peer.Server
	meter    *meter
	later    chan func(context.Context) // what is done after a request, one thing after the other
}

// Migrations are the tables of all packages, in the order in which they are made.
func Migrations() []store.Migration {
	return []store.Migration{
		content.Migrations(), ledger.Migrations(), library.Migrations(), people.Migrations(), partner.Migrations(), agreement.Migrations(), exchange.Migrations(),
		ingest.Migrations(), media.Migrations(), deliver.Migrations(), api.Migrations(),
		lineage.Migrations(),
	}
}

// New opens a node's data folder and database and joins its parts. Nothing runs yet. A folder that another process holds is
// refused with folder.ErrInUse.
func New(ctx context.Context, o Options) (*Node, error) {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fault.New(fault.Unavailable, "config.folder", "folder", o.Dir).Because(err)
	}
	unlock, err := folder.Lock(o.Dir)
	if err != nil {
		return nil, err
	}
	n := &Node{Settings: o.Settings, Log: o.Log, Clock: o.Clock, unlock: unlock, listener: o.Listener, started: o.Clock(), began: make(chan struct{}), later: make(chan func(context.Context), 32)}
	n.meter = n.newMeter()
	if err := n.open(ctx, o); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Node) open(ctx context.Context, o Options) (err error) {
	if n.Bundle, err = i18n.Load(); err != nil {
		return err
	}
	if n.keys, err = openKeyring(o.Dir, o.KeyPath()); err != nil {
		return err
	}
	if n.tls, err = loadTLS(&n.Settings); err != nil {
		return err
	}
	if n.DB, err = store.Open(ctx, store.Options{URL: o.DatabaseURL(), Migrations: Migrations(), Clock: o.Clock, Log: o.Log, Fault: o.Fault}); err != nil {
		return err
	}
	working, err := n.workingKeys(ctx, o.Replacing)
	if err != nil {
		return err
	}
	n.Hub = live.NewHub()
	n.Door = fetch.New(fetch.Options{AllowNets: o.Allowed(), UserAgent: "Newspool", Timeout: 30 * time.Second})
	n.Ledgers = ledger.New(n.DB, o.Clock, func() ed25519.PrivateKey { return working.Log })
	n.People = people.New(n.DB, people.Options{Clock: o.Clock, Log: o.Log})
	n.Agreements = agreement.New(n.DB, o.Clock, n.Bundle, n.changed)
	known := partner.New(n.DB, o.Clock, working, n.partnersChanged)
	if err := known.Load(ctx); err != nil {
		return err
	}
	if n.blobs, err = blob.OpenFS(filepath.Join(o.Dir, "files")); err != nil {
		return err
	}
	n.Media = media.New(n.DB, n.blobs, o.Clock)
	n.Exchange = exchange.New(exchange.Options{
		Media: n.Media,
		DB:    n.DB, Ledgers: n.Ledgers, Agreements: n.Agreements, Known: known, Codec: reader{}, Clock: o.Clock, Log: o.Log, Changed: n.changed,
	})
	n.Agreements.Join(n.Exchange)
	if err := n.Agreements.Load(ctx); err != nil {
		return err
	}
	if err := n.Exchange.Load(ctx); err != nil {
		return err
	}
	n.Peer = peer.NewClient(n.Exchange, n.Door, o.Clock)
	if n.first, err = setup.New(setup.Options{
		Bundle: n.Bundle, People: n.People, Newsroom: firstRun{n}, RootKey: rootKey{n}, Audit: n.People, Base: n.Base, Clock: o.Clock, Log: o.Log, Remote: n.remote,
	}); err != nil {
		return err
	}
	n.server = &peer.Server{Exchange: n.Exchange, Ledgers: n.Ledgers, Log: o.Log, TLSKeys: n.tls.hashes, Remote: n.remote}
	if n.Exchange.Root() != "" {
		return errors.Join(n.forgetRoot(ctx), n.begin())
	}
	return nil
}

// workingKeys reads the working keys, after ending a change of keys that was cut off.
func (n *Node) workingKeys(ctx context.Context, replacing string) (keys partner.Keys, err error) {
	id, ok, err := partner.Stored(ctx, n.DB)
	if err != nil {
		return keys, err
	}
	if !ok {
		return n.keys.working()
	}
	list, err := protocol.ParseKeys(id.Root, id.Keys)
	if err != nil {
		return keys, err
	}
	if err := errors.Join(n.keys.settle(logKeyFile, list.Public(protocol.RoleLog)), n.keys.settle(cosignerKeyFile, list.Public(protocol.RoleCosigner))); err != nil {
		return keys, err
	}
	return n.keys.named(list, replacing)
}

// begin joins what needs to know who the newsroom is. It is called once, at the start or when the node was set up.
func (n *Node) begin() (err error) {
	n.once.Do(func() {
		self := n.Exchange.Self()
		n.Library = library.New(n.DB, library.Options{
			Origin: n.Exchange.Root(), Domain: self.Domain, Clock: n.Clock, Zone: n.Settings.Zone(), Codec: writer{self},
			MediaType: ninjsType, Ancestors: mediatopic.Ancestors, OnVersion: n.queue,
		})
		n.Lineage = lineage.New(lineage.Options{
			DB: n.DB, Library: n.Library, People: n.People, Voice: voice{n}, Agreements: n.Agreements, Root: n.Exchange.Root(), Clock: n.Clock, Log: n.Log,
			Changed: func() { n.Hub.Publish("wire") },
		})
		n.Exchange.Library, n.Exchange.Lineage = n.Library, n.Lineage
		n.Desk = desk.New(n.DB, n.Library, n.People, judge{n.Exchange}, made{n.Lineage}, n.Clock)
		err = n.Library.Begin(context.Background())
		n.Ingest = ingest.New(n.DB, ingest.Options{Desk: n.Library, Photos: n.Media, Client: n.Door.Client(), Clock: n.Clock, Log: n.Log})
		close(n.began)
	})
	if err != nil {
		return err
	}
	return n.serveAll()
}

func (n *Node) queue(tx *store.Tx, v library.Version) error {
	tx.OnCommit(func() { n.Hub.Publish("wire") })
	if err := n.Media.Belongs(tx, v.Item, v.Story.Media); err != nil {
		return err
	}
	if err := n.Lineage.Released(tx, v); err != nil {
		return err
	}
	return n.Exchange.Queue(tx, v)
}

// changed rings for the open pages of a topic. What waited for a ledger to be confirmed may be said when something about links is new.
func (n *Node) changed(topic, _ string) {
	n.Hub.Publish(topic)
	if topic != "links" {
		return
	}
	select {
	case <-n.began:
		n.Lineage.Wake()
	default:
	}
}

func (n *Node) partnersChanged(topic, value string) {
	n.changed(topic, value)
	if n.Exchange != nil {
		n.Exchange.PartnersChanged()
	}
}

// SetUp makes this node the node of a newsroom, with a new root key that is kept in the data folder until a person says that
// it was put away. What also does commits with it; it is given the root.
func (n *Node) SetUp(ctx context.Context, p partner.Profile, also ...func(tx *store.Tx, root string) error) (ed25519.PrivateKey, error) {
	root, err := n.keys.get(rootKeyFile)
	if err != nil {
		return nil, err
	}
	if p.Base == "" {
		p.Base = n.Base()
	}
	name := protocol.FormatRoot(root.Public().(ed25519.PublicKey))
	err = n.Exchange.SetUp(ctx, root, p, func(tx *store.Tx) (err error) {
		for _, do := range also {
			err = errors.Join(err, do(tx, name))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return root, n.begin()
}

// RootToStore gives the root key as long as nobody has said that it was put away; nil after that.
func (n *Node) RootToStore() (ed25519.PrivateKey, error) {
	key, err := n.keys.read(rootKeyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return key, err
}

// RootStored takes a person's word that the root key was put away, and removes it from the data folder.
func (n *Node) RootStored(ctx context.Context, also ...func(*store.Tx) error) error {
	if err := n.Exchange.RootStored(ctx, also...); err != nil {
		return err
	}
	return n.keys.remove(rootKeyFile)
}

// forgetRoot removes the root key where a person has said that it was put away and the node ended before it was gone.
func (n *Node) forgetRoot(ctx context.Context) error {
	stored, err := n.Exchange.RootIsStored(ctx)
	if err != nil || !stored {
		return err
	}
	return n.keys.remove(rootKeyFile)
}

// Run serves and follows until ctx ends, then closes the listener. It does not close the node.
func (n *Node) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	numbers := make(chan error, 1)
	wg.Go(func() {
		err := n.serveMetrics(ctx, n.meter)
		if err != nil {
			cancel() // who asked for them must know that there are none
		}
		numbers <- err
	})
	wg.Go(func() {
		select {
		case <-n.began:
		case <-ctx.Done():
			return
		}
		var parts sync.WaitGroup
		parts.Go(func() { n.Exchange.Run(ctx, n.Peer) })
		parts.Go(func() { n.Agreements.Run(ctx, n.Log) })
		parts.Go(func() { n.Lineage.Run(ctx) })
		parts.Go(func() { n.poll(ctx) })
		parts.Go(func() { n.work(ctx) })
		parts.Wait()
	})
	err := n.serve(ctx)
	cancel()
	return errors.Join(err, <-numbers)
}

// work does what requests have left for later, until ctx ends.
func (n *Node) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case do := <-n.later:
			do(ctx)
		}
	}
}

// leave leaves something for later. It reports false if too much waits.
func (n *Node) leave(do func(context.Context)) bool {
	select {
	case n.later <- do:
		return true
	default:
		return false
	}
}

// poll asks the sources that are due, again and again.
func (n *Node) poll(ctx context.Context) {
	for {
		if err := n.Ingest.PollDue(ctx); err != nil && ctx.Err() == nil {
			n.Log.Error("polling sources", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(10 * time.Second):
		}
	}
}

// Close closes the database and gives the folder back.
func (n *Node) Close() error {
	var err error
	if n.DB != nil {
		err = n.DB.Close()
	}
	if n.blobs != nil {
		err = errors.Join(err, n.blobs.Close())
	}
	if n.unlock != nil {
		n.unlock()
	}
	return err
}

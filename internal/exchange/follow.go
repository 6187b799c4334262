package exchange

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Peer is the network, as the exchange sees it. Every call is made to a partner's base URL.
type Peer interface {
	// Identity fetches a newsroom's identity document.
	Identity(ctx context.Context, base string) ([]byte, error)
	// Hello hands over a signed hello.
	Hello(ctx context.Context, base string, hello []byte) error
	// Get opens a path of the exchange under a token for the agreement; the body is read as it arrives. ErrHoldsNothing where the
	// partner itself says that it has nothing there.
	Get(ctx context.Context, p partner.Partner, a terms.AgreementID, path string) (io.ReadCloser, error)
	// Post sends a body to a path of the exchange under such a token.
	Post(ctx context.Context, p partner.Partner, a terms.AgreementID, path string, body []byte) error
}

// ErrHoldsNothing is a partner's own word that it holds nothing of a ledger. That something is not found there tells nothing of the
// kind: a proxy may say so that leads elsewhere.
var ErrHoldsNothing = errors.New("the partner holds nothing of it")

// HeartbeatEvery is how often a stream says at least that it is there.
const HeartbeatEvery = 15 * time.Second

const (
	clockFault   = 2 * time.Minute
	batchRecords = 4096     // in one transaction
	batchBytes   = 32 << 20 // in one transaction
	queuedFrames = 16       // that wait for it, each of FrameBytes at the most
)

// Times are the times of links. Silence is three heartbeats.
type Times struct {
	Silence   time.Duration // a stream that says nothing for so long is cut
	FirstWord time.Duration // how long a new stream may be silent before we ask for answers that end
	MinPause  time.Duration // between two connections; after failures it doubles
	MaxPause  time.Duration
	Stall     time.Duration // how long what we said may be unconfirmed by a partner before we ask and say so
	Retry     time.Duration // before what failed, or was not answered, is tried again for the first time
}

// usualTimes are those of production.
func usualTimes() Times {
	return Times{Silence: 3 * HeartbeatEvery, FirstWord: 10 * time.Second, MinPause: 100 * time.Millisecond, MaxPause: time.Minute, Stall: clockFault, Retry: time.Second}
}

// link is our following of one ledger.
type link struct {
	id        ledger.ID
	partner   news.Root
	agreement terms.AgreementID
	origin    string
	cancel    context.CancelFunc

	mu      sync.Mutex
	contact time.Time // last frame or heartbeat that was verified
	skew    time.Duration
	head    int64 // size that the partner has told of
	held    int64
	gate    int64 // nothing is shown before this size is reached; -1: no connection yet
	err     error
	stopped bool
	ended   bool // its newsroom goes on in another ledger

	// These belong to the follower.
	polls  bool           // the stream does not come through, so we ask again and again
	hinted map[int64]bool // withdrawals that were hinted at on this connection, and whether their items are here

	cosign chan protocol.Checkpoint
	again  chan struct{} // another ledger of the agreement has moved: what waited for it may be folded now
}

// run is what one connection has verified so far.
type run struct {
	l    *link
	edge protocol.Edge
}

// Run follows, offers and announces until ctx ends.
func (s *Service) Run(ctx context.Context, peer Peer) {
	var wg sync.WaitGroup
	for _, f := range []func(){
		func() { s.offerLoop(ctx) },
		func() { s.announceLoop(ctx, peer) },
		func() { s.followLoop(ctx, peer) },
		func() { s.confirmLoop(ctx, peer) },
		func() { s.mediaLoop(ctx, peer) },
	} {
		wg.Go(f)
	}
	wg.Wait()
}

// followLoop starts a follower for each ledger that we follow, and ends those of partners that were blocked.
func (s *Service) followLoop(ctx context.Context, peer Peer) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		var all []ledger.Info
		err := s.DB.Read(ctx, func(r store.Reader) (err error) {
			all, err = ledger.All(r, "")
			return err
		})
		if err != nil && ctx.Err() == nil {
			s.Log.Error("reading ledgers", "error", err)
		}
		for _, i := range all {
			if i.Own {
				continue
			}
			p, ok := s.Partner(i.Owner)
			s.mu.Lock()
			l := s.links[i.ID]
			switch {
			case l == nil && ok && !p.Blocked:
				lctx, cancel := context.WithCancel(ctx)
				l = &link{id: i.ID, partner: i.Owner, agreement: terms.AgreementID(i.Agreement), origin: i.Origin, cancel: cancel,
					held: i.Size, gate: -1, ended: i.State == ledger.Ended, cosign: make(chan protocol.Checkpoint, 1), again: make(chan struct{}, 1)}
				s.links[i.ID] = l
				if i.State == ledger.Stopped {
					l.stopped, l.err = true, forked(p)
					break // it is shown, and not followed
				}
				wg.Go(func() { s.followOne(lctx, peer, l) })
				wg.Go(func() { s.cosignLoop(lctx, peer, l) })
			case l != nil && p.Blocked:
				l.cancel()
				delete(s.links, i.ID)
			}
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
		case <-s.followWake:
		case <-time.After(30 * time.Second):
		}
	}
}

// errStopped ends a link for good: a person must look.
var errStopped = errors.New("the ledger said two things")

func forked(p partner.Partner) *fault.Error {
	return fault.New(fault.Fork, "exchange.fork", "domain", p.Domain).Because(errStopped)
}

// sentence makes a fault of what a partner did wrong on a connection.
func sentence(err error, p partner.Partner) error {
	switch {
	case errors.Is(err, errStopped):
		return forked(p).Because(err)
	case errors.Is(err, protocol.ErrMalformed), errors.Is(err, protocol.ErrSignature):
		return fault.New(fault.Unavailable, "exchange.broken", "domain", p.Domain).Because(err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Unavailable, "partner.unreachable", "address", p.Domain).Because(err)
	}
	return err
}

// followOne keeps one link up: connect, read, and after an error wait a little longer each time.
func (s *Service) followOne(ctx context.Context, peer Peer, l *link) {
	pause := s.Times.MinPause
	for ctx.Err() == nil {
		began := time.Now()
		err := s.connect(ctx, peer, l)
		if ctx.Err() != nil {
			return
		}
		l.mu.Lock()
		l.err = err
		l.mu.Unlock()
		s.Changed("links", string(l.partner))
		if errors.Is(err, errStopped) {
			l.mu.Lock()
			l.stopped = true
			l.mu.Unlock()
			return
		}
		if errors.Is(err, protocol.ErrSignature) {
			s.refresh(ctx, peer, l.partner)
		}
		if err != nil {
			s.Log.Warn("link", "partner", l.partner, "ledger", l.id, "error", err)
		}
		if !l.gateUnknown() { // it was there: nothing speaks against coming back soon, but not at once again and again
			pause = min(pause, 10*s.Times.MinPause)
		}
		if time.Since(began) > s.Times.MaxPause {
			pause = s.Times.MinPause
		}
		if err == nil && l.polls {
			pause = s.Times.MinPause // the answer ended as it should: ask for the next one
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, s.Times.MaxPause)
	}
}

// refresh fetches a partner's identity again: its keys may have been changed by its root. A list that does not extend the one that
// we hold changes nothing.
func (s *Service) refresh(ctx context.Context, peer Peer, root news.Root) {
	p, ok := s.Partner(root)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	doc, err := peer.Identity(ctx, p.Base)
	if err != nil {
		return
	}
	id, _, err := protocol.ParseIdentity(doc)
	if err != nil || id.Root != string(root) || id.Number <= p.Identity.Number {
		return
	}
	if _, err := s.Pin(ctx, doc, false); err != nil {
		s.Log.Error("a partner's new identity was refused", "partner", p.Domain, "error", err)
		return
	}
	s.Log.Warn("a partner has changed its keys", "partner", p.Domain, "number", id.Number)
}

// connect opens the stream from what we hold and reads until it ends. Verified frames wait in a queue; whoever commits takes
// all that wait in one transaction, so that a slow disk is never a frame behind for each frame.
func (s *Service) connect(ctx context.Context, peer Peer, l *link) error {
	p, ok := s.Partner(l.partner)
	if !ok {
		return fault.New(fault.NotFound, "partner.unknown")
	}
	i, err := s.Ledgers.Info(ctx, l.id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.gate, l.held = -1, i.Size
	l.mu.Unlock()
	l.hinted = map[int64]bool{}
	if i.Applied < i.Size {
		if err := s.foldBehind(ctx, l); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	path := fmt.Sprintf("ledgers/%s/stream?from=%d", l.id, i.Size)
	if l.polls {
		path += "&once=1"
	}
	// A stream that says nothing for longer than three heartbeats is cut; what waits in it comes again. One from which not even
	// the first heartbeat comes is held back by something in between: from then on we ask for answers that end.
	silence := time.AfterFunc(s.Times.FirstWord, cancel)
	defer silence.Stop()
	body, err := peer.Get(ctx, p, l.agreement, path)
	if err != nil {
		l.polls = l.polls || ctx.Err() != nil
		return err
	}
	defer body.Close()
	if i.Size > 0 { // the receipt for what we hold may have been lost with an earlier connection
		offerCosign(l.cosign, protocol.Checkpoint{Origin: l.origin, Size: i.Size, Root: i.Root()})
	}

	queue := make(chan ledger.Batch, queuedFrames)
	done := make(chan error, 1)
	go func() {
		err := s.commitLoop(ctx, l, queue)
		cancel()
		done <- err
	}()
	r := &run{l: l, edge: i.Edge()}
	readErr := s.read(ctx, r, bufio.NewReaderSize(body, 1<<16), queue, silence)
	close(queue)
	if err := <-done; err != nil {
		return err
	}
	if l.gateUnknown() && ctx.Err() != nil {
		l.polls = true
	}
	if errors.Is(readErr, io.EOF) || errors.Is(readErr, context.Canceled) {
		return nil
	}
	return sentence(readErr, p)
}

// read verifies frames and queues them.
func (s *Service) read(ctx context.Context, r *run, body *bufio.Reader, queue chan<- ledger.Batch, silence *time.Timer) error {
	for {
		f, err := protocol.ReadFrame(body)
		if err != nil {
			return err
		}
		silence.Reset(s.Times.Silence)
		p, ok := s.Partner(r.l.partner)
		if !ok || p.Blocked {
			return fault.New(fault.Denied, "partner.blocked")
		}
		b, cp, err := r.verify(f, p.Keys.Public(protocol.RoleLog))
		if err != nil {
			if errors.Is(err, errStopped) {
				return s.stop(ctx, r.l, f.Checkpoint, err)
			}
			return err
		}
		if len(f.Records) == 0 {
			if err := s.heartbeat(r.l, p, f, cp); err != nil {
				return err
			}
			if cp.Size == r.edge.Size {
				if err := s.reveal(ctx, r.l, cp.Size); err != nil {
					return err
				}
			}
		} else if r.l.gateUnknown() {
			return fmt.Errorf("%w: records before the first heartbeat", protocol.ErrMalformed)
		}
		if err := s.closeHinted(ctx, r.l, f.Hints, len(f.Records) == 0); err != nil {
			return err
		}
		if len(f.Records) == 0 {
			continue
		}
		select {
		case queue <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// verify recomputes the root from our own right edge and compares it with the signed checkpoint. A frame without records
// may name a larger size than we hold; one that names a smaller one has shrunk.
func (r *run) verify(f protocol.Frame, keys []ed25519.PublicKey) (ledger.Batch, protocol.Checkpoint, error) {
	cp, err := protocol.OpenCheckpoint(f.Checkpoint, r.l.origin, keys...)
	if err != nil {
		return ledger.Batch{}, cp, err
	}
	if len(f.Records) == 0 {
		if cp.Size < r.edge.Size || (cp.Size == r.edge.Size && cp.Root != r.edge.Root()) {
			return ledger.Batch{}, cp, fmt.Errorf("%w: size %d, we hold %d", errStopped, cp.Size, r.edge.Size)
		}
		return ledger.Batch{}, cp, nil
	}
	b := ledger.Batch{From: r.edge.Size, Records: f.Records, Checkpoint: f.Checkpoint}
	if f.From != r.edge.Size || cp.Size != f.From+int64(len(f.Records)) {
		return b, cp, fmt.Errorf("%w: frame from %d to %d, wanted from %d", protocol.ErrMalformed, f.From, cp.Size, r.edge.Size)
	}
	edge := r.edge.Clone()
	for _, e := range f.Records {
		b.Tiles = append(b.Tiles, edge.Add(protocol.LeafHash(e.Record))...)
		b.Parsed = append(b.Parsed, parsed(r.l.id, e.Record))
	}
	if edge.Root() != cp.Root {
		return b, cp, fmt.Errorf("%w: the root of size %d does not follow", errStopped, cp.Size)
	}
	r.edge = edge
	b.Edge = edge.Clone()
	return b, cp, nil
}

// stop keeps both texts and follows the ledger no further.
func (s *Service) stop(ctx context.Context, l *link, theirs []byte, cause error) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		i, err := ledger.Get(tx, l.id)
		if err != nil {
			return err
		}
		if err := s.Ledgers.Evidence(tx, l.id, "fork", i.Checkpoint, theirs); err != nil {
			return err
		}
		p, _ := s.Partner(l.partner)
		if err := s.trouble(tx, l.id, i.Size, "fork", "exchange.fork", map[string]any{"domain": p.Domain}); err != nil {
			return err
		}
		return ledger.SetState(tx, l.id, ledger.Stopped)
	})
	if err != nil {
		return err
	}
	return cause
}

// heartbeat takes the origin's own timestamped cosignature over its newest checkpoint. The first one after a connection says
// how far the catching up goes.
func (s *Service) heartbeat(l *link, p partner.Partner, f protocol.Frame, cp protocol.Checkpoint) error {
	now := s.Clock()
	var seconds int64
	for _, pub := range p.Keys.Public(protocol.RoleCosigner) {
		if c, err := protocol.ParseCosignature(f.Heartbeat, pub); err == nil && c.Verify(pub, cp) {
			seconds = c.Time
		}
	}
	if seconds == 0 {
		return fmt.Errorf("%w: heartbeat", protocol.ErrSignature)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.contact, l.head, l.skew, l.err = now, max(l.head, cp.Size), now.Sub(time.Unix(seconds, 0)), nil
	if l.gate < 0 {
		l.gate = cp.Size
	}
	return nil
}

func (l *link) gateUnknown() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gate < 0
}

// reveal shows what an earlier connection left hidden, once all up to size is folded: a cut line during the catching up.
func (s *Service) reveal(ctx context.Context, l *link, size int64) error {
	i, err := s.Ledgers.Info(ctx, l.id)
	if err != nil || i.Visible >= size || i.Applied < size {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error { return s.moved(tx, l, size, false) })
}

// commitLoop stores what was verified: all that waits, in one transaction.
func (s *Service) commitLoop(ctx context.Context, l *link, queue <-chan ledger.Batch) error {
	for {
		var b ledger.Batch
		var ok bool
		select {
		case b, ok = <-queue:
			if !ok {
				return nil
			}
		case <-l.again:
			if err := s.foldBehind(ctx, l); err != nil {
				return err
			}
			continue
		}
		bytes := weight(b)
	more:
		for len(b.Records) < batchRecords && bytes < batchBytes {
			select {
			case x, ok := <-queue:
				if !ok {
					break more
				}
				bytes += weight(x)
				b.Records = append(b.Records, x.Records...)
				b.Parsed = append(b.Parsed, x.Parsed...)
				b.Tiles = append(b.Tiles, x.Tiles...)
				b.Edge, b.Checkpoint = x.Edge, x.Checkpoint
			default:
				break more
			}
		}
		if err := s.receive(ctx, l, b); err != nil {
			return err
		}
		l.mu.Lock()
		l.held, l.head, l.contact = b.Edge.Size, max(l.head, b.Edge.Size), s.Clock()
		l.mu.Unlock()
		offerCosign(l.cosign, protocol.Checkpoint{Origin: l.origin, Size: b.Edge.Size, Root: b.Edge.Root()})
	}
}

// weight is the size of a batch in bytes: its records and their contents.
func weight(b ledger.Batch) (n int) {
	for _, e := range b.Records {
		n += e.Size()
	}
	return n
}

// offerCosign leaves the newest checkpoint for the cosigner; one that still waits is covered by it.
func offerCosign(c chan protocol.Checkpoint, cp protocol.Checkpoint) {
	for {
		select {
		case c <- cp:
			return
		default:
		}
		select {
		case <-c:
		default:
		}
	}
}

// cosignLoop sends receipts, one at a time: the next covers everything that was committed meanwhile.
func (s *Service) cosignLoop(ctx context.Context, peer Peer, l *link) {
	pause := s.Times.Retry
	for {
		var cp protocol.Checkpoint
		select {
		case <-ctx.Done():
			return
		case cp = <-l.cosign:
		}
		for ctx.Err() == nil {
			p, ok := s.Partner(l.partner)
			if !ok {
				return
			}
			err := peer.Post(ctx, p, l.agreement, "ledgers/"+string(l.id)+"/cosignatures", s.receipt(cp))
			if err == nil {
				pause = s.Times.Retry
				break
			}
			if ctx.Err() == nil {
				s.Log.Warn("receipt", "partner", l.partner, "ledger", l.id, "size", cp.Size, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case cp = <-l.cosign:
			case <-time.After(pause):
			}
			pause = min(2*pause, s.Times.MaxPause)
		}
	}
}

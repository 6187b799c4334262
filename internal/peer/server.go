// Package peer is the network side of the exchange: the HTTP server that partners read from, and the client that reads from
// partners. Bytes in, bytes out: what they mean is the business of package exchange.
//
// A stranger gets the identity document, may leave one hello, and may ask for a challenge. To everything else it gets the same
// answer, whether the thing exists or not.
package peer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/protocol"
)

// Server serves the exchange below one base URL.
type Server struct {
	Exchange *exchange.Service
	Ledgers  *ledger.Service
	Log      *slog.Logger
	TLSKeys  func() []string            // SHA-256 of the public keys that this node answers with on TLS of its own
	Remote   func(*http.Request) string // the address that a request comes from, behind our own proxies; nil: that of the connection
	limits   limits
}

// maxReceipt is the size of a receipt, in bytes.
const maxReceipt = 2 << 10

// Routes adds the server's paths to a mux.
func (s *Server) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET "+protocol.IdentityPath, s.identity)
	mux.HandleFunc("POST /exchange/v1/hello", s.hello)
	mux.HandleFunc("GET /exchange/v1/access", s.challenge)
	mux.HandleFunc("POST /exchange/v1/access", s.token)
	mux.HandleFunc("GET /exchange/v1/ledgers/{id}/checkpoint", s.read(s.checkpoint))
	mux.HandleFunc("GET /exchange/v1/ledgers/{id}/tile/{path...}", s.read(s.tile))
	mux.HandleFunc("GET /exchange/v1/ledgers/{id}/stream", s.read(s.stream))
	mux.HandleFunc("GET /exchange/v1/ledgers/{id}/contents", s.read(s.contents))
	mux.HandleFunc("GET /exchange/v1/ledgers/{id}/media/{media}", s.read(s.media))
	mux.HandleFunc("POST /exchange/v1/ledgers/{id}/cosignatures", s.read(s.receipt))
	mux.HandleFunc("GET /exchange/v1/mirrors", s.kept)
	mux.HandleFunc("GET /exchange/v1/mirrors/{mirror}/{what...}", s.mirror)
	mux.HandleFunc("/exchange/", func(w http.ResponseWriter, r *http.Request) { refuse(w) })
}

// refuse is the one answer to everybody who may not read.
func refuse(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="newspool"`)
	http.Error(w, "no access", http.StatusUnauthorized)
}

func (s *Server) identity(w http.ResponseWriter, r *http.Request) {
	b := s.Exchange.Document()
	if b == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Write(b)
}

// hello answers alike whether the words were kept or dropped. Only where our own storage fails is everybody asked to come again.
func (s *Server) hello(w http.ResponseWriter, r *http.Request) {
	if !s.limits.stranger(s.remote(r)) {
		http.Error(w, "too often", http.StatusTooManyRequests)
		return
	}
	b, err := s.body(w, r, protocol.MaxHello)
	if err == nil {
		err = s.Exchange.TakeHello(r.Context(), b)
	}
	if fault.Is(err, fault.Unavailable) {
		s.answer(w, r, nil, "", "", err)
		return
	}
	if err != nil {
		s.Log.Info("hello dropped", "from", s.remote(r), "error", err)
	}
	w.WriteHeader(http.StatusAccepted)
}

// body reads a small body that comes within a short time.
func (s *Server) body(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	c := http.NewResponseController(w)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	defer c.SetReadDeadline(time.Time{})
	return io.ReadAll(http.MaxBytesReader(w, r.Body, most))
}

// remote is the address that a request comes from.
func (s *Server) remote(r *http.Request) string {
	if s.Remote != nil {
		return s.Remote(r)
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func (s *Server) challenge(w http.ResponseWriter, r *http.Request) {
	if !s.limits.stranger(s.remote(r)) {
		http.Error(w, "too often", http.StatusTooManyRequests)
		return
	}
	var keys []string
	if r.TLS != nil {
		keys = s.TLSKeys()
	}
	b, err := s.Exchange.Challenge(r.URL.Query().Get("caller"), keys)
	if err != nil {
		refuse(w)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Write(b)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if !s.limits.stranger(s.remote(r)) {
		http.Error(w, "too often", http.StatusTooManyRequests)
		return
	}
	b, err := s.body(w, r, 8<<10)
	var a protocol.Answer
	if err == nil {
		if err = protocol.CheckJSON(b, 8<<10, true); err == nil {
			err = protocol.Decode(b, &a)
		}
	}
	var token string
	if err == nil {
		token, err = s.Exchange.Token(a)
	}
	if err != nil {
		s.Log.Info("access refused", "from", s.remote(r), "error", err)
		refuse(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"token": token, "seconds": protocol.TokenSeconds})
}

// reading is a request of a partner about one of our ledgers.
type reading struct {
	reader exchange.Reader
	info   ledger.Info
}

// read lets a request through that bears a token for the ledger's agreement.
func (s *Server) read(h func(http.ResponseWriter, *http.Request, reading)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		reader, ok := s.reader(w, r)
		if !ok {
			return
		}
		i, err := s.Ledgers.Info(r.Context(), ledger.ID(r.PathValue("id")))
		if err != nil {
			s.answer(w, r, nil, "", "", err)
			return
		}
		if !s.Exchange.Readable(reader, i) {
			http.NotFound(w, r)
			return
		}
		h(w, r, reading{reader, i})
	}
}

func (s *Server) reader(w http.ResponseWriter, r *http.Request) (exchange.Reader, bool) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		refuse(w)
		return exchange.Reader{}, false
	}
	reader, ok := s.Exchange.ReaderOf(token)
	if !ok {
		refuse(w)
		return reader, false
	}
	if !s.limits.partner(reader.Root) {
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too often", http.StatusTooManyRequests)
		return reader, false
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	return reader, true
}

func (s *Server) checkpoint(w http.ResponseWriter, r *http.Request, x reading) {
	_, b, err := s.Ledgers.Checkpoint(r.Context(), x.info.ID)
	s.answer(w, r, b, "text/plain; charset=utf-8", "no-cache", err)
}

const forever = "private, max-age=31536000, immutable"

func (s *Server) tile(w http.ResponseWriter, r *http.Request, x reading) {
	t, err := protocol.ParseTile("tile/" + r.PathValue("path"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	b, err := s.Ledgers.Tile(r.Context(), x.info.ID, t)
	s.answer(w, r, b, "application/octet-stream", forever, err)
}

func (s *Server) answer(w http.ResponseWriter, r *http.Request, b []byte, kind, cache string, err error) {
	if err != nil {
		if errors.Is(err, ledger.ErrBeyond) || errors.Is(err, ledger.ErrUnknown) {
			http.NotFound(w, r)
			return
		}
		s.Log.Error("serving the exchange", "path", r.URL.Path, "error", err)
		http.Error(w, "unavailable", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", cache)
	w.Write(b)
}

// contents serves records [from, to) with contents and salts again, as one frame's entries without a checkpoint.
func (s *Server) contents(w http.ResponseWriter, r *http.Request, x reading) {
	from, err1 := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	to, err2 := strconv.ParseInt(r.URL.Query().Get("to"), 10, 64)
	if err1 != nil || err2 != nil || from < 0 || to <= from || to > x.info.Size || to-from > protocol.FrameRecords {
		http.NotFound(w, r)
		return
	}
	c, err := s.Ledgers.Cursor(r.Context(), x.info.ID, from)
	if err != nil {
		s.answer(w, r, nil, "", "", err)
		return
	}
	f, _, _, err := c.Next(r.Context())
	if err == nil && int64(len(f.Records)) > to-from {
		f.Records = f.Records[:to-from]
		_, f.Checkpoint, err = s.Ledgers.CheckpointAt(r.Context(), x.info.ID, to)
	}
	s.answer(w, r, protocol.AppendFrame(nil, f), "application/octet-stream", "no-store", err)
}

// stream sends frames as they come to be, with a heartbeat at once and every 15 seconds. With once=1 the answer ends after the
// frames that are there, or when there were none after 15 seconds: for ways on which an endless answer does not come through. The reader's right is checked at
// every frame.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, x reading) {
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	c, err := s.Ledgers.Cursor(r.Context(), x.info.ID, from)
	if err != nil {
		if errors.Is(err, ledger.ErrBeyond) {
			s.Exchange.HoldsMore(x.info.ID, x.reader.Root, from)
		}
		s.answer(w, r, nil, "", "", err)
		return
	}
	ctx, leave := s.limits.enter(r.Context(), x.reader.Root, x.info.ID)
	defer leave()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	out.SetWriteDeadline(time.Time{})
	beat := time.NewTicker(exchange.HeartbeatEvery)
	defer beat.Stop()
	var buf []byte
	send := func(f protocol.Frame, err error) bool {
		if err != nil {
			s.Log.Error("streaming", "ledger", x.info.ID, "error", err)
			return false
		}
		buf = protocol.AppendFrame(buf[:0], f)
		out.SetWriteDeadline(time.Now().Add(2 * time.Minute))
		if _, err := w.Write(buf); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	if !send(s.Exchange.Heartbeat(c)) {
		return
	}
	once := r.URL.Query().Get("once") == "1"
	sent := false
	for ctx.Err() == nil && s.Exchange.Readable(x.reader, x.info) {
		f, ok, grown, err := c.Next(ctx)
		if ok || err != nil {
			if !send(f, err) {
				return
			}
			sent = true
			continue
		}
		if once && sent {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-grown:
		case <-beat.C:
			if once || !s.Exchange.Readable(x.reader, x.info) || !send(s.Exchange.Heartbeat(c)) {
				return
			}
		}
	}
}

// media serves a photo, sound or film of an item that went out by the ledger; from=N begins at an offset.
func (s *Server) media(w http.ResponseWriter, r *http.Request, x reading) {
	m, ok, err := s.Exchange.MediaFor(r.Context(), x.info.ID, r.PathValue("media"))
	if fault.Is(err, fault.Unavailable) {
		s.answer(w, r, nil, "", "", err)
		return
	}
	if err != nil || !ok {
		http.NotFound(w, r)
		return
	}
	from := int64(0)
	if v := r.URL.Query().Get("from"); v != "" {
		if from, err = strconv.ParseInt(v, 10, 64); err != nil {
			http.NotFound(w, r)
			return
		}
	}
	body, err := s.Exchange.Media.Open(r.Context(), m, from)
	if fault.Is(err, fault.Unavailable) {
		s.answer(w, r, nil, "", "", err)
		return
	}
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer body.Close()
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Hour))
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(m.Size-from, 10))
	w.Header().Set("Cache-Control", forever)
	io.Copy(w, body)
}

func (s *Server) receipt(w http.ResponseWriter, r *http.Request, x reading) {
	b, err := s.body(w, r, maxReceipt)
	if err == nil {
		err = s.Exchange.TakeReceipt(context.WithoutCancel(r.Context()), x.reader, x.info.ID, b)
	}
	if fault.Is(err, fault.Unavailable) {
		s.answer(w, r, nil, "", "", err)
		return
	}
	if err != nil {
		s.Log.Warn("receipt refused", "partner", x.reader.Root, "ledger", x.info.ID, "error", err)
		http.Error(w, "refused", http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// kept tells a newsroom which of its own ledgers we hold something of.
func (s *Server) kept(w http.ResponseWriter, r *http.Request) {
	reader, ok := s.reader(w, r)
	if !ok {
		return
	}
	k, err := s.Exchange.KeptOf(r.Context(), reader)
	var b []byte
	if err == nil {
		b, err = json.Marshal(k)
	}
	s.answer(w, r, b, "application/json", "no-store", err)
}

// mirror serves our copy of a ledger that we follow, to its owner and to the parties of its agreement.
func (s *Server) mirror(w http.ResponseWriter, r *http.Request) {
	reader, ok := s.reader(w, r)
	if !ok {
		return
	}
	i, ok, err := s.Exchange.Mirror(r.Context(), reader, r.PathValue("mirror"))
	if err != nil {
		s.answer(w, r, nil, "", "", err)
		return
	}
	what := r.PathValue("what")
	if what == "checkpoint" {
		if i.Size == 0 {
			w.WriteHeader(http.StatusNoContent) // a 404 could come from anywhere; its owner goes by this answer
			return
		}
		b, err := s.Exchange.MirrorCheckpoint(i)
		s.answer(w, r, b, "text/plain; charset=utf-8", "no-cache", err)
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	if what == "contents" {
		from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
		if err != nil || from < 0 || from >= i.Size {
			http.NotFound(w, r)
			return
		}
		b, err := s.Exchange.MirrorFrame(r.Context(), i, from)
		s.answer(w, r, b, "application/octet-stream", "no-store", err)
		return
	}
	t, err := protocol.ParseTile(what)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	b, err := s.Ledgers.Tile(r.Context(), i.ID, t)
	s.answer(w, r, b, "application/octet-stream", forever, err)
}

// limits bound how often strangers and partners may ask.
type limits struct {
	mu        sync.Mutex
	strangers map[string]*rate.Limiter
	partners  map[news.Root]*rate.Limiter
	streams   map[streamOf][]*context.CancelFunc
}

// streamOf is a partner's following of one ledger.
type streamOf struct {
	reader news.Root
	ledger ledger.ID
}

// maxStreams is how many streams of one ledger a partner may have open.
const maxStreams = 4

// enter lets a partner's stream in. Of too many the oldest ends: its partner has most likely forgotten it.
func (l *limits) enter(ctx context.Context, root news.Root, id ledger.ID) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	of := streamOf{root, id}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams == nil {
		l.streams = map[streamOf][]*context.CancelFunc{}
	}
	if open := l.streams[of]; len(open) >= maxStreams {
		(*open[0])()
		l.streams[of] = open[1:]
	}
	l.streams[of] = append(l.streams[of], &cancel)
	return ctx, func() {
		cancel()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.streams[of] = slices.DeleteFunc(l.streams[of], func(c *context.CancelFunc) bool { return c == &cancel })
		if len(l.streams[of]) == 0 {
			delete(l.streams, of)
		}
	}
}

// stranger allows an address (an IPv6 /64) a burst of 30 requests and one each two seconds after that.
func (l *limits) stranger(host string) bool {
	host = people.AddressKey(host)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.strangers == nil || len(l.strangers) > 10000 {
		l.strangers = map[string]*rate.Limiter{}
	}
	x := l.strangers[host]
	if x == nil {
		x = rate.NewLimiter(rate.Every(2*time.Second), 30)
		l.strangers[host] = x
	}
	return x.Allow()
}

// partner allows a newsroom 400 requests a second, with bursts of 2,000: receipts come as often as commits.
func (l *limits) partner(root news.Root) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.partners == nil {
		l.partners = map[news.Root]*rate.Limiter{}
	}
	x := l.partners[root]
	if x == nil {
		x = rate.NewLimiter(400, 2000)
		l.partners[root] = x
	}
	return x.Allow()
}

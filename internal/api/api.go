package api

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"newspool/internal/clock"
	"newspool/internal/deliver"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "api", Files: migrations}
}

// People knows whose token it is, and keeps the audit.
type People interface {
	ByToken(ctx context.Context, secret string) (people.Person, people.Scope, error)
	Audit(tx *store.Tx, a people.Act) error
}

// Library takes stories in.
type Library interface {
	AcceptWith(ctx context.Context, d news.Draft, release bool, also func(tx *store.Tx, a library.Accepted) error) (library.Accepted, error)
	ReadItem(r store.Reader, id news.ItemID) (library.Item, error)
	Item(ctx context.Context, id news.ItemID) (library.Item, error)
}

// Desk is what people do with items of their own, with its audit.
type Desk interface {
	Change(ctx context.Context, person news.PersonID, id news.ItemID, version int, d news.Draft, note string) error
	Withdraw(ctx context.Context, person news.PersonID, id news.ItemID, reason string) error
}

// Feed hands items out, with its audit.
type Feed interface {
	Lines(ctx context.Context, by people.By, after int64, limit int, lang string) ([]deliver.Line, int64, error)
	Item(ctx context.Context, by people.By, id news.ItemID, lang string) (deliver.Line, error)
}

// Exchange knows how we stand with partners.
type Exchange interface {
	Links() []exchange.Link
	Deliveries(ctx context.Context, id news.ItemID) ([]exchange.Delivery, error)
}

// Bell rings when there may be something new. The channel gets a value each time, and is closed when nothing more will come.
type Bell interface {
	Ring(ctx context.Context) <-chan struct{}
}

// Options are what an API is made of. All fields down to Bundle are needed.
type Options struct {
	DB       *store.DB // has the tables of this package
	People   People
	Library  Library
	Desk     Desk
	Feed     Feed
	Exchange Exchange
	Bell     Bell
	Bundle   *i18n.Bundle

	Zone    *time.Location             // of times in sentences; nil: UTC
	Clock   clock.Clock                // nil: clock.System
	Log     *slog.Logger               // nil: nothing is logged
	Remote  func(*http.Request) string // the address of a visitor, as far as proxies are believed; nil: that of the connection
	Version string                     // of the program, for the description
}

// Prefix is where the API lives.
const Prefix = "/api/v1"

// API answers programs. It is safe for concurrent use.
type API struct {
	o    Options
	mux  *http.ServeMux // what huma has registered
	spec map[string]document
	gate *gate
}

// document is a description that is served as it is.
type document struct {
	mediaType string
	bytes     []byte
}

// New makes the API.
func New(o Options) *API {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Remote == nil {
		o.Remote = connection
	}
	a := &API{o: o, mux: http.NewServeMux(), gate: newGate(o.Clock)}
	h := a.operations()
	a.spec = describe(h.OpenAPI())
	return a
}

func connection(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// describe writes the description down in both forms.
func describe(o *huma.OpenAPI) map[string]document {
	j, err := json.MarshalIndent(o, "", " ")
	if err != nil {
		panic("api: the description: " + err.Error()) // its types are compiled in
	}
	y, err := o.YAML()
	if err != nil {
		panic("api: the description: " + err.Error())
	}
	return map[string]document{
		Prefix + "/openapi.json": {"application/openapi+json", j},
		Prefix + "/openapi.yaml": {"application/openapi+yaml", y},
	}
}

// Routes adds everything below Prefix.
func (a *API) Routes(mux *http.ServeMux) { mux.Handle(Prefix+"/", a) }

// visit is what a request knows about who makes it.
type visit struct {
	id      string
	printer *i18n.Printer
	by      people.By
	scope   people.Scope
	token   token
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	if v == nil {
		panic("api: a context without a visit")
	}
	return v
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := &visit{id: requestID(), printer: a.printer(r, people.Person{})}
	out := &answer{ResponseWriter: w}
	setHeaders(out.Header(), v)
	defer a.catch(out, r, v)
	if doc, ok := a.spec[r.URL.Path]; ok && r.Method == http.MethodGet {
		out.Header().Set("Content-Type", doc.mediaType)
		_, _ = out.Write(doc.bytes)
		return
	}
	if err := a.admit(r, v); err != nil {
		a.fail(out, r, v, err)
		return
	}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	if _, pattern := a.mux.Handler(r); pattern == "" || r.Method == http.MethodHead {
		a.fail(out, r, v, a.lost(out, r))
		return
	}
	r.Header.Set("Content-Type", "application/json") // nothing else is understood, whatever a client calls it
	a.mux.ServeHTTP(out, r)
}

// setHeaders says that an answer is for this reader only, and no page.
func setHeaders(h http.Header, v *visit) {
	h.Set("X-Request-Id", v.id)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
}

// printer speaks the language that was asked for, else that of the person.
func (a *API) printer(r *http.Request, p people.Person) *i18n.Printer {
	return a.o.Bundle.Printer(a.o.Bundle.Match(r.Header.Get("Accept-Language"), string(p.Language)), a.o.Zone)
}

// admit finds out who comes, whether they come too often, and whether they may change things.
func (a *API) admit(r *http.Request, v *visit) error {
	remote := a.o.Remote(r)
	secret, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return errToken
	}
	if err := a.gate.stranger(remote); err != nil {
		return err
	}
	person, scope, err := a.o.People.ByToken(r.Context(), secret)
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		a.gate.failed(remote)
		return errToken
	}
	if err != nil {
		return err
	}
	v.by, v.scope, v.token = people.By{Person: person, Remote: remote}, scope, tokenOf(secret)
	v.printer = a.printer(r, person)
	if err := a.gate.turn(v.token); err != nil {
		return err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	switch {
	case !scope.Writes():
		return fault.New(fault.Denied, "api.scope")
	case !person.Has(people.Editor):
		return fault.New(fault.Denied, "api.editors_only")
	}
	return nil
}

// lost is for a path that is not there, or not for this method.
func (a *API) lost(out *answer, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		probe := r.Clone(r.Context())
		probe.Method = method
		if _, pattern := a.mux.Handler(probe); pattern != "" {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	out.Header().Set("Allow", strings.Join(allowed, ", "))
	return errMethod
}

// catch makes an answer of a panic. The connection of a client that has gone ends as net/http wants it.
func (a *API) catch(out *answer, r *http.Request, v *visit) {
	x := recover()
	switch {
	case x == nil:
	case x == http.ErrAbortHandler:
		panic(x)
	default:
		a.fail(out, r, v, fmt.Errorf("panic: %v", x))
	}
}

// answer knows whether anything was sent, and takes everything: a client that has gone is nobody's fault.
type answer struct {
	http.ResponseWriter
	sent bool
}

// WriteHeader notes that the answer has begun.
func (o *answer) WriteHeader(status int) {
	o.sent = true
	o.ResponseWriter.WriteHeader(status)
}

// Write never fails.
func (o *answer) Write(b []byte) (int, error) {
	o.sent = true
	_, _ = o.ResponseWriter.Write(b)
	return len(b), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (o *answer) Unwrap() http.ResponseWriter { return o.ResponseWriter }

func requestID() string {
	var b [5]byte
	rand.Read(b[:])
	return base32.StdEncoding.EncodeToString(b[:])
}

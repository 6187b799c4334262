package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// Problem is every error of the API (RFC 9457).
type Problem struct {
	Status   int           `json:"status" doc:"The HTTP status." example:"403"`
	Title    string        `json:"title" doc:"The HTTP status in words." example:"Forbidden"`
	Kind     fault.Kind    `json:"kind" enum:"invalid,not_found,denied,conflict,gone,too_large,rate,unavailable,fork,internal" doc:"What went wrong, in a word that never changes."`
	Detail   string        `json:"detail" doc:"What went wrong, in a sentence for a person, in the language of Accept-Language."`
	Request  string        `json:"request" doc:"The number of the request; the operator finds the cause under it in the log."`
	Fields   []string      `json:"fields,omitempty" doc:"The parts of the request that do not fit the description." example:"[\"query.limit\"]"`
	Problems []ItemProblem `json:"problems,omitempty" doc:"What is wrong with the story that was brought in."`
}

// ItemProblem is one thing that is wrong with a story that was brought in.
type ItemProblem struct {
	Where   string `json:"where,omitempty" doc:"The field." example:"embargoedUntil"`
	Key     string `json:"key" doc:"The problem in a word that never changes." example:"ingest.date_bad"`
	Text    string `json:"text" doc:"The problem in a sentence, in the language of Accept-Language."`
	Refused bool   `json:"refused,omitempty" doc:"Whether the story was refused for it; else it was taken, without what the problem is about."`
}

// Error is for the log.
func (p *Problem) Error() string { return string(p.Kind) + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is the media type of a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

var (
	errToken  error = fault.New(fault.Denied, "api.token")
	errMethod error = fault.New(fault.Invalid, "api.method")
)

// status is the HTTP status of a fault.
func status(f *fault.Error) int {
	switch {
	case f == errToken:
		return http.StatusUnauthorized
	case f == errMethod:
		return http.StatusMethodNotAllowed
	}
	return f.Kind.Status()
}

// refused is a story that cannot be taken, with all that is wrong with it.
type refused struct {
	first    *fault.Error
	problems []news.Problem
}

// Error is for the log.
func (r *refused) Error() string { return r.first.Error() }

// Unwrap gives the first fatal problem as a fault.
func (r *refused) Unwrap() error { return r.first }

// problem puts an error into words. What is no fault, or a fault whose message no catalog has, is said in general.
func (v *visit) problem(err error) *Problem {
	f := fault.Of(err)
	p := &Problem{Status: status(f), Kind: f.Kind, Detail: terms.Sentence(v.printer, err), Request: v.id}
	p.Title = http.StatusText(p.Status)
	var r *refused
	if errors.As(err, &r) {
		p.Problems = v.problems(r.problems)
	}
	return p
}

// problems are the problems of a story in words.
func (v *visit) problems(list []news.Problem) []ItemProblem {
	var out []ItemProblem
	for _, p := range list {
		out = append(out, ItemProblem{Where: p.Where, Key: p.Key, Text: v.printer.Text(p.Key, p.Args), Refused: p.Fatal})
	}
	return out
}

// headersOf are the headers that go with an error.
func headersOf(f *fault.Error) http.Header {
	h := http.Header{}
	switch {
	case f == errToken:
		h.Set("WWW-Authenticate", `Bearer realm="newspool"`)
	case f.Key == "api.often":
		if n, ok := f.Args["n"].(int); ok {
			h.Set("Retry-After", strconv.Itoa(n))
		}
	}
	return h
}

// log writes down what an operator should know. It is the one place where an error of the API is logged.
func (a *API) log(method, path string, v *visit, err error) {
	if f := fault.Of(err); f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		a.o.Log.Error("api", "request", v.id, "method", method, "path", path, "error", err)
	}
}

// fail answers with a problem, outside of huma.
func (a *API) fail(out *answer, r *http.Request, v *visit, err error) {
	a.log(r.Method, r.URL.Path, v, err)
	if out.sent {
		return
	}
	for name, values := range headersOf(fault.Of(err)) {
		out.Header()[name] = values
	}
	p := v.problem(err)
	out.Header().Set("Content-Type", p.ContentType(""))
	out.WriteHeader(p.Status)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	_ = e.Encode(p) // the answer takes everything
}

// failed is what an operation returns for an error.
func (a *API) failed(ctx context.Context, op huma.Operation, err error) error {
	v := visitOf(ctx)
	if ctx.Err() == nil {
		a.log(op.Method, op.Path, v, err)
	}
	return huma.ErrorWithHeaders(v.problem(err), headersOf(fault.Of(err)))
}

// maxFields is how many parts of a request are named.
const maxFields = 20

// noReason says whether all that huma has against a withdrawal is that its body, or the reason in it, is missing.
func noReason(m *huma.ErrorModel) bool {
	for _, e := range m.Errors {
		if e == nil || e.Location != "body.reason" && e.Location != "body" {
			return false
		}
	}
	return m.Status == http.StatusUnprocessableEntity || m.Status == http.StatusBadRequest && len(m.Errors) == 0
}

// translate is called for each answer: what huma itself says of a request becomes a Problem, without its texts, which repeat
// what was sent.
func (a *API) translate(ctx huma.Context, _ string, x any) (any, error) {
	m, ok := x.(*huma.ErrorModel)
	if !ok {
		return x, nil
	}
	v := visitOf(ctx.Context())
	f := fault.New(fault.Invalid, "fault.request")
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		f = fault.New(fault.TooLarge, "api.large", "n", maxBody>>20)
	case http.StatusRequestTimeout:
		f = fault.New(fault.Unavailable, "api.slow")
	case http.StatusInternalServerError:
		f = fault.New(fault.Internal, "fault.internal")
		a.o.Log.Error("api", "request", v.id, "method", ctx.Method(), "path", ctx.Operation().Path, "error", m.Detail)
	}
	if ctx.Operation().OperationID == withdrawing && noReason(m) {
		f = fault.New(fault.Invalid, "story.withdrawal_reason")
	}
	p := v.problem(f)
	p.Status, p.Title = m.Status, http.StatusText(m.Status)
	for _, e := range m.Errors {
		if e == nil || e.Location == "" || len(p.Fields) == maxFields {
			continue
		}
		if place := strings.ToValidUTF8(e.Location, ""); len(place) <= 100 {
			p.Fields = append(p.Fields, place)
		}
	}
	return p, nil
}

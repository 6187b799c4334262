package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"newspool/internal/news"
)

const (
	maxBody  = 1 << 20 // bytes of a request
	bodyTime = 30 * time.Second
)

// about is the beginning of the description.
const about = `Stories into a newsroom's desk and out of it, for the newsroom's own systems.

A program comes with a token of a person: *Settings, My account, Tokens for programs*. Send it as ` + "`Authorization: Bearer np_…`" + `.
The scope *read* takes stories out, *write* also brings them in. Sentences are in the language of ` + "`Accept-Language`" + ` (en, ru, fa, ar, fr, es).
Stories are ninjs, the JSON of the IPTC: 2.x and 3.x in, 3.1 out.`

// operations registers everything that the API does.
func (a *API) operations() huma.API {
	h := humago.New(a.mux, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Newspool", Version: a.o.Version, Description: about},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "An API token of a person."}},
			},
			Security: []map[string][]string{{"token": {}}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{a.translate},
	})
	line := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Line](), true, "Line")

	register(a, h, huma.Operation{
		OperationID: "take-items", Method: http.MethodGet, Path: Prefix + "/items", Summary: "Take the feed",
		Description: takeText, Tags: []string{"Stories out"},
		Responses: map[string]*huma.Response{"200": {
			Description: "Lines of ninjs, oldest first; none if there is nothing new.",
			Content:     map[string]*huma.MediaType{"application/x-ndjson": {Schema: line}},
		}},
	}, a.takeItems)
	register(a, h, huma.Operation{
		OperationID: "take-item", Method: http.MethodGet, Path: Prefix + "/items/{domain}/{id}", Summary: "Take one item",
		Description: "The current version of an item, in the form of a line of the feed.", Tags: []string{"Stories out"},
		Responses: map[string]*huma.Response{"200": {Description: "The item.", Content: map[string]*huma.MediaType{"application/json": {Schema: line}}}},
	}, a.takeItem)
	register(a, h, huma.Operation{
		OperationID: "bring-item", Method: http.MethodPost, Path: Prefix + "/items", Summary: "Bring a story in",
		Description: bringText, Tags: []string{"Stories in"}, DefaultStatus: http.StatusCreated,
	}, a.bringItem)
	register(a, h, huma.Operation{
		OperationID: "correct-item", Method: http.MethodPost, Path: Prefix + "/items/{domain}/{id}/correct", Summary: "Correct an item of our own",
		Description: "Releases a new version to everybody who has the item. Sent again it does nothing: the answer then says duplicate.", Tags: []string{"Stories in"},
	}, a.correctItem)
	register(a, h, huma.Operation{
		OperationID: withdrawing, Method: http.MethodPost, Path: Prefix + "/items/{domain}/{id}/withdraw", Summary: "Withdraw an item of our own",
		Description: "Takes an item back everywhere, for good. Sent again it does nothing.", Tags: []string{"Stories in"},
	}, a.withdrawItem)
	register(a, h, huma.Operation{
		OperationID: "deliveries", Method: http.MethodGet, Path: Prefix + "/items/{domain}/{id}/deliveries", Summary: "Where an item of our own has arrived",
		Description: "What became of each version at each partner, the newest version first. Nothing for an item that came from a partner.", Tags: []string{"What became of it"},
	}, a.deliveries)
	register(a, h, huma.Operation{
		OperationID: "links", Method: http.MethodGet, Path: Prefix + "/links", Summary: "How we stand with each partner",
		Description: "The links to partners, those first that somebody should look at.", Tags: []string{"What became of it"},
	}, a.links)
	bringing(h)
	delete(h.OpenAPI().Components.Schemas.Map(), "ErrorModel") // huma's own errors are Problems here
	delete(h.OpenAPI().Components.Schemas.Map(), "ErrorDetail")
	return h
}

// register adds an operation. Its errors are faults.
func register[I, O any](a *API, h huma.API, op huma.Operation, fn func(ctx context.Context, v *visit, in *I) (*O, error)) {
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{
		Description: "What went wrong.",
		Content: map[string]*huma.MediaType{
			"application/problem+json": {Schema: h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")},
		},
	}
	op.MaxBodyBytes, op.BodyReadTimeout = maxBody+1, bodyTime
	huma.Register(h, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := fn(ctx, visitOf(ctx), in)
		if err != nil {
			return nil, a.failed(ctx, op, err)
		}
		return out, nil
	})
}

// bringing describes the story that is brought in, which is read by package ninjs and not by huma, and its two good answers.
func bringing(h huma.API) {
	op := h.OpenAPI().Paths[Prefix+"/items"].Post
	op.RequestBody.Description = "One item of ninjs 2.x or 3.x, of at most 1 MiB."
	op.RequestBody.Content = map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
		Type: huma.TypeObject, Description: "See https://iptc.org/standards/ninjs/.", AdditionalProperties: true,
		Required: []string{"uri"},
		Properties: map[string]*huma.Schema{
			"uri": {Type: huma.TypeString, Description: "Your own URI of the item. The same URI again is a new version of it."},
		},
	}}}
	made := *op.Responses["201"]
	op.Responses["201"].Description = "It is a new item."
	made.Description = "It is a new version of an item, or a duplicate."
	op.Responses["200"] = &made
}

// ItemPath is the two parts of an item in a path.
type ItemPath struct {
	Domain string `path:"domain" maxLength:"253" example:"north.example" doc:"The domain in the URI of the item."`
	ID     string `path:"id" maxLength:"100" example:"0192f3c1-7d55-7e07-9d3c-0c7c59a3a2b1" doc:"The last part of the URI of the item."`
}

// item is the URI that a path names; "" for what cannot be one.
func (p ItemPath) item() news.ItemID { return news.ItemOf(p.Domain + "/" + p.ID) }

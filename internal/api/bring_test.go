package api_test

import (
	"context"
	"testing"

	"newspool/internal/api"
	"newspool/internal/news"
)

// What a source holds back waits at the desk; what is no item is refused with all that is wrong with it.
func TestBringInWhatMayNotGoOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var held api.Brought
		h.ask(h.write, "POST", "/api/v1/items", item(4, "Not now", `,"pubStatus":"withheld"`)).into(t, 201, &held)
		if it, err := h.library.Item(context.Background(), held.URI); err != nil || it.State != news.Unreleased || held.State != "draft" || held.Problems[0].Key != "ingest.status_withheld" {
			t.Errorf("%+v %+v %v", held, it, err)
		}
		var bad api.Problem
		h.ask(h.write, "POST", "/api/v1/items", `{"uri":"urn:x:9","uri":"urn:x:8"}`).into(t, 422, &bad)
		if len(bad.Problems) != 1 || bad.Problems[0].Key != "ingest.json_twice" || !bad.Problems[0].Refused {
			t.Errorf("%+v", bad)
		}
	})
}

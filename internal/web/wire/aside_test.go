package wire

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/news"
)

func (d *desk) Open(_ context.Context, person news.PersonID, id news.ItemID, version int, reason string) error {
	return d.decide(id, version, Decided{Opened: true, Name: string(person), At: now, Version: version, Reason: reason})
}

func (d *desk) Leave(_ context.Context, person news.PersonID, id news.ItemID, version int, reason string) error {
	return d.decide(id, version, Decided{Name: string(person), At: now, Version: version, Reason: reason})
}

func (d *desk) decide(id news.ItemID, version int, as Decided) error {
	for i := range d.rows {
		switch r := &d.rows[i]; {
		case r.Item != id:
		case r.State != news.SetAside && r.State != news.Closed:
			return fault.New(fault.Conflict, "story.decided")
		case r.Version != version:
			return fault.New(fault.Conflict, "item.changed_meanwhile")
		case as.Opened:
			r.State = news.Usable
		}
	}
	d.decided = append([]Decided{as}, d.decided...)
	return nil
}

func (d *desk) Decided(context.Context, news.ItemID) ([]Decided, error) { return d.decided, nil }

// asideDesk has one item that came outside the terms.
func asideDesk(state news.State, why string) (*desk, news.ItemID) {
	d := newDesk(north)
	id := d.add(library.Row{Item: item("soren.example", 70), Origin: soren, Lang: "en", Headline: "The harbour cup", Arrived: at("13:50"), State: state}, "<p>Two to one.</p>")
	d.why = library.Why{Clause: "2.1", Key: why, Args: map[string]any{"clause": "2.1", "subject": "sport", "partner": "Radio Soren", "type": "x"}}
	return d, id
}

func TestDecideAside(t *testing.T) {
	d, id := asideDesk(news.SetAside, "terms.aside.subject")
	mux, path := start(t, d), "/item/"+id.Short()
	page := text(ask(t, mux, "GET", path, ""))
	for _, want := range []string{"clause 2.1", "Two to one.", "Take it for use", "Leave it aside"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(page, "Set aside: it may") {
		t.Error("the page says twice that the item is set aside")
	}
	if list := ask(t, mux, "GET", "/wire?item="+id.Short(), "").Body.String(); !strings.Contains(list, `href="/item/`+id.Short()+`#decide-title"`) || strings.Contains(list, "/decide\"") {
		t.Error("the preview does not lead to where one decides")
	}
	if list := text(ask(t, mux, "GET", "/wire", "")); !strings.Contains(list, "Set aside: 1") {
		t.Error("the wire does not say that something is set aside")
	}
	post := func(form string) (int, string) {
		w := ask(t, mux, "POST", path+"/decide", form)
		return w.Code, text(w)
	}
	if code, page := post("act=open&version=1&reason=+"); code != http.StatusUnprocessableEntity || !strings.Contains(page, "Give a reason") || len(d.decided) != 0 {
		t.Errorf("taken without a reason: %d", code)
	}
	if code, _ := post("act=open&version=1&reason=" + strings.Repeat("x", maxLine+1)); code != http.StatusUnprocessableEntity {
		t.Errorf("a reason without end: %d", code)
	}
	if code, _ := post("act=leave&version=1"); code != http.StatusSeeOther {
		t.Errorf("leaving: %d", code)
	}
	if page := text(ask(t, mux, "GET", path, "")); !strings.Contains(page, "Looked at and left, version 1") || !strings.Contains(page, "Take it for use") {
		t.Error("the page does not say that somebody has looked")
	}
	if code, page := post("act=open&version=7&reason=Agreed"); code != http.StatusConflict || !strings.Contains(page, "has changed since you opened it") {
		t.Errorf("another version: %d", code)
	}
	if code, _ := post("act=open&version=1&reason=Agreed+by+telephone"); code != http.StatusSeeOther {
		t.Errorf("opening: %d", code)
	}
	page = text(ask(t, mux, "GET", path, ""))
	for _, want := range []string{"Taken for use, version 1", "Agreed by telephone", "clause 2.1"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of what was taken does not say %q", want)
		}
	}
	if strings.Contains(page, "Take it for use") {
		t.Error("what is decided can be decided again")
	}
	if code, page := post("act=open&version=1&reason=Again"); code != http.StatusConflict || !strings.Contains(page, "Nothing waits") {
		t.Errorf("opened twice: %d", code)
	}
}

// Who is no editor sees what was decided and decides nothing. Where nothing can be taken for use the page says why.
func TestDecideNot(t *testing.T) {
	d, id := asideDesk(news.SetAside, "terms.aside.subject")
	d.person.Editor = false
	d.decided = []Decided{{Name: "Mira Sol", At: now.Add(-time.Hour), Version: 1}}
	mux := start(t, d)
	if page := text(ask(t, mux, "GET", "/item/"+id.Short(), "")); !strings.Contains(page, "Mira Sol") || strings.Contains(page, "Take it for use") {
		t.Error("the page of somebody who is no editor")
	}
	if code := ask(t, mux, "POST", "/item/"+id.Short()+"/decide", "act=leave&version=1").Code; code != http.StatusForbidden {
		t.Errorf("somebody who is no editor decides: %d", code)
	}
	for why, want := range map[string]string{library.WithdrawalAhead: "has announced that it withdraws it", "exchange.content_missing": "its text has not come", "exchange.unknown_type": ""} {
		d, id := asideDesk(news.Closed, why)
		if why == "exchange.content_missing" {
			d.stories[id] = nil
		}
		page := text(ask(t, start(t, d), "GET", "/item/"+id.Short(), ""))
		if can := strings.Contains(page, "Take it for use"); can != (want == "") || !strings.Contains(page, want) || !strings.Contains(page, "Leave it closed") {
			t.Errorf("%s: can be taken %t, want %q", why, can, want)
		}
	}
}

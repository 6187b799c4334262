package nodetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"newspool/internal/exchange"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// An editor takes for use what came outside the terms. Its photo is fetched then, programs get it as a new line, a correction comes
// through, a withdrawal closes it, and nothing of the decision is told to the partner.
func TestTakenForUse(t *testing.T) {
	a, b := pair(t, func(_, _ *Spec, rev *terms.Revision) { noSport(rev) })
	ctx := context.Background()
	d := sport(1)
	photo, _, err := a.Media.Add(ctx, bytes.NewReader(photograph(t, "The cup.")))
	if err != nil {
		t.Fatal(err)
	}
	photo.Caption = "The cup."
	d.Media = []news.Media{photo}
	id := accept(t, a, d)
	pos := force(t, a, "", exchange.TypeRelease, id, 1, news.First, d.Story)
	agreement := terms.AgreementID(own(t, a, "").Agreement)
	write(t, a, func(tx *store.Tx) error {
		return a.Library.Carried(tx, id, 1, agreement, string(pos.Ledger), pos.Seq)
	})
	waitState(t, b, id, news.SetAside)
	Wait(t, "the origin was told", func() bool {
		_, told := troubles(t, a, pos.Ledger, pos.Seq)["told-"+string(b.Exchange.Root())]
		return told
	})
	if _, items, err := b.Media.Get(ctx, photo.ID); err == nil && len(items) > 0 {
		t.Error("the photo of what is set aside is fetched")
	}
	feed := program(t, b)
	before := feed("0")
	if last := before[len(before)-1]; last.Newspool.State != "set-aside" || len(last.Bodies) != 0 {
		t.Errorf("set aside in the feed: %+v", last)
	}

	said := len(records(t, b, own(t, b, agreement).ID))
	desk, path := signIn(t, b), page.ItemPath(id)
	form := url.Values{"version": {"1"}, "act": {"open"}, "reason": {"Agreed by telephone."}}.Encode()
	if code, _ := desk.post(path+"/decide", "application/x-www-form-urlencoded", strings.NewReader(form)); code != http.StatusOK {
		t.Fatalf("taking it for use: %d", code)
	}
	waitState(t, b, id, news.Usable)
	Wait(t, "the photo is at the partner", func() bool {
		got, _, err := b.Media.Get(ctx, photo.ID)
		return err == nil && got.State == media.Here
	})
	after := feed(before[len(before)-1].Newspool.Cursor.String())
	if len(after) != 1 || after[0].Newspool.State != "usable" || len(after[0].Bodies) == 0 {
		t.Errorf("the feed after it was taken: %+v", after)
	}
	if n := len(records(t, b, own(t, b, agreement).ID)); n != said {
		t.Errorf("%d records were said about the decision", n-said)
	}
	if _, body := desk.get(path); !strings.Contains(string(body), "Agreed by telephone.") || !strings.Contains(string(body), "/copy") {
		t.Error("the page does not say who took it for use, or does not offer it")
	}

	corrected := d.Story
	corrected.Headline, corrected.Media = "The score was two to one", nil
	force(t, a, agreement, exchange.TypeCorrect, id, 2, news.Correction, corrected)
	waitVersion(t, b, id, 2)
	if s := stateAt(b, id); s != news.Usable {
		t.Errorf("a correction of what was taken for use is %s", s)
	}
	if _, err := a.Library.Withdraw(ctx, id, "It was not so.", ""); err != nil {
		t.Fatal(err)
	}
	waitState(t, b, id, news.Withdrawn)
	if code, _ := desk.post(path+"/decide", "application/x-www-form-urlencoded", strings.NewReader(form)); code != http.StatusGone {
		t.Errorf("taking what is withdrawn: %d", code)
	}
}

// told is what a program reads of a line of the feed.
type told struct {
	Bodies   []any
	Newspool struct {
		State  string
		Cursor json.Number
	}
}

// program makes a token at a house, and gives what reads its feed after a cursor.
func program(t *testing.T, h *House) func(after string) []told {
	t.Helper()
	ctx := context.Background()
	p, err := h.People.Create(ctx, people.Operator(), people.NewPerson{Login: "program", Name: "Program", Roles: []people.Role{people.Editor}, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := h.People.CreateToken(ctx, people.By{Person: p}, "feed", people.ScopeRead)
	if err != nil {
		t.Fatal(err)
	}
	client := browser{t, h.Base(), &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}}
	return func(after string) (out []told) {
		t.Helper()
		r, err := http.NewRequest(http.MethodGet, h.Base()+"/api/v1/items?after="+after, nil)
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+secret)
		}
		code, body := client.do(r, err)
		if code != http.StatusOK {
			t.Fatalf("the feed answers %d: %.200s", code, body)
		}
		for d := json.NewDecoder(bytes.NewReader(body)); d.More(); {
			var one told
			if err := d.Decode(&one); err != nil {
				t.Fatal(err)
			}
			out = append(out, one)
		}
		return out
	}
}

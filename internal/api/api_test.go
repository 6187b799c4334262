package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/api"
	"newspool/internal/deliver"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
)

func TestWhoComesIn(t *testing.T) {
	h := open(t, store.SQLite)
	eve := h.token(h.person("eve", people.Signatory), people.ScopeWrite)
	story := item(1, "Ferry", "")
	for _, c := range []struct {
		name, token, method, path, body string
		status                          int
		kind                            fault.Kind
	}{
		{"nobody", "", "GET", "/api/v1/items", "", 401, fault.Denied},
		{"nobody, for what is not there", "", "GET", "/api/v1/nothing", "", 401, fault.Denied},
		{"a wrong token", "np_" + strings.Repeat("x", 43), "GET", "/api/v1/links", "", 401, fault.Denied},
		{"a session", strings.Repeat("x", 43), "GET", "/api/v1/links", "", 401, fault.Denied},
		{"writing with a token that reads", h.read, "POST", "/api/v1/items", story, 403, fault.Denied},
		{"withdrawing with a token that reads", h.read, "POST", "/api/v1/items/avand.example/1/withdraw", `{"reason":"x"}`, 403, fault.Denied},
		{"writing for somebody who is no editor", eve, "POST", "/api/v1/items", story, 403, fault.Denied},
		{"taking for somebody who is no editor", eve, "GET", "/api/v1/items", "", 403, fault.Denied},
		{"what is not there", h.read, "GET", "/api/v1/nothing", "", 404, fault.NotFound},
		{"an item that is not here", h.read, "GET", "/api/v1/items/north.example/none", "", 404, fault.NotFound},
		{"a method that is not there", h.write, "DELETE", "/api/v1/items", "", 405, fault.Invalid},
		{"a path with another method", h.write, "GET", "/api/v1/items/north.example/none/correct", "", 405, fault.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := h.ask(c.token, c.method, c.path, c.body)
			r.problem(t, c.status, c.kind)
			if c.status == 401 && r.header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
			if r.header.Get("Set-Cookie") != "" || r.header.Get("Cache-Control") != "no-store" || r.header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%v", r.header)
			}
		})
	}
	if r := h.ask(h.write, "HEAD", "/api/v1/items", ""); r.status != 405 || r.header.Get("Allow") != "GET, POST" {
		t.Errorf("HEAD: %d %v", r.status, r.header)
	}
	if r := h.ask(eve, "GET", "/api/v1/links", ""); r.status != 200 {
		t.Errorf("links for somebody who is no editor: %d", r.status)
	}
	if r := h.ask("", "GET", "/api/v1/items", "", "Cookie", "newspool="+h.write); r.status != 401 {
		t.Errorf("a cookie opens: %d", r.status)
	}
	if rows, err := h.library.Feed(context.Background(), 0, 0); err != nil || len(rows) != 0 {
		t.Errorf("something was brought in: %+v %v", rows, err)
	}
	ru := h.ask("", "GET", "/api/v1/items", "", "Accept-Language", "ru").problem(t, 401, fault.Denied)
	if strings.Contains(h.log.String(), "np_") || ru.Title != "Unauthorized" {
		t.Errorf("%s %+v", h.log, ru)
	}
}

func TestRevokedTokens(t *testing.T) {
	h := open(t, store.SQLite)
	ctx := context.Background()
	mia := h.person("mia", people.Editor)
	secret := h.token(mia, people.ScopeRead)
	if r := h.ask(secret, "GET", "/api/v1/items", ""); r.status != 200 {
		t.Fatal(r.body)
	}
	list, err := h.people.Tokens(ctx, mia.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.people.RevokeToken(ctx, people.By{Person: mia}, list[0].ID); err != nil {
		t.Fatal(err)
	}
	h.ask(secret, "GET", "/api/v1/items", "").problem(t, 401, fault.Denied)
}

func TestBringIn(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		post := func(body string, status int) (b api.Brought) {
			t.Helper()
			r := h.ask(h.write, "POST", "/api/v1/items", body)
			r.into(t, status, &b)
			if r.header.Get("Location") != "/api/v1/items/"+b.ID || string(b.URI) != "newspool://"+strings.Replace(b.ID, "/", "/item/", 1) {
				t.Errorf("%+v %v", b, r.header)
			}
			return b
		}
		first := post(item(1, "Ferry on time", ""), 201)
		steps := []struct {
			body string
			want api.Brought
		}{
			{item(1, "Ferry on time", ""), api.Brought{Version: 1, State: "released", Duplicate: true}},
			{item(1, "Ferry late", ""), api.Brought{Version: 2, State: "released"}},
			{item(1, "Ferry very late", `,"edNote":"It was late.","altIds":[{"role":"newspool:class","value":"correction"}]`), api.Brought{Version: 3, State: "released"}},
			{item(1, "Ferry", `,"pubStatus":"canceled","edNote":"There is no ferry."`), api.Brought{Version: 4, State: "withdrawn"}},
			{item(1, "Ferry", `,"pubStatus":"canceled","edNote":"There is no ferry."`), api.Brought{Version: 4, State: "withdrawn", Duplicate: true}},
		}
		for i, s := range steps {
			s.want.URI, s.want.ID = first.URI, first.ID
			if d := cmp.Diff(s.want, post(s.body, 200)); d != "" {
				t.Errorf("step %d: %s", i, d)
			}
		}
		it, err := h.library.Item(context.Background(), first.URI)
		if err != nil || it.Source != "api" || it.SourceID != "https://cms.avand.example/story/1" || it.History[2].Class != news.Correction || it.History[3].Note != "There is no ferry." {
			t.Errorf("%+v %v", it, err)
		}
		h.ask(h.write, "POST", "/api/v1/items", item(1, "Ferry again", "")).problem(t, 410, fault.Gone)
		h.ask(h.write, "POST", "/api/v1/items", item(2, "", `,"pubStatus":"canceled"`)).problem(t, 404, fault.NotFound)

		var draft api.Brought
		h.ask(h.write, "POST", "/api/v1/items?draft=true", item(3, "Not yet", "")).into(t, 201, &draft)
		if it, err := h.library.Item(context.Background(), draft.URI); err != nil || it.State != news.Unreleased || draft.State != "draft" {
			t.Errorf("%+v %+v %v", draft, it, err)
		}
		short := strings.TrimPrefix(string(first.URI), "newspool://")
		want := []string{"api.act_bring " + short, "api.act_bring " + short, "api.act_bring " + short, "api.act_bring " + short, "api.act_bring " + strings.TrimPrefix(string(draft.URI), "newspool://")}
		if d := cmp.Diff(want, h.acts(5)); d != "" {
			t.Error(d)
		}
	})
}

func TestStoriesThatDoNotFit(t *testing.T) {
	h := open(t, store.SQLite)
	var b api.Brought
	h.ask(h.write, "POST", "/api/v1/items", item(1, "Ferry", `,"urgency":77,"colour":"red","associations":[{"name":"a","uri":"https://x.example/1","altIds":[{"role":"sha256","value":"`+strings.Repeat("0", 64)+`"}]}]`)).into(t, 201, &b)
	var keys []string
	for _, p := range b.Problems {
		keys = append(keys, p.Where+" "+p.Key)
		if p.Text == "" || strings.Contains(p.Text, "«") || p.Refused {
			t.Errorf("%+v", p)
		}
	}
	if d := cmp.Diff([]string{"urgency ingest.urgency_bad", " ingest.unused", "associations ingest.media_claimed"}, keys); d != "" {
		t.Error(d)
	}
	p := h.ask(h.write, "POST", "/api/v1/items", item(2, "Ferry", `,"urgency":77,"embargoedUntil":"soon"`)).problem(t, 422, fault.Invalid)
	if len(p.Problems) != 2 || !p.Problems[1].Refused || p.Problems[1].Where != "embargoedUntil" || !strings.Contains(p.Detail, "soon") {
		t.Errorf("%+v", p)
	}
	for body, key := range map[string]string{"\x1f\x8b\x08\x00": "compressed", `{"uri":"a"}{"uri":"b"}`: "after the end"} {
		if p := h.ask(h.write, "POST", "/api/v1/items", body).problem(t, 422, fault.Invalid); !strings.Contains(p.Detail, key) {
			t.Errorf("%q: %s", body, p.Detail)
		}
	}
	for name, body := range map[string]string{"nothing": "", "no JSON": "<p>", "no object": "[]", "half": `{"uri":`, "twice": `{"uri":"a","uri":"b"}`} {
		r := h.ask(h.write, "POST", "/api/v1/items", body)
		want := 422
		if body == "" {
			want = 400
		}
		if r.problem(t, want, fault.Invalid); r.status != want {
			t.Errorf("%s: %d", name, r.status)
		}
	}
	full := strings.Repeat(" ", 1<<20)
	exact := item(3, "Ferry", "")
	if r := h.ask(h.write, "POST", "/api/v1/items", exact+full[:1<<20-len(exact)]); r.status != 201 {
		t.Errorf("1 MiB: %s", r.body)
	}
	h.ask(h.write, "POST", "/api/v1/items", exact+full).problem(t, 413, fault.TooLarge)
}

func TestIdempotency(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		anonymous := `{"headline":"A ferry without a name","version":"1"}`
		key := []string{"Idempotency-Key", "8e0f"}
		first := h.ask(h.write, "POST", "/api/v1/items", anonymous, key...)
		if first.status != 201 || first.header.Get("Idempotency-Replayed") != "" {
			t.Fatal(first)
		}
		same := func(r reply) {
			t.Helper()
			if r.status != 201 || r.body != first.body || r.header.Get("Location") != first.header.Get("Location") || r.header.Get("Idempotency-Replayed") != "true" {
				t.Errorf("%+v, want %+v", r, first)
			}
		}
		same(h.ask(h.write, "POST", "/api/v1/items", anonymous, key...))
		h.ask(h.write, "POST", "/api/v1/items", anonymous+" ", key...).problem(t, 409, fault.Conflict)
		h.ask(h.write, "POST", "/api/v1/items?draft=true", anonymous, key...).problem(t, 409, fault.Conflict)
		h.pass(48*time.Hour - time.Second)
		same(h.ask(h.write, "POST", "/api/v1/items", anonymous, key...))
		h.pass(time.Second)
		if r := h.ask(h.write, "POST", "/api/v1/items", anonymous+" ", key...); r.status != 201 || r.header.Get("Idempotency-Replayed") != "" {
			t.Errorf("after two days: %+v", r)
		}
		// What was refused is not kept: it may be mended under the same key.
		mend := []string{"Idempotency-Key", "mend"}
		h.ask(h.write, "POST", "/api/v1/items", `{"uri":"x:1"}`, mend...).problem(t, 422, fault.Invalid)
		if r := h.ask(h.write, "POST", "/api/v1/items", item(1, "Ferry", ""), mend...); r.status != 201 {
			t.Error(r.body)
		}
		// The key of one person says nothing to another.
		other := h.token(h.person("mia", people.Editor), people.ScopeWrite)
		if r := h.ask(other, "POST", "/api/v1/items", item(2, "Ferry", ""), mend...); r.status != 201 {
			t.Error(r.body)
		}
	})
}

func TestTheSameAtTheSameMoment(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var wg sync.WaitGroup
		replies := make([]reply, 16)
		for i := range replies {
			wg.Go(func() {
				replies[i] = h.ask(h.write, "POST", "/api/v1/items", `{"headline":"A ferry without a name"}`, "Idempotency-Key", "k")
			})
		}
		wg.Wait()
		fresh := 0
		for _, r := range replies {
			if r.status != 201 || r.body != replies[0].body {
				t.Errorf("%+v", r)
			}
			if r.header.Get("Idempotency-Replayed") == "" {
				fresh++
			}
		}
		if rows, err := h.library.Feed(context.Background(), 0, 0); err != nil || len(rows) != 1 || fresh != 1 {
			t.Errorf("%d items, %d fresh answers, %v", len(rows), fresh, err)
		}
	})
}

func TestTakeTheFeed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for n := range 3 {
			h.receive(n, nil)
		}
		var own api.Brought
		h.ask(h.write, "POST", "/api/v1/items", item(1, "Our own", "")).into(t, 201, &own)
		page := h.ask(h.read, "GET", "/api/v1/items?limit=3", "")
		if lines := page.lines(t); len(lines) != 3 || lines[2].URI != string(northItem(2)) || lines[2].Newspool.Own {
			t.Errorf("%+v", lines)
		}
		rest := h.ask(h.read, "GET", "/api/v1/items?after="+page.cursor(t), "")
		if lines := rest.lines(t); len(lines) != 1 || lines[0].URI != string(own.URI) || !lines[0].Newspool.Own || strconv.FormatInt(lines[0].Newspool.Cursor, 10) != rest.cursor(t) {
			t.Errorf("%+v", lines)
		}
		none := h.ask(h.read, "GET", "/api/v1/items?after="+rest.cursor(t), "")
		if none.body != "" || none.cursor(t) != rest.cursor(t) || none.status != 200 {
			t.Errorf("%+v", none)
		}
		h.ask(h.read, "GET", "/api/v1/items?after=999999", "").problem(t, 409, fault.Conflict)

		var one api.Line
		r := h.ask(h.read, "GET", "/api/v1/items/"+page.lines(t)[0].Newspool.ID, "")
		r.into(t, 200, &one)
		if d := cmp.Diff(page.lines(t)[0], one); d != "" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", d, r.header)
		}
		want := []string{"api.act_bring " + strings.TrimPrefix(string(own.URI), "newspool://"), "deliver.act_lines ", "deliver.act_lines ", "deliver.act_item north.example/item/0192f3c1-7d55-7e07-9d3c-000000000000"}
		if d := cmp.Diff(want, h.acts(4)); d != "" {
			t.Error(d)
		}
	})
}

// TestDescription holds the description of a line against a line that has everything.
func TestDescription(t *testing.T) {
	h := open(t, store.SQLite)
	h.receive(1, func(s *news.Story) { s.Embargo = start.Add(-48 * time.Hour) })
	r := h.ask(h.read, "GET", "/api/v1/items", "")
	again, err := json.Marshal(r.lines(t)[0])
	if err != nil {
		t.Fatal(err)
	}
	var want, got map[string]any
	if err := errors.Join(json.Unmarshal([]byte(r.body), &want), json.Unmarshal(again, &got)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, name := range []string{"headlines", "bodies", "associations", "embargoedUntil", "edNote", "genres", "located", "altIds"} {
		if want[name] == nil {
			t.Errorf("the sample has no %s", name)
		}
	}
}

func TestWaitForNews(t *testing.T) {
	h := open(t, store.SQLite)
	took := make(chan reply, 1)
	begin := func(query string) {
		n := h.waiting()
		go func() { took <- h.ask(h.read, "GET", "/api/v1/items?wait=30&"+query, "") }()
		for h.waiting() == n {
			time.Sleep(time.Millisecond)
		}
	}
	begin("after=0")
	h.receive(1, nil)
	h.ring()
	r := <-took
	if len(r.lines(t)) != 1 {
		t.Errorf("%+v", r)
	}
	// An embargo that lifts rings no bell.
	h.receive(2, func(s *news.Story) { s.Embargo = start.Add(time.Hour) })
	next := h.ask(h.read, "GET", "/api/v1/items?after="+r.cursor(t), "")
	if l := next.lines(t); len(l) != 1 || l[0].Newspool.State != deliver.Embargo || l[0].Bodies != nil {
		t.Errorf("%+v", l)
	}
	begin("after=" + next.cursor(t))
	h.pass(time.Hour)
	r = <-took
	if l := r.lines(t); len(l) != 1 || l[0].Newspool.State != deliver.Usable {
		t.Errorf("%+v", l)
	}
	// A bell that is closed ends the waiting.
	begin("after=" + r.cursor(t))
	h.mu.Lock()
	close(h.rings[len(h.rings)-1])
	h.rings = nil
	h.mu.Unlock()
	if r := <-took; r.status != 200 || r.body != "" {
		t.Errorf("%+v", r)
	}
	if r := h.ask(h.read, "GET", "/api/v1/items?wait=1&after="+r.cursor(t), ""); r.status != 200 || r.body != "" {
		t.Errorf("%+v", r)
	}
}

func TestTooManyWait(t *testing.T) {
	h := open(t, store.SQLite)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	for range 4 {
		wg.Go(func() {
			req, _ := http.NewRequestWithContext(ctx, "GET", h.server.URL+"/api/v1/items?wait=30", nil)
			req.Header.Set("Authorization", "Bearer "+h.read)
			if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
				resp.Body.Close()
			}
		})
	}
	for h.waiting() < 4 {
		time.Sleep(time.Millisecond)
	}
	h.ask(h.read, "GET", "/api/v1/items?wait=30", "").problem(t, 429, fault.RateLimited)
	if r := h.ask(h.read, "GET", "/api/v1/items", ""); r.status != 200 {
		t.Errorf("%+v", r)
	}
}

func TestCorrectAndWithdraw(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var own, b api.Brought
		h.ask(h.write, "POST", "/api/v1/items", item(1, "Ferry on time", "")).into(t, 201, &own)
		at := "/api/v1/items/" + own.ID
		correct := `{"note":"It was late.","item":` + item(1, "Ferry late", "") + `}`
		h.ask(h.write, "POST", at+"/correct", `{"item":`+item(1, "Ferry late", "")+`}`).problem(t, 422, fault.Invalid) // no note
		h.ask(h.write, "POST", at+"/correct", correct).into(t, 200, &b)
		want := api.Brought{URI: own.URI, ID: own.ID, Version: 2, State: "released"}
		if d := cmp.Diff(want, b); d != "" {
			t.Error(d)
		}
		want.Duplicate = true
		b = api.Brought{}
		h.ask(h.write, "POST", at+"/correct", correct).into(t, 200, &b)
		if d := cmp.Diff(want, b); d != "" {
			t.Error(d)
		}
		b = api.Brought{}
		h.ask(h.write, "POST", at+"/correct", `{"update":true,"item":`+item(1, "Ferry sunk", "")+`}`).into(t, 200, &b)
		if d := cmp.Diff(api.Brought{URI: own.URI, ID: own.ID, Version: 3, State: "released"}, b); d != "" {
			t.Error(d)
		}
		h.ask(h.write, "POST", at+"/correct", `{"note":"x","item":{"uri":"x:1"}}`).problem(t, 422, fault.Invalid)
		for body, status := range map[string]int{`{"reason":""}`: 422, `{}`: 422, "": 400} {
			if p := h.ask(h.write, "POST", at+"/withdraw", body).problem(t, status, fault.Invalid); p.Detail != "Give a reason. Everybody who had the story reads it." {
				t.Errorf("%q: %+v", body, p)
			}
		}
		h.ask(h.write, "POST", at+"/withdraw", `{"reason":7}`).problem(t, 422, fault.Invalid)
		b = api.Brought{}
		h.ask(h.write, "POST", at+"/withdraw", `{"reason":"There is no ferry."}`).into(t, 200, &b)
		if d := cmp.Diff(api.Brought{URI: own.URI, ID: own.ID, Version: 4, State: "withdrawn"}, b); d != "" {
			t.Error(d)
		}
		b = api.Brought{}
		h.ask(h.write, "POST", at+"/withdraw", `{"reason":"There is no ferry."}`).into(t, 200, &b)
		if b.Version != 4 || !b.Duplicate {
			t.Errorf("%+v", b)
		}
		h.ask(h.write, "POST", at+"/correct", correct).problem(t, 410, fault.Gone)
		it, err := h.library.Item(context.Background(), own.URI)
		if err != nil || it.History[1].Class != news.Correction || it.History[1].Note != "It was late." || it.History[2].Class != news.Update || it.History[3].Note != "There is no ferry." {
			t.Errorf("%+v %v", it, err)
		}
		h.receive(1, nil)
		theirs := "/api/v1/items/north.example/0192f3c1-7d55-7e07-9d3c-000000000001"
		h.ask(h.write, "POST", theirs+"/withdraw", `{"reason":"x"}`).problem(t, 403, fault.Denied)
		h.ask(h.write, "POST", theirs+"/correct", correct).problem(t, 403, fault.Denied)
		h.ask(h.write, "POST", "/api/v1/items/avand.example/none/withdraw", `{"reason":"x"}`).problem(t, 404, fault.NotFound)
		short := strings.TrimPrefix(string(own.URI), "newspool://")
		if d := cmp.Diff([]string{"api.act_bring " + short, "story.act_correction " + short, "story.act_update " + short, "story.act_withdraw " + short}, h.acts(4)); d != "" {
			t.Error(d)
		}
	})
}

func TestLinksAndDeliveries(t *testing.T) {
	h := open(t, store.SQLite)
	var own api.Brought
	h.ask(h.write, "POST", "/api/v1/items", item(1, "Ferry", "")).into(t, 201, &own)
	var none struct{ Links, Deliveries []any }
	if r := h.ask(h.read, "GET", "/api/v1/links", ""); r.body != "{\"links\":[]}\n" {
		t.Error(r.body)
	}
	h.ask(h.read, "GET", "/api/v1/items/"+own.ID+"/deliveries", "").into(t, 200, &none)

	h.links = []exchange.Link{{
		Partner: north, Domain: "north.example", State: exchange.LinkLate, LastContact: start.Add(-time.Minute), Behind: 59*time.Second + 1, Waiting: 7,
		Error: fault.New(fault.Unavailable, "partner.unknown").Because(errors.New("dial 10.1.2.3: secret cause")),
	}}
	h.deliveries = []exchange.Delivery{
		{Number: 3, Agreement: agreementID, Partner: north, State: exchange.Queued, Until: start.Add(18 * time.Hour), Clause: "6"},
		{Number: 2, Agreement: agreementID, Partner: north, State: exchange.Refused, Clause: "2.1", Key: "terms.no.days", Args: map[string]any{"partner": map[string]any{"en": "North Agency"}, "until": "@day:2026-11-01T12:00:00Z"}},
		{Number: 1, Agreement: agreementID, Partner: north, State: exchange.Delivered, Released: start, Durable: start.Add(time.Second)},
	}
	var links struct {
		Links []api.Link `json:"links"`
	}
	r := h.ask(h.read, "GET", "/api/v1/links", "")
	r.into(t, 200, &links)
	l := links.Links[0]
	if strings.Contains(r.body, "10.1.2.3") || l.Trouble == "" || l.Behind != 60 || l.Waiting != 7 || l.State != "late" || l.LastContact != "2026-11-24T05:59:00Z" || l.Domain != "north.example" {
		t.Errorf("%s", r.body)
	}
	var out struct {
		Deliveries []api.Delivery `json:"deliveries"`
	}
	h.ask(h.read, "GET", "/api/v1/items/"+own.ID+"/deliveries", "").into(t, 200, &out)
	if out.Deliveries[1].Why == "" {
		t.Errorf("%+v", out.Deliveries[1])
	}
	out.Deliveries[1].Why = ""
	want := []api.Delivery{
		{Version: 3, Partner: north, Domain: "north.example", Agreement: agreementID, State: "waiting", Until: "2026-11-25T00:00:00Z", Clause: "6"},
		{Version: 2, Partner: north, Domain: "north.example", Agreement: agreementID, State: "refused", Clause: "2.1"},
		{Version: 1, Partner: north, Domain: "north.example", Agreement: agreementID, State: "delivered", Released: "2026-11-24T06:00:00Z", Durable: "2026-11-24T06:00:01Z"},
	}
	if d := cmp.Diff(want, out.Deliveries); d != "" {
		t.Error(d)
	}
	h.receive(1, nil)
	if r := h.ask(h.read, "GET", "/api/v1/items/north.example/0192f3c1-7d55-7e07-9d3c-000000000001/deliveries", ""); r.body != "{\"deliveries\":[]}\n" {
		t.Error(r.body)
	}
}

func TestTroubleInside(t *testing.T) {
	h := open(t, store.SQLite)
	var own api.Brought
	h.ask(h.write, "POST", "/api/v1/items", item(1, "Ferry", "")).into(t, 201, &own)
	h.refuse = errors.New("disk on fire at 10.1.2.3")
	p := h.ask(h.read, "GET", "/api/v1/items/"+own.ID+"/deliveries", "").problem(t, 500, fault.Internal)
	if log := h.log.String(); !strings.Contains(log, "disk on fire") || !strings.Contains(log, p.Request) {
		t.Errorf("the log: %s", log)
	}
	h.options.Exchange = nil // so that it panics
	h.serve()
	p = h.ask(h.read, "GET", "/api/v1/links", "").problem(t, 500, fault.Internal)
	if log := h.log.String(); !strings.Contains(log, "panic") || !strings.Contains(log, p.Request) || strings.Contains(log, "np_") {
		t.Errorf("the log: %s", log)
	}
}

func TestRequestsThatDoNotFit(t *testing.T) {
	h := open(t, store.SQLite)
	for _, c := range []struct {
		method, path, body string
		status             int
		fields             []string
	}{
		{"GET", "/api/v1/items?limit=0", "", 422, []string{"query.limit"}},
		{"GET", "/api/v1/items?limit=secret-value", "", 422, []string{"query.limit"}},
		{"GET", "/api/v1/items?limit=1001&wait=31&after=-1", "", 422, []string{"query.after", "query.limit", "query.wait"}},
		{"GET", "/api/v1/items?afer=1", "", 422, []string{"query.afer"}},
		{"POST", "/api/v1/items/avand.example/1/withdraw", `{"reason":"x","more":"secret-value"}`, 422, []string{"body.more"}},
		{"POST", "/api/v1/items/avand.example/1/withdraw", `{}`, 422, []string{"body"}},
		{"POST", "/api/v1/items/avand.example/1/withdraw", `secret-value`, 400, []string{"body"}},
		{"POST", "/api/v1/items/avand.example/1/correct", `{"note":"secret-value"}`, 422, []string{"body"}},
	} {
		r := h.ask(h.write, c.method, c.path, c.body)
		p := r.problem(t, c.status, fault.Invalid)
		if d := cmp.Diff(c.fields, p.Fields); d != "" {
			t.Errorf("%s: %s", c.path, d)
		}
		if strings.Contains(r.body, "secret-value") {
			t.Errorf("%s repeats what was sent: %s", c.path, r.body)
		}
	}
	h.ask(h.write, "POST", "/api/v1/items/avand.example/1/withdraw", `{"reason":"`+strings.Repeat("x", 1<<20)+`"}`).problem(t, 413, fault.TooLarge)
}

func TestTooOften(t *testing.T) {
	h := open(t, store.SQLite)
	other := h.token(h.person("mia", people.Editor), people.ScopeRead)
	var last reply
	n := 0
	for ; n < 200; n++ {
		if last = h.ask(h.read, "GET", "/api/v1/links", ""); last.status != 200 {
			break
		}
	}
	last.problem(t, 429, fault.RateLimited)
	if n != 100 || last.header.Get("Retry-After") != "1" {
		t.Errorf("after %d: %v", n, last.header)
	}
	if r := h.ask(other, "GET", "/api/v1/links", ""); r.status != 200 {
		t.Errorf("another token: %+v", r)
	}
	h.pass(time.Second)
	if r := h.ask(h.read, "GET", "/api/v1/links", ""); r.status != 200 {
		t.Errorf("a second later: %+v", r)
	}
	// Wrong tokens are counted by address, and the right one has to wait with them.
	for n = 0; n < 100; n++ {
		if last = h.ask("np_"+strings.Repeat("x", 43), "GET", "/api/v1/links", ""); last.status != 401 {
			break
		}
	}
	last.problem(t, 429, fault.RateLimited)
	if n != 20 || last.header.Get("Retry-After") != "5" {
		t.Errorf("after %d wrong ones: %v", n, last.header)
	}
}

func TestOpenAPI(t *testing.T) {
	h := open(t, store.SQLite)
	r := h.ask("", "GET", "/api/v1/openapi.json", "")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]struct{ OperationID string }
		Components struct {
			Schemas map[string]struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal([]byte(r.body), &doc); err != nil || r.header.Get("Content-Type") != "application/openapi+json" {
		t.Fatal(err, r.header)
	}
	var ops []string
	for _, methods := range doc.Paths {
		for _, op := range methods {
			ops = append(ops, op.OperationID)
		}
	}
	if len(ops) != 7 || doc.OpenAPI != "3.1.0" {
		t.Errorf("%s %v", doc.OpenAPI, ops)
	}
	if strings.Contains(r.body, "ErrorModel") || strings.Contains(r.body, "ErrorDetail") || doc.Components.Schemas["Problem"].Properties["kind"] == nil || doc.Components.Schemas["Line"].Properties["newspool"] == nil {
		t.Errorf("schemas: %v", doc.Components.Schemas)
	}
	if y := h.ask("", "GET", "/api/v1/openapi.yaml", ""); !strings.Contains(y.body, "openapi: 3.1.0") && !strings.Contains(y.body, `openapi: "3.1.0"`) {
		t.Error(y.body[:min(len(y.body), 300)])
	}
}

// TestPreferredLanguage answers in the language of the token's owner where the program asks for none.
func TestPreferredLanguage(t *testing.T) {
	h := open(t, store.SQLite)
	p, err := h.people.Create(context.Background(), people.Operator(), people.NewPerson{Login: "mia", Name: "Mia", Language: "fa", Roles: []people.Role{people.Editor}, Password: "a harbour in the fog"})
	if err != nil {
		t.Fatal(err)
	}
	secret := h.token(p, people.ScopeRead)
	fa := h.ask(secret, "GET", "/api/v1/items/north.example/none", "").problem(t, 404, fault.NotFound)
	en := h.ask(secret, "GET", "/api/v1/items/north.example/none", "", "Accept-Language", "en").problem(t, 404, fault.NotFound)
	if en.Detail != "There is no such item here." {
		t.Errorf("%q %q", fa.Detail, en.Detail)
	}
}

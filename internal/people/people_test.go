package people

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// house is a service with a clock that the test moves, and its first administrator.
type house struct {
	*Service
	t     *testing.T
	db    *store.DB
	admin By

	mu  sync.Mutex
	now time.Time
}

const (
	adminPassword  = "four calm herons wade"
	editorPassword = "нечаянный синий чайник"
)

func cheap() cost { return cost{memory: 8, time: 1, threads: 1} }

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func bare(t *testing.T, db *store.DB) *house {
	h := &house{t: t, db: db, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	h.Service = newService(db, Options{Clock: h.clock}, cheap())
	return h
}

// each runs fn in a house with an administrator, on each engine.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	storetest.Each(t, []store.Migration{Migrations()}, func(t *testing.T, db *store.DB) {
		h := bare(t, db)
		p, err := h.Create(t.Context(), Operator(), NewPerson{Login: "anna", Name: "Anna North", Roles: []Role{Administrator}, Password: adminPassword})
		if err != nil {
			t.Fatal(err)
		}
		h.admin = By{Person: p, Remote: "192.0.2.1"}
		fn(t, h)
	})
}

// editor makes a second person and signs them in.
func (h *house) editor() Session {
	h.t.Helper()
	_, err := h.Create(h.t.Context(), h.admin, NewPerson{Login: "Сорен@soren.example", Name: "Сорен", Language: "ru", Roles: []Role{Editor}, Password: editorPassword})
	if err != nil {
		h.t.Fatal(err)
	}
	s, err := h.SignIn(h.t.Context(), "сорен@soren.example", editorPassword, "192.0.2.7", "browser")
	if err != nil {
		h.t.Fatal(err)
	}
	return s
}

func (h *house) wants(err error, kind fault.Kind, key string) {
	h.t.Helper()
	if f := fault.Of(err); err == nil || f.Kind != kind || f.Key != key {
		h.t.Errorf("got %v, want %s %s", err, kind, key)
	}
}

func TestSetup(t *testing.T) {
	storetest.Each(t, []store.Migration{Migrations()}, func(t *testing.T, db *store.DB) {
		h, ctx := bare(t, db), t.Context()
		n := NewPerson{Login: "anna", Name: " Anna\n North\u202e ", Password: adminPassword}
		if needs, err := h.NeedsSetup(ctx); !needs || err != nil {
			t.Fatal(needs, err)
		}
		_, err := h.CreateFirst(ctx, "", n, "192.0.2.1", "")
		h.wants(err, fault.Denied, "people.setup_code")
		old, err := h.SetupCode(ctx)
		if err != nil {
			t.Fatal(err)
		}
		code, err := h.SetupCode(ctx)
		if err != nil || code == old || len(code) != 19 {
			t.Fatal(code, old, err)
		}
		_, err = h.CreateFirst(ctx, old, n, "192.0.2.1", "")
		h.wants(err, fault.Denied, "people.setup_code")
		_, err = h.CreateFirst(ctx, code, NewPerson{Login: "anna", Name: "Anna", Password: "short"}, "192.0.2.1", "")
		h.wants(err, fault.Invalid, "people.password_short")
		s, err := h.CreateFirst(ctx, " "+strings.ToUpper(strings.ReplaceAll(code, "-", " ")), n, "192.0.2.1", "browser")
		if err != nil {
			t.Fatal(err)
		}
		p, err := h.BySession(ctx, s.Token)
		if err != nil || p.Name != "Anna North" || !p.Has(Administrator) || !p.Has(Editor) || !p.Has(Signatory) {
			t.Errorf("%+v %v", p, err)
		}
		_, err = h.CreateFirst(ctx, code, n, "192.0.2.1", "")
		h.wants(err, fault.Conflict, "people.setup_over")
		if code, err := h.SetupCode(ctx); code != "" || err != nil {
			t.Error("a code although somebody is here", code, err)
		}
		if needs, err := h.NeedsSetup(ctx); needs || err != nil {
			t.Error(needs, err)
		}
	})
}

func TestSetupIsLimited(t *testing.T) {
	h := bare(t, storetest.Open(t, Migrations()))
	for range addressBurst {
		_, err := h.CreateFirst(t.Context(), "wrong", NewPerson{}, "192.0.2.1", "")
		h.wants(err, fault.Denied, "people.setup_code")
	}
	_, err := h.CreateFirst(t.Context(), "wrong", NewPerson{}, "192.0.2.1:4711", "")
	h.wants(err, fault.RateLimited, "people.signin_wait")
}

func TestCreateRefuses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		editor := By{Person: h.editor().Person}
		for _, c := range []struct {
			name string
			by   By
			n    NewPerson
			kind fault.Kind
			key  string
		}{
			{"by nobody", By{}, NewPerson{}, fault.Denied, "people.administrators_only"},
			{"by an editor", editor, NewPerson{}, fault.Denied, "people.administrators_only"},
			{"login empty", h.admin, NewPerson{Login: " ", Name: "A", Password: adminPassword}, fault.Invalid, "people.login_form"},
			{"login with a space", h.admin, NewPerson{Login: "a b", Name: "A", Password: adminPassword}, fault.Invalid, "people.login_form"},
			{"login long", h.admin, NewPerson{Login: strings.Repeat("a", 101), Name: "A", Password: adminPassword}, fault.Invalid, "people.login_form"},
			{"login taken, other case", h.admin, NewPerson{Login: "ANNA", Name: "A", Password: adminPassword}, fault.Conflict, "people.login_taken"},
			{"login taken, wide letters", h.admin, NewPerson{Login: "ａnna", Name: "A", Password: adminPassword}, fault.Conflict, "people.login_taken"},
			{"name", h.admin, NewPerson{Login: "b", Name: "\u202e\n", Password: adminPassword}, fault.Invalid, "people.name_missing"},
			{"name long", h.admin, NewPerson{Login: "b", Name: strings.Repeat("ن", 121), Password: adminPassword}, fault.Invalid, "people.name_long"},
			{"role", h.admin, NewPerson{Login: "b", Name: "B", Roles: []Role{"king"}, Password: adminPassword}, fault.Invalid, "people.role_unknown"},
			{"language", h.admin, NewPerson{Login: "b", Name: "B", Language: "e n", Password: adminPassword}, fault.Invalid, "people.language_unknown"},
			{"password short", h.admin, NewPerson{Login: "b", Name: "B", Password: "ب ب ب ب ب"}, fault.Invalid, "people.password_short"},
			{"password long", h.admin, NewPerson{Login: "b", Name: "B", Password: strings.Repeat("heron", 60)}, fault.Invalid, "people.password_long"},
			{"password bytes", h.admin, NewPerson{Login: "b", Name: "B", Password: "four calm \xff herons"}, fault.Invalid, "people.password_form"},
			{"password of the login", h.admin, NewPerson{Login: "avandnews@avand.example", Name: "B", Password: "AvandNews1"}, fault.Invalid, "people.password_guessable"},
		} {
			t.Run(c.name, func(t *testing.T) {
				_, err := h.Create(ctx, c.by, c.n)
				if f := fault.Of(err); err == nil || f.Kind != c.kind || f.Key != c.key {
					t.Errorf("got %v, want %s", err, c.key)
				}
			})
		}
	})
}

func TestGuessable(t *testing.T) {
	for password, want := range map[string]bool{
		"1234567890": true, "0987654321": true, "aaaaaaaaaaaa": true, "abcabcabcabc": true, "qwertyuiop": true, "Password1234": true, "йцукенгшщз1": true,
		"four calm herons wade": false, "سه درنای آرام": false, "password of the northern lighthouse": false, NewPassword(): false,
	} {
		if got := guessable("anna", password); got != want {
			t.Errorf("%q: %v, want %v", password, got, want)
		}
	}
}

func TestUpdateAndList(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s := h.editor()
		own := By{Person: s.Person}
		name, login := "Сорен Озёрный", "Avand"
		if err := h.Update(ctx, own, s.Person.ID, Change{Name: &name}); err != nil {
			t.Fatal(err)
		}
		h.wants(h.Update(ctx, own, s.Person.ID, Change{Login: &login}), fault.Denied, "people.administrators_only")
		h.wants(h.Update(ctx, own, h.admin.Person.ID, Change{Name: &name}), fault.Denied, "people.administrators_only")
		h.wants(h.Update(ctx, By{}, "", Change{Name: &name}), fault.Denied, "people.administrators_only")
		taken := "ANNA"
		h.wants(h.Update(ctx, h.admin, s.Person.ID, Change{Login: &taken}), fault.Conflict, "people.login_taken")
		h.wants(h.Update(ctx, h.admin, "nobody", Change{Name: &name}), fault.NotFound, "people.not_found")
		if err := h.Update(ctx, h.admin, s.Person.ID, Change{Login: &login}); err != nil {
			t.Fatal(err)
		}
		want := Preferences{Language: "fa", Theme: ThemeDark, Compact: true, KeysOff: true}
		for _, choose := range []func(*Preferences) error{
			func(p *Preferences) error { p.Language, p.Theme = "fa", ThemeDark; return nil },
			func(p *Preferences) error { p.Compact, p.KeysOff = true, true; return nil },
		} {
			if err := h.SetPreferences(ctx, s.Person.ID, choose); err != nil {
				t.Fatal(err)
			}
		}
		h.wants(h.SetPreferences(ctx, s.Person.ID, func(p *Preferences) error { p.Theme = "pink"; return nil }), fault.Invalid, "people.theme_unknown")
		p, err := h.BySession(ctx, s.Token)
		if err != nil {
			t.Fatal(err)
		}
		if p.Name != name || p.Login != "avand" || p.Preferences != want {
			t.Errorf("%+v", p)
		}
		if err := h.Disable(ctx, h.admin, s.Person.ID); err != nil {
			t.Fatal(err)
		}
		list, err := h.People(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range list {
			got = append(got, p.Login)
		}
		if d := cmp.Diff([]string{"anna", "avand"}, got); d != "" {
			t.Error(d)
		}
	})
}

func TestSignInAnswersAlike(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		id := h.editor().Person.ID
		_, wrong := h.SignIn(ctx, "anna", "not her password", "198.51.100.1", "")
		_, unknown := h.SignIn(ctx, "nobody", adminPassword, "198.51.100.1", "")
		_, malformed := h.SignIn(ctx, "no body", adminPassword, "198.51.100.1", "")
		_, empty := h.SignIn(ctx, "anna", "", "198.51.100.1", "")
		if err := h.Disable(ctx, h.admin, id); err != nil {
			t.Fatal(err)
		}
		_, disabled := h.SignIn(ctx, "сорен@soren.example", editorPassword, "198.51.100.1", "")
		for _, err := range []error{wrong, unknown, malformed, empty, disabled} {
			h.wants(err, fault.Denied, "people.signin_refused")
		}
		if err := h.Enable(ctx, h.admin, id); err != nil {
			t.Fatal(err)
		}
		if _, err := h.SignIn(ctx, "СОРЕН@soren.example", editorPassword, "198.51.100.1", ""); err != nil {
			t.Error(err)
		}
		acts, err := h.AuditPage(ctx, 0, 50)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range acts {
			if strings.Contains(a.What, "unknown") && (a.About != "" || len(a.Detail) > 0) {
				t.Errorf("the audit keeps what was typed: %+v", a)
			}
		}
	})
}

func TestAccountLimit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		if _, err := h.SignIn(ctx, "anna", adminPassword, "2001:db8:1::1", ""); err != nil {
			t.Fatal(err)
		}
		for i := range accountBurst {
			_, err := h.SignIn(ctx, "Anna", "not her password", "198.51.100."+string(rune('1'+i)), "")
			h.wants(err, fault.Denied, "people.signin_refused")
		}
		_, err := h.SignIn(ctx, "anna", adminPassword, "198.51.100.9", "")
		h.wants(err, fault.RateLimited, "people.signin_wait")
		if n := fault.Of(err).Args["n"]; n != 31 && n != 30 {
			t.Errorf("wait %v seconds", n)
		}
		if _, err := h.SignIn(ctx, "anna", adminPassword, "[2001:db8:1::2]:443", ""); err != nil {
			t.Errorf("strangers lock out the one who was here before: %v", err)
		}
		h.pass(accountEvery + time.Second)
		if _, err := h.SignIn(ctx, "anna", adminPassword, "198.51.100.9", ""); err != nil {
			t.Error(err)
		}
	})
}

func TestAddressLimit(t *testing.T) {
	h := &house{Service: newService(storetest.Open(t, Migrations()), Options{Clock: func() time.Time { return time.Unix(1e9, 0).UTC() }}, cheap()), t: t}
	for i := range addressBurst {
		_, err := h.SignIn(t.Context(), "person"+string(rune('a'+i)), "whatever it may be", "2001:db8:2:3:4::"+string(rune('1'+i%9)), "")
		h.wants(err, fault.Denied, "people.signin_refused")
	}
	_, err := h.SignIn(t.Context(), "somebody", "whatever it may be", "2001:db8:2:3:ffff::1", "")
	h.wants(err, fault.RateLimited, "people.signin_wait")
	_, err = h.SignIn(t.Context(), "somebody", "whatever it may be", "2001:db8:2:4::1", "")
	h.wants(err, fault.Denied, "people.signin_refused")
}

func TestSuccessCostsNothing(t *testing.T) {
	l, now := newLimits(), time.Unix(1e9, 0)
	for range 10 * addressBurst {
		giveBack, err := l.try("anna", "192.0.2.1", now)
		if err != nil {
			t.Fatal(err)
		}
		giveBack()
	}
}

func TestLimitsForget(t *testing.T) {
	l, now := newLimits(), time.Unix(1e9, 0)
	for i := range limitEntries + 500 {
		now = now.Add(time.Millisecond)
		if _, err := l.try("", "10.0."+itoa(i/250)+"."+itoa(i%250), now); err != nil {
			t.Fatal(err)
		}
	}
	if len(l.addresses) > limitEntries {
		t.Errorf("%d addresses are remembered", len(l.addresses))
	}
}

func itoa(n int) string {
	return strings.TrimLeft(string([]rune{rune('0' + n/100), rune('0' + n/10%10)}), "0") + string(rune('0'+n%10))
}

func TestAddressKey(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:80": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "[::ffff:192.0.2.1]:9": "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "[2001:db8:1:2::9]:443": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
		"": "elsewhere", "console": "elsewhere", "@": "elsewhere",
	} {
		if got := AddressKey(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

func TestRehash(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		later := newService(h.db, Options{Clock: h.clock}, cost{memory: 16, time: 2, threads: 1})
		if _, err := later.SignIn(t.Context(), "anna", adminPassword, "192.0.2.1", ""); err != nil {
			t.Fatal(err)
		}
		var stored string
		err := h.db.Read(t.Context(), func(r store.Reader) (err error) {
			_, stored, err = personByLogin(r, "anna")
			return err
		})
		if err != nil || !strings.HasPrefix(stored, "$argon2id$v=19$m=16,t=2,p=1$") {
			t.Error(stored, err)
		}
		if _, err := h.SignIn(t.Context(), "anna", adminPassword, "192.0.2.1", ""); err != nil {
			t.Error("an older service does not read it:", err)
		}
	})
}

func TestHashingWaits(t *testing.T) {
	h := newHasher(cheap())
	for range atOnce {
		h.slots <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, adminPassword); err != context.Canceled {
		t.Errorf("a third hashing began: %v", err)
	}
	<-h.slots
	stored, err := h.hash(t.Context(), "re\u0301sume\u0301 of the day")
	if err != nil {
		t.Fatal(err)
	}
	if ok, outdated, err := h.verify(t.Context(), "résumé of the day", stored); !ok || outdated || err != nil {
		t.Error("composed letters are another password:", ok, outdated, err)
	}
	if ok, _, err := h.verify(t.Context(), "", ""); ok || err != nil {
		t.Error("nobody has a password:", ok, err)
	}
}

func FuzzDecodeHash(f *testing.F) {
	f.Add(cheap().encode(make([]byte, saltSize), make([]byte, hashSize)))
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, stored string) {
		c, salt, key, err := decodeHash(stored)
		if err != nil {
			return
		}
		if c.memory > 1<<20 || c.time > 16 || c.threads > 16 || c.encode(salt, key) != stored {
			t.Errorf("%q was read as %+v", stored, c)
		}
	})
}

func FuzzAddressKey(f *testing.F) {
	f.Add("192.0.2.1:80")
	f.Add("[2001:db8::1%a]:443")
	f.Fuzz(func(t *testing.T, remote string) {
		if key := AddressKey(remote); key == "" || len(key) > 64 {
			t.Errorf("%q: %q", remote, key)
		}
	})
}

func TestPersonHas(t *testing.T) {
	for _, c := range []struct {
		name string
		p    Person
		want bool
	}{
		{"nobody", Person{Roles: []Role{Editor}}, false},
		{"an editor", Person{ID: "p", Roles: []Role{Editor}}, true},
		{"a disabled one", Person{ID: "p", Roles: []Role{Editor}, Disabled: true}, false},
		{"an administrator", Person{ID: "p", Roles: []Role{Administrator}}, false},
	} {
		if got := c.p.Has(Editor); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if d := cmp.Diff([]Role{Administrator, Signatory}, splitRoles(joinRoles([]Role{Administrator, Signatory}))); d != "" {
		t.Error(d)
	}
	if clock.Micros(Person{}.Signed) != 0 {
		t.Error("never is not zero")
	}
}

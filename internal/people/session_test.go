package people

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/fault"
	"newspool/internal/store"
)

func (h *house) open(token string) bool {
	h.t.Helper()
	_, err := h.BySession(h.t.Context(), token)
	if err != nil {
		h.wants(err, fault.Denied, "people.signin_needed")
	}
	return err == nil
}

func TestSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.editor()
		idle := s
		for range 15 { // 14 days less a bit, used every 11 hours
			for range 2 {
				h.pass(11 * time.Hour)
				if h.clock().Before(s.Expires) && !h.open(s.Token) {
					t.Fatal("ended before its time")
				}
			}
		}
		h.pass(s.Expires.Sub(h.clock()) - time.Minute)
		again, err := h.SignIn(t.Context(), "сорен@soren.example", editorPassword, "192.0.2.7", "")
		if err != nil {
			t.Fatal(err)
		}
		h.pass(time.Minute)
		if h.open(idle.Token) {
			t.Error("a session of 14 days is still open")
		}
		h.pass(sessionIdle)
		if h.open(again.Token) {
			t.Error("a session that was not used for 12 hours is still open")
		}
		if list, err := h.Sessions(t.Context(), s.Person.ID); err != nil || len(list) != 0 {
			t.Errorf("%+v %v", list, err)
		}
	})
}

func TestOnlyHashesAtRest(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		s := h.editor()
		secret, _, err := h.CreateToken(t.Context(), By{Person: s.Person}, "cms", ScopeRead)
		if err != nil {
			t.Fatal(err)
		}
		err = h.db.Read(t.Context(), func(r store.Reader) error {
			for _, query := range []string{`SELECT hash, id, remote, agent FROM session`, `SELECT hash, id, name, scope FROM api_token`} {
				rows, err := r.Query(query)
				if err != nil {
					return err
				}
				defer rows.Close()
				n := 0
				for ; rows.Next(); n++ {
					var hash []byte
					var a, b, c string
					if err := rows.Scan(&hash, &a, &b, &c); err != nil {
						return err
					}
					if text := fmt.Sprintf("%s %s %s %s", hash, a, b, c); len(hash) != 32 || strings.Contains(text, s.Token) || strings.Contains(text, secret) {
						t.Error("a secret is stored")
					}
				}
				if n == 0 {
					t.Error("nothing was stored:", query)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestChangesEndSessions(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s := h.editor()
		id := s.Person.ID
		signIn := func(password string) Session {
			t.Helper()
			s, err := h.SignIn(ctx, "сорен@soren.example", password, "192.0.2.7", "")
			if err != nil || !h.open(s.Token) {
				t.Fatal(err)
			}
			return s
		}
		const second = "un héron, deux hérons"
		for _, c := range []struct {
			name string
			do   func() error
			open bool
		}{
			{"the same roles", func() error { return h.SetRoles(ctx, h.admin, id, []Role{Editor, Editor}) }, true},
			{"other roles", func() error { return h.SetRoles(ctx, h.admin, id, []Role{Signatory, Editor}) }, false},
			{"password", func() error { return h.SetPassword(ctx, h.admin, id, editorPassword) }, false},
			{"disabled", func() error { return h.Disable(ctx, Operator(), id) }, false},
		} {
			s := signIn(editorPassword)
			if err := c.do(); err != nil {
				t.Fatal(c.name, err)
			}
			if h.open(s.Token) != c.open {
				t.Errorf("%s: session open is not %v", c.name, c.open)
			}
		}
		if err := h.Enable(ctx, h.admin, id); err != nil {
			t.Fatal(err)
		}
		here, there := signIn(editorPassword), signIn(editorPassword)
		p, err := h.BySession(ctx, here.Token)
		if err != nil {
			t.Fatal(err)
		}
		h.wants(h.ChangePassword(ctx, By{Person: p}, "not his password", second), fault.Denied, "people.password_wrong")
		h.wants(h.ChangePassword(ctx, By{Person: p}, editorPassword, "short"), fault.Invalid, "people.password_short")
		if err := h.ChangePassword(ctx, By{Person: p, Remote: "192.0.2.7"}, editorPassword, second); err != nil {
			t.Fatal(err)
		}
		if !h.open(here.Token) || h.open(there.Token) {
			t.Error("a changed password ends all other sessions and this one not")
		}
		fresh, err := h.Renew(ctx, here.Token, "192.0.2.7", "browser")
		if err != nil || !fresh.Expires.Equal(here.Expires) {
			t.Fatal(fresh.Expires, err)
		}
		if h.open(here.Token) || !h.open(fresh.Token) {
			t.Error("the old token lives on")
		}
		_, err = h.Renew(ctx, here.Token, "", "")
		h.wants(err, fault.Denied, "people.signin_needed")
		signIn(second)
	})
}

func TestLastAdministrator(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		id := h.editor().Person.ID
		h.wants(h.Disable(ctx, h.admin, h.admin.Person.ID), fault.Conflict, "people.last_administrator")
		h.wants(h.SetRoles(ctx, h.admin, h.admin.Person.ID, []Role{Editor}), fault.Conflict, "people.last_administrator")
		if err := h.SetRoles(ctx, h.admin, id, []Role{Administrator}); err != nil {
			t.Fatal(err)
		}
		if err := h.Disable(ctx, h.admin, id); err != nil {
			t.Fatal(err)
		}
		h.wants(h.SetRoles(ctx, Operator(), h.admin.Person.ID, nil), fault.Conflict, "people.last_administrator")
		if err := h.Enable(ctx, h.admin, id); err != nil {
			t.Fatal(err)
		}
		if err := h.SetRoles(ctx, h.admin, h.admin.Person.ID, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestListAndRevoke(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		first := h.editor()
		h.pass(10 * time.Minute)
		second, err := h.SignIn(ctx, "сорен@soren.example", editorPassword, "198.51.100.4:99", strings.Repeat("я", 300)+"\x00\xff")
		if err != nil {
			t.Fatal(err)
		}
		admin, err := h.SignIn(ctx, "anna", adminPassword, "192.0.2.1", "")
		if err != nil {
			t.Fatal(err)
		}
		list, err := h.Sessions(ctx, first.Person.ID)
		if err != nil || len(list) != 2 || list[0].ID != second.Person.Session || list[1].ID != first.Person.Session {
			t.Fatalf("%+v %v", list, err)
		}
		if list[0].Remote != "198.51.100.4:99" || list[0].Agent != strings.Repeat("я", 200) || !list[0].Seen.Equal(h.clock()) {
			t.Errorf("%+v", list[0])
		}
		by := By{Person: second.Person}
		h.wants(h.Revoke(ctx, by, admin.Person.Session), fault.NotFound, "people.not_found")
		h.wants(h.Revoke(ctx, by, "nothing"), fault.NotFound, "people.not_found")
		h.wants(h.Revoke(ctx, By{}, second.Person.Session), fault.NotFound, "people.not_found")
		if err := h.RevokeOthers(ctx, by); err != nil || h.open(first.Token) || !h.open(second.Token) {
			t.Error("others were not ended, or this one was", err)
		}
		if err := h.Revoke(ctx, By{Person: admin.Person}, second.Person.Session); err != nil || h.open(second.Token) {
			t.Error("an administrator ends it", err)
		}
		if err := h.SignOut(ctx, admin.Token, "192.0.2.1"); err != nil || h.open(admin.Token) {
			t.Error("signed out", err)
		}
		if err := h.SignOut(ctx, admin.Token, "192.0.2.1"); err != nil {
			t.Error("signing out twice:", err)
		}
	})
}

func TestCache(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s := h.editor()
		other := newService(h.db, Options{Clock: h.clock}, cheap()) // another instance on the same database
		if _, err := other.BySession(ctx, s.Token); err != nil {
			t.Fatal(err)
		}
		if err := h.Disable(ctx, h.admin, s.Person.ID); err != nil {
			t.Fatal(err)
		}
		if h.open(s.Token) {
			t.Error("this instance still believes it")
		}
		h.pass(cacheFor)
		if _, err := other.BySession(ctx, s.Token); !fault.Is(err, fault.Denied) {
			t.Error("the other instance believes it too long:", err)
		}
	})
}

func TestCacheKeepsNothingOld(t *testing.T) {
	c, now := newCache(), time.Unix(1e9, 0)
	mark := c.mark()
	c.forget("somebody")
	c.keep(mark, []byte("x"), known{until: now.Add(time.Hour)}, now)
	if _, ok := c.find([]byte("x"), now); ok {
		t.Error("an answer from before the change was kept")
	}
	for i := range 3 * cacheSize {
		c.keep(c.mark(), fmt.Append(nil, i), known{until: now.Add(time.Hour)}, now)
	}
	if len(c.rows) > cacheSize {
		t.Errorf("%d rows", len(c.rows))
	}
}

func TestTokens(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		s := h.editor()
		by := By{Person: s.Person, Remote: "192.0.2.7"}
		_, _, err := h.CreateToken(ctx, By{}, "cms", ScopeRead)
		h.wants(err, fault.Denied, "people.signin_needed")
		_, _, err = h.CreateToken(ctx, by, " ", ScopeRead)
		h.wants(err, fault.Invalid, "people.token_name")
		_, _, err = h.CreateToken(ctx, by, "cms", "all")
		h.wants(err, fault.Invalid, "people.token_scope")
		secret, made, err := h.CreateToken(ctx, by, "cms", ScopeWrite)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(secret, TokenPrefix) || len(secret) != 46 {
			t.Error(secret)
		}
		p, scope, err := h.ByToken(ctx, secret)
		if err != nil || p.ID != s.Person.ID || !scope.Writes() || ScopeRead.Writes() || p.Session != "" {
			t.Errorf("%+v %s %v", p, scope, err)
		}
		h.pass(2 * time.Minute)
		if _, _, err := h.ByToken(ctx, secret); err != nil {
			t.Fatal(err)
		}
		list, err := h.Tokens(ctx, s.Person.ID)
		if err != nil || len(list) != 1 || list[0].ID != made.ID || list[0].Name != "cms" || !list[0].Used.Equal(h.clock()) {
			t.Errorf("%+v %v", list, err)
		}
		for _, wrong := range []string{"", secret[:len(secret)-1] + "!", strings.TrimPrefix(secret, TokenPrefix), s.Token, TokenPrefix + s.Token} {
			_, _, err := h.ByToken(ctx, wrong)
			h.wants(err, fault.Denied, "people.signin_needed")
		}
		_, err = h.BySession(ctx, strings.TrimPrefix(secret, TokenPrefix))
		h.wants(err, fault.Denied, "people.signin_needed")
		if err := h.Disable(ctx, h.admin, s.Person.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err = h.ByToken(ctx, secret)
		h.wants(err, fault.Denied, "people.signin_needed")
		if err := h.Enable(ctx, h.admin, s.Person.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := h.ByToken(ctx, secret); err != nil {
			t.Error(err)
		}
		h.wants(h.RevokeToken(ctx, By{}, made.ID), fault.NotFound, "people.not_found")
		if err := h.RevokeToken(ctx, by, made.ID); err != nil {
			t.Fatal(err)
		}
		_, _, err = h.ByToken(ctx, secret)
		h.wants(err, fault.Denied, "people.signin_needed")
	})
}

func TestManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for i := range 3 {
					s, err := h.SignIn(ctx, "anna", adminPassword, "192.0.2.1", "browser")
					if err != nil {
						t.Error(err)
						return
					}
					for range 5 {
						if _, err := h.BySession(ctx, s.Token); err != nil {
							t.Error(err)
						}
					}
					if i == 0 {
						if err := h.SignOut(ctx, s.Token, "192.0.2.1"); err != nil {
							t.Error(err)
						}
					}
				}
			})
		}
		wg.Wait()
		if list, err := h.Sessions(ctx, h.admin.Person.ID); err != nil || len(list) != 8 {
			t.Errorf("%d sessions, %v", len(list), err)
		}
		if c, err := h.VerifyAudit(ctx); err != nil || c.Rows != 1+12+4 {
			t.Errorf("%+v %v", c, err)
		}
	})
}

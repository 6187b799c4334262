package people

import (
	"context"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/store"
)

// refused is the one answer to every sign-in that does not succeed, whatever the reason.
func refused() error { return fault.New(fault.Denied, "people.signin_refused") }

// SignIn opens a session for whoever knows the password. Remote is the address as the caller believes it, agent what the
// browser calls itself. Too many tries are a RateLimited fault ("people.signin_wait", n seconds); everything else that does not
// succeed is the same Denied fault ("people.signin_refused").
func (s *Service) SignIn(ctx context.Context, login, password, remote, agent string) (Session, error) {
	form, err := loginForm(login)
	if err != nil {
		form = "" // no account has such a login; the way is the same
	}
	giveBack, err := s.limits.try(limitName(form), remote, s.clock())
	if err != nil {
		return Session{}, err
	}
	p, stored, err := s.forSignIn(ctx, form)
	if err != nil {
		return Session{}, err
	}
	ok, outdated, err := s.hasher.verify(ctx, password, stored)
	if err != nil {
		return Session{}, err
	}
	if !ok || p.Disabled {
		return Session{}, s.refuse(ctx, p, remote)
	}
	giveBack()
	s.limits.remember(p.Login, remote)
	rehash := ""
	if outdated {
		if rehash, err = s.hasher.hash(ctx, password); err != nil {
			return Session{}, err
		}
	}
	var session Session
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		now, was, err := personByID(tx, p.ID)
		if err != nil {
			return err
		}
		if now.Disabled || was != stored {
			return refused() // changed while we were hashing
		}
		if rehash != "" {
			if err := storePassword(tx, p.ID, rehash); err != nil {
				return err
			}
		}
		session, err = s.open(tx, now, remote, agent)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

// limitName is what tries are counted under; all logins that cannot be are one.
func limitName(form string) string {
	if form == "" {
		return "\x00"
	}
	return form
}

// forSignIn reads an account. One that does not exist is an empty person without an error.
func (s *Service) forSignIn(ctx context.Context, form string) (p Person, stored string, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		p, stored, err = personByLogin(r, form)
		if fault.Is(err, fault.NotFound) {
			p, stored, err = Person{}, "", nil
		}
		return err
	})
	return p, stored, err
}

// refuse writes a failed sign-in down and gives the answer. What was typed as a login is not kept: it may be a password.
func (s *Service) refuse(ctx context.Context, p Person, remote string) error {
	act := Act{What: "people.act_signin_refused", About: string(p.ID), From: clip(remote, 80), Detail: map[string]any{"name": p.Name}}
	if p.ID == "" {
		act.What, act.Detail = "people.act_signin_unknown", nil
	}
	if err := s.Note(ctx, act); err != nil {
		return err
	}
	return refused()
}

// open makes the row of a session in a transaction, takes away those that have ended, and writes the sign-in down.
func (s *Service) open(tx *store.Tx, p Person, remote, agent string) (Session, error) {
	now := s.clock()
	id, err := newID()
	if err != nil {
		return Session{}, err
	}
	token, hash := newSecret("")
	remote, agent = clip(remote, 80), clip(agent, 200)
	p.Signed, p.Session = now, SessionID(id)
	session := Session{Token: token, Expires: now.Add(sessionLife), Person: p}
	if err := tx.Exec(sqlSessionsOld, clock.Micros(now), s.since(sessionIdle)); err != nil {
		return Session{}, err
	}
	if err := tx.Exec(sqlSessionAdd, id, hash, p.ID, clock.Micros(now), clock.Micros(session.Expires), remote, agent); err != nil {
		return Session{}, err
	}
	if err := tx.Exec(sqlSigned, p.ID, clock.Micros(now)); err != nil {
		return Session{}, err
	}
	return session, s.Audit(tx, Act{Who: p.ID, What: "people.act_signin", About: string(p.ID), From: remote})
}

package people

import (
	"context"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// SessionID names a session in lists. It opens nothing.
type SessionID string

// How long a session lasts: after its last use, and in all. The last use is noted every seenEvery only.
const (
	sessionIdle = 12 * time.Hour
	sessionLife = 14 * 24 * time.Hour
	seenEvery   = 5 * time.Minute
)

// Session is a session that was just opened or renewed. The token is given out this once.
type Session struct {
	Token   string
	Expires time.Time // at the latest
	Person  Person
}

// OpenSession is a session in a list.
type OpenSession struct {
	ID      SessionID
	Made    time.Time
	Seen    time.Time // exact to five minutes
	Expires time.Time
	Remote  string
	Agent   string
}

// signInNeeded is the answer to a session or token that is not, or no longer, one.
func signInNeeded() error { return fault.New(fault.Denied, "people.signin_needed") }

// BySession gives the person of a session. A token that opens nothing is a Denied fault ("people.signin_needed"). It may be
// called for every request: what it knows it remembers for cacheFor.
func (s *Service) BySession(ctx context.Context, token string) (Person, error) {
	if len(token) != secretSize {
		return Person{}, signInNeeded()
	}
	hash, now := hashOf(token), s.clock()
	if known, ok := s.seen.find(hash, now); ok {
		return known.person, nil
	}
	mark := s.seen.mark()
	var p Person
	var seen, expires int64
	err := s.db.Read(ctx, func(r store.Reader) error {
		var id SessionID
		var who news.PersonID
		err := r.QueryRow(sqlSessionRead, hash).Scan(&id, &who, &seen, &expires)
		if noRows(err) {
			return signInNeeded()
		}
		if err != nil {
			return err
		}
		if p, _, err = personByID(r, who); err != nil {
			return err
		}
		p.Session = id
		return nil
	})
	if err != nil {
		return Person{}, err
	}
	if p.Disabled || clock.Micros(now) >= expires || seen <= s.since(sessionIdle) {
		return Person{}, signInNeeded()
	}
	if seen <= s.since(seenEvery) {
		s.note(ctx, sqlSessionSeen, string(p.Session))
	}
	s.seen.keep(mark, hash, known{person: p, until: earlier(now.Add(cacheFor), clock.FromMicros(expires))}, now)
	return p, nil
}

// note writes down that a session or token was used. It is no reason to turn somebody away when that fails.
func (s *Service) note(ctx context.Context, query, id string) {
	at := clock.Micros(s.clock())
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(query, id, at) }); err != nil {
		s.log.WarnContext(ctx, "last use was not stored", "error", err)
	}
}

// Renew gives a session a new token and makes the old one worthless. Its end stays where it is.
func (s *Service) Renew(ctx context.Context, token, remote, agent string) (Session, error) {
	p, err := s.BySession(ctx, token)
	if err != nil {
		return Session{}, err
	}
	fresh, hash := newSecret("")
	session := Session{Token: fresh, Person: p}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		var id, who string
		var seen, expires int64
		err := tx.QueryRow(sqlSessionRead, hashOf(token)).Scan(&id, &who, &seen, &expires)
		if noRows(err) {
			return signInNeeded()
		}
		if err != nil {
			return err
		}
		session.Expires = clock.FromMicros(expires)
		tx.OnCommit(func() { s.seen.forget(p.ID) })
		return tx.ExecOne(sqlSessionRenew, id, hash, clip(remote, 80), clip(agent, 200))
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

// SignOut ends a session. A token that opens nothing is no error.
func (s *Service) SignOut(ctx context.Context, token, remote string) error {
	p, err := s.BySession(ctx, token)
	if fault.Is(err, fault.Denied) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.Revoke(ctx, By{Person: p, Remote: remote}, p.Session)
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// Sessions lists the sessions of a person that are open, the last used first.
func (s *Service) Sessions(ctx context.Context, id news.PersonID) ([]OpenSession, error) {
	var list []OpenSession
	err := s.db.Read(ctx, func(r store.Reader) error {
		list = nil
		rows, err := r.Query(sqlSessionList, id, clock.Micros(s.clock()), s.since(sessionIdle))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var o OpenSession
			var who string
			var made, seen, expires int64
			if err := rows.Scan(&o.ID, &who, &made, &seen, &expires, &o.Remote, &o.Agent); err != nil {
				return err
			}
			o.Made, o.Seen, o.Expires = clock.FromMicros(made), clock.FromMicros(seen), clock.FromMicros(expires)
			list = append(list, o)
		}
		return rows.Err()
	})
	return list, err
}

// Revoke ends one session: one's own, or anybody's if an administrator or the operator asks.
func (s *Service) Revoke(ctx context.Context, by By, id SessionID) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		var who news.PersonID
		err := tx.QueryRow(sqlSessionOwner, id).Scan(&who)
		if noRows(err) || err == nil && who != by.Person.ID && by.administer() != nil {
			return notFound()
		}
		if err != nil {
			return err
		}
		tx.OnCommit(func() { s.seen.forget(who) })
		if err := tx.ExecOne(sqlSessionEnd, id); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_session_end", who, nil))
	})
}

// RevokeOthers ends all sessions of the person but the one by which they came.
func (s *Service) RevokeOthers(ctx context.Context, by By) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() { s.seen.forget(by.Person.ID) })
		if err := endSessions(tx, by.Person.ID, by.Person.Session); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_sessions_end", by.Person.ID, nil))
	})
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

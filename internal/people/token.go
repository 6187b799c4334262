package people

import (
	"context"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// TokenPrefix stands before every API token, so that people and scanners recognise one.
const TokenPrefix = "np_"

// usedEvery is how exact the last use of a token is kept.
const usedEvery = time.Minute

// TokenID names an API token in lists. It opens nothing.
type TokenID string

// Scope is what a program may do with a token. A person's roles limit it further.
type Scope string

// The scopes.
const (
	ScopeRead  Scope = "read"
	ScopeWrite Scope = "write" // includes reading
)

// Writes reports whether the scope allows changes.
func (s Scope) Writes() bool { return s == ScopeWrite }

// Token is an API token in a list.
type Token struct {
	ID    TokenID
	Name  string
	Scope Scope
	Made  time.Time
	Used  time.Time // last use, exact to a minute; zero: never
}

// CreateToken makes a token with which a program acts for this person. The secret is given out this once.
func (s *Service) CreateToken(ctx context.Context, by By, name string, scope Scope) (secret string, t Token, err error) {
	if by.Person.ID == "" || by.Person.Disabled {
		return "", t, signInNeeded()
	}
	if t.Name, err = nameForm(name); err != nil {
		return "", t, fault.New(fault.Invalid, "people.token_name", "limit", maxName)
	}
	if scope != ScopeRead && scope != ScopeWrite {
		return "", t, fault.New(fault.Invalid, "people.token_scope")
	}
	id, err := newID()
	if err != nil {
		return "", t, err
	}
	secret, hash := newSecret(TokenPrefix)
	t.ID, t.Scope, t.Made = TokenID(id), scope, s.clock()
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(sqlTokenAdd, t.ID, hash, by.Person.ID, t.Name, t.Scope, clock.Micros(t.Made)); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_token_create", by.Person.ID, map[string]any{"token": t.Name, "scope": string(scope)}))
	})
	if err != nil {
		return "", Token{}, err
	}
	return secret, t, nil
}

// ByToken gives the person and the scope of an API token. One that opens nothing is a Denied fault ("people.signin_needed").
// It may be called for every request: what it knows it remembers for cacheFor.
func (s *Service) ByToken(ctx context.Context, secret string) (Person, Scope, error) {
	if !strings.HasPrefix(secret, TokenPrefix) || len(secret) != len(TokenPrefix)+secretSize {
		return Person{}, "", signInNeeded()
	}
	hash, now := hashOf(secret), s.clock()
	if known, ok := s.seen.find(hash, now); ok {
		return known.person, known.scope, nil
	}
	mark := s.seen.mark()
	var p Person
	var t Token
	err := s.db.Read(ctx, func(r store.Reader) error {
		who, err := scanToken(r.QueryRow(sqlTokenRead, hash), &t)
		if noRows(err) {
			return signInNeeded()
		}
		if err != nil {
			return err
		}
		p, _, err = personByID(r, who)
		return err
	})
	if err != nil {
		return Person{}, "", err
	}
	if p.Disabled {
		return Person{}, "", signInNeeded()
	}
	if clock.Micros(t.Used) <= s.since(usedEvery) {
		s.note(ctx, sqlTokenUsed, string(t.ID))
	}
	s.seen.keep(mark, hash, known{person: p, scope: t.Scope, until: now.Add(cacheFor)}, now)
	return p, t.Scope, nil
}

// Tokens lists the API tokens of a person, the oldest first.
func (s *Service) Tokens(ctx context.Context, id news.PersonID) ([]Token, error) {
	var list []Token
	err := s.db.Read(ctx, func(r store.Reader) error {
		list = nil
		rows, err := r.Query(sqlTokenList, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Token
			if _, err := scanToken(rows, &t); err != nil {
				return err
			}
			list = append(list, t)
		}
		return rows.Err()
	})
	return list, err
}

func scanToken(row scanner, t *Token) (who news.PersonID, err error) {
	var made, used int64
	err = row.Scan(&t.ID, &who, &t.Name, &t.Scope, &made, &used)
	t.Made, t.Used = clock.FromMicros(made), clock.FromMicros(used)
	return who, err
}

// RevokeToken makes a token worthless: one's own, or anybody's if an administrator or the operator asks.
func (s *Service) RevokeToken(ctx context.Context, by By, id TokenID) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		var who news.PersonID
		var name string
		err := tx.QueryRow(sqlTokenOwner, id).Scan(&who, &name)
		if noRows(err) || err == nil && who != by.Person.ID && by.administer() != nil {
			return notFound()
		}
		if err != nil {
			return err
		}
		tx.OnCommit(func() { s.seen.forget(who) })
		if err := tx.ExecOne(sqlTokenEnd, id); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_token_end", who, map[string]any{"token": name}))
	})
}

package partner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sort"
	"strings"
	"time"

	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// Partner is a newsroom whose root we have pinned.
type Partner struct {
	Root         news.Root
	Domain       string
	Base         string
	Identity     protocol.Identity
	Keys         protocol.Keys
	Note         string // signed identity note
	Blocked      bool
	Compared     time.Time // when a person compared the fingerprints; zero: not yet
	ComparedBy   news.PersonID
	DomainAgrees bool // the domain's own page names the same root
	Added        time.Time
}

// Fingerprint is what is read to the partner by telephone.
func (p Partner) Fingerprint() string { return protocol.Fingerprint(string(p.Root)) }

const (
	selectPartners = `SELECT root, identity, state, compared_us, compared_by, domain_agrees, added_us FROM partner`
	selectPartner  = selectPartners + ` WHERE root = $1`
	insertPartner  = `INSERT INTO partner (root, domain, base, name, identity, number, state, compared_us, compared_by, domain_agrees, added_us)
		VALUES ($1, $2, $3, $4, $5, $6, 'active', 0, '', $7, $8)`
	updatePartner = `UPDATE partner SET base = $3, name = $4, identity = $5, number = $6, domain_agrees = $7 OR (domain_agrees AND domain = $2), domain = $2
		WHERE root = $1 AND number <= $6`
	comparePartner = `UPDATE partner SET compared_us = $2, compared_by = $3 WHERE root = $1`
	blockPartner   = `UPDATE partner SET state = $2 WHERE root = $1`
	deleteHello    = `DELETE FROM hello WHERE root = $1`
	insertHello    = `INSERT INTO hello (id, root, domain, bytes, received_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (root) DO UPDATE SET bytes = excluded.bytes, received_us = excluded.received_us, domain = excluded.domain`
	countHello  = `SELECT COUNT(*) FROM hello`
	selectHello = `SELECT id, bytes, received_us FROM hello ORDER BY received_us DESC`
)

// readPartners reads the rows that a query gives.
func readPartners(r store.Reader, query string, args ...any) ([]Partner, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Partner
	for rows.Next() {
		var p Partner
		var state string
		var compared, added int64
		if err := rows.Scan((*string)(&p.Root), &p.Note, &state, &compared, (*string)(&p.ComparedBy), &p.DomainAgrees, &added); err != nil {
			return nil, err
		}
		p.Identity, p.Keys, err = protocol.ParseIdentityNote(p.Note)
		if err != nil {
			return nil, err
		}
		p.Domain, p.Base = p.Identity.Domain, p.Identity.Base
		p.Blocked = state == "blocked"
		p.Compared, p.Added = clock.FromMicros(compared), clock.FromMicros(added)
		out = append(out, p)
	}
	return out, rows.Err()
}

// Partners lists the newsrooms that we have pinned, by domain.
func (s *Service) Partners() []Partner {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Partner, 0, len(s.partners))
	for _, p := range s.partners {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Domain < out[j].Domain })
	return out
}

// Partner gives one; false if we do not know it.
func (s *Service) Partner(root news.Root) (Partner, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p, ok := s.partners[root]
	return p, ok
}

// ReadIdentity opens a signed identity document, or its note alone, which it gives too.
func ReadIdentity(document []byte) (id protocol.Identity, keys protocol.Keys, note string, err error) {
	note = string(bytes.TrimSpace(document)) + "\n"
	var doc struct{ Note string }
	if strings.HasPrefix(note, "{") {
		if id, keys, err = protocol.ParseIdentity(bytes.TrimSpace(document)); err == nil {
			err = json.Unmarshal(document, &doc)
			note = doc.Note
		}
	} else {
		id, keys, err = protocol.ParseIdentityNote(note)
	}
	if err != nil {
		err = fault.New(fault.Invalid, "partner.identity").Because(err)
	}
	return id, keys, note, err
}

// Pin keeps a newsroom's root for good: from a signed identity document or note. A newsroom that is known already gets its
// newer document; an older one, or a key list that does not extend the one that we hold, is refused. domainAgrees says that the
// domain's own page names the root; it is kept as long as the domain is the same.
func (s *Service) Pin(ctx context.Context, document []byte, domainAgrees bool, also ...func(*store.Tx) error) (p Partner, err error) {
	id, keys, note, err := ReadIdentity(document)
	if err != nil {
		return Partner{}, err
	}
	root := news.Root(id.Root)
	if root == s.Root() {
		return Partner{}, fault.New(fault.Invalid, "partner.ourselves")
	}
	names, err := json.Marshal(id.Names)
	if err != nil {
		return Partner{}, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(deleteHello, string(root)); err != nil {
			return err
		}
		old, err := readPartners(tx, selectPartner, string(root))
		if err != nil {
			return err
		}
		if len(old) == 0 {
			err = tx.Exec(insertPartner, string(root), id.Domain, id.Base, string(names), note, id.Number, domainAgrees, clock.Micros(s.clock()))
		} else if id.Number < old[0].Identity.Number || !keys.Extends(old[0].Keys) {
			return fault.New(fault.Conflict, "partner.older_identity", "domain", id.Domain)
		} else {
			err = tx.ExecOne(updatePartner, string(root), id.Domain, id.Base, string(names), note, id.Number, domainAgrees)
		}
		if err != nil {
			return err
		}
		if p, err = s.remember(tx, root); err != nil {
			return err
		}
		return tx.Also(also)
	})
	return p, err
}

// remember takes the row of a newsroom, as it stands in a transaction, into memory once it is durable.
func (s *Service) remember(tx *store.Tx, root news.Root) (Partner, error) {
	rows, err := readPartners(tx, selectPartner, string(root))
	if err != nil {
		return Partner{}, err
	}
	if len(rows) == 0 {
		return Partner{}, fault.New(fault.NotFound, "partner.unknown")
	}
	p := rows[0]
	tx.OnCommit(func() {
		s.mu.Lock()
		s.partners[root] = p
		s.mu.Unlock()
		s.changed("partners", string(root))
	})
	return p, nil
}

// Compared notes that a person compared the fingerprints with the partner, by telephone or face to face.
func (s *Service) Compared(ctx context.Context, root news.Root, by news.PersonID, also ...func(*store.Tx) error) error {
	return s.update(ctx, root, also, comparePartner, string(root), clock.Micros(s.clock()), string(by))
}

// Block stops following a newsroom and lets it read nothing; unblocking takes it up again where it was.
func (s *Service) Block(ctx context.Context, root news.Root, blocked bool, also ...func(*store.Tx) error) error {
	state := "active"
	if blocked {
		state = "blocked"
	}
	return s.update(ctx, root, also, blockPartner, string(root), state)
}

// update changes columns of the row of a newsroom.
func (s *Service) update(ctx context.Context, root news.Root, also []func(*store.Tx) error, query string, args ...any) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(query, args...); err != nil {
			return err
		}
		if _, err := s.remember(tx, root); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// Waiting is a hello that a person has not opened yet.
type Waiting struct {
	ID       string
	Hello    protocol.Hello
	Identity protocol.Identity
	Received time.Time
}

// maxWaiting is how many strangers may wait at a time.
const maxWaiting = 100

// MaxWords is how many bytes a person may say in a hello.
const MaxWords = 500

// TakeHello takes the bytes of a hello. A stranger's waits for a person, if there is room. For a partner's, known is true: what
// it announces is for the caller to act upon. An error is for our own log; whoever said hello is told the same in every case.
func (s *Service) TakeHello(ctx context.Context, b []byte) (h protocol.Hello, root news.Root, known bool, err error) {
	h, id, keys, err := protocol.OpenHello(b)
	if err != nil {
		return h, "", false, err
	}
	root = news.Root(id.Root)
	if h.To != string(s.Root()) || id.Root == h.To {
		return h, root, false, errors.New("hello is for somebody else")
	}
	if p, ok := s.Partner(root); ok {
		if p.Blocked || !keys.Extends(p.Keys) {
			return h, root, false, errors.New("hello of a partner that is blocked or whose keys do not follow")
		}
		if id.Number > p.Identity.Number {
			_, err = s.Pin(ctx, []byte(h.Identity), false)
		}
		return h, root, true, err
	}
	return h, root, false, s.db.Write(ctx, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(countHello).Scan(&n); err != nil {
			return err
		}
		if n >= maxWaiting {
			return errors.New("too many strangers wait")
		}
		u, err := uuid.NewV7()
		if err != nil {
			return err
		}
		tx.OnCommit(func() { s.changed("partners", "hello") })
		return tx.Exec(insertHello, u.String(), string(root), id.Domain, b, clock.Micros(s.clock()))
	})
}

// Hellos lists the strangers that wait, newest first.
func (s *Service) Hellos(ctx context.Context) (out []Waiting, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectHello)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var w Waiting
			var b []byte
			var us int64
			if err := rows.Scan(&w.ID, &b, &us); err != nil {
				return err
			}
			w.Received = clock.FromMicros(us)
			if w.Hello, w.Identity, _, err = protocol.OpenHello(b); err != nil {
				return err
			}
			out = append(out, w)
		}
		return rows.Err()
	})
	return out, err
}

// OpenHello is a person's answer to a stranger: its root is pinned. What it announced is for the caller to act upon.
func (s *Service) OpenHello(ctx context.Context, id string, also ...func(*store.Tx) error) (Partner, protocol.Hello, error) {
	all, err := s.Hellos(ctx)
	if err != nil {
		return Partner{}, protocol.Hello{}, err
	}
	for _, w := range all {
		if w.ID == id {
			p, err := s.Pin(ctx, []byte(w.Hello.Identity), false, also...)
			return p, w.Hello, err
		}
	}
	return Partner{}, protocol.Hello{}, fault.New(fault.NotFound, "partner.no_hello")
}

// DismissHello forgets a stranger's words.
func (s *Service) DismissHello(ctx context.Context, root news.Root, also ...func(*store.Tx) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(deleteHello, string(root)); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

package partner

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"

	"golang.org/x/text/language"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// Profile is what a newsroom tells about itself besides its keys.
type Profile struct {
	Domain    string
	Base      string
	Names     map[string]string
	Kind      string
	Languages []string
	Contact   string
}

// Check says what of a profile cannot be told to partners: a domain under which nobody finds us, a language that is none.
func (p Profile) Check() error {
	if !Findable(p.Domain) {
		return fault.New(fault.Invalid, "setup.domain_form")
	}
	for _, lang := range p.Languages {
		if _, err := language.Parse(lang); err != nil {
			return fault.New(fault.Invalid, "setup.language_unknown", "language", lang)
		}
	}
	return nil
}

// Findable reports whether partners can find a newsroom under a domain: it has a dot, or a port as on a machine for trials.
func Findable(domain string) bool {
	return protocol.IsDomain(domain) && (strings.ContainsAny(domain, ".:") || domain == "localhost")
}

const (
	selectSelf = `SELECT document, stored_us FROM self WHERE id = 1`
	insertSelf = `INSERT INTO self (id, root, document, stored_us) VALUES (1, $1, $2, 0)
		ON CONFLICT (id) DO UPDATE SET document = excluded.document WHERE self.root = excluded.root`
	updateSelf = `UPDATE self SET document = $1 WHERE id = 1`
	storedSelf = `UPDATE self SET stored_us = $1 WHERE id = 1`
)

func (s *Service) loadSelf(r store.Reader) error {
	id, ok, err := readSelf(r)
	if err != nil || !ok {
		return err
	}
	if s.keys.Lost {
		s.self = id // there is nothing that could sign it
		return nil
	}
	return s.become(id)
}

func readSelf(r store.Reader) (id protocol.Identity, ok bool, err error) {
	var doc string
	var stored int64
	err = r.QueryRow(selectSelf).Scan(&doc, &stored)
	if errors.Is(err, store.ErrNoRows) {
		return id, false, nil
	}
	if err != nil {
		return id, false, err
	}
	return id, true, json.Unmarshal([]byte(doc), &id)
}

// Stored reads what we say about ourselves before there is a service; false where the node was not set up.
func Stored(ctx context.Context, db *store.DB) (id protocol.Identity, ok bool, err error) {
	err = db.Read(ctx, func(r store.Reader) error {
		id, ok, err = readSelf(r)
		return err
	})
	return id, ok, err
}

// become signs the identity and keeps it for serving.
func (s *Service) become(id protocol.Identity) error {
	be, err := s.becoming(id)
	if err == nil {
		be()
	}
	return err
}

// becoming signs the identity; what it gives keeps it for serving, once it is durable.
func (s *Service) becoming(id protocol.Identity) (be func(), err error) {
	b, err := protocol.SignIdentity(id, s.keys.Log)
	if err != nil {
		return nil, err
	}
	var doc struct{ Note string }
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, err
	}
	if _, _, err := protocol.ParseIdentityNote(doc.Note); err != nil {
		return nil, err
	}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.self, s.document, s.note = id, b, doc.Note
	}, nil
}

// SetUp makes this node the node of a newsroom: the root signs our working keys, and is not kept. It is done once.
func (s *Service) SetUp(ctx context.Context, root ed25519.PrivateKey, p Profile, also ...func(*store.Tx) error) error {
	if s.Root() != "" {
		return fault.New(fault.Conflict, "setup.done")
	}
	id := protocol.Identity{
		Number: 1, Root: protocol.FormatRoot(root.Public().(ed25519.PublicKey)), Domain: p.Domain, Base: p.Base,
		Names: p.Names, Kind: p.Kind, Languages: p.Languages, Contact: p.Contact,
	}
	var keys protocol.Keys
	for _, k := range []struct {
		role string
		pub  ed25519.PublicKey
	}{{protocol.RoleLog, s.keys.Log.Public().(ed25519.PublicKey)}, {protocol.RoleCosigner, s.keys.Cosigner.Public().(ed25519.PublicKey)}} {
		e, err := protocol.SignKeyEntry(protocol.KeyEntry{
			Root: id.Root, Number: len(keys.Raw) + 1, Previous: keys.Last(), Act: protocol.ActAdd,
			Role: k.role, Key: protocol.FormatPublic(k.pub), Time: clock.Micros(s.clock()),
		}, root)
		if err != nil {
			return err
		}
		keys.Raw = append(keys.Raw, e)
	}
	id.Keys = keys.Raw
	be, err := s.becoming(id)
	if err != nil {
		return fault.New(fault.Invalid, "setup.identity").Because(err)
	}
	doc, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(be)
		if err := tx.ExecOne(insertSelf, id.Root, string(doc)); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// Describe changes what we tell about ourselves; the document gets the next number.
func (s *Service) Describe(ctx context.Context, p Profile) error {
	id := s.Self()
	if id.Root == "" {
		return fault.New(fault.NotFound, "setup.not_done")
	}
	id.Number++
	id.Domain, id.Base, id.Names, id.Kind, id.Languages, id.Contact = p.Domain, p.Base, p.Names, p.Kind, p.Languages, p.Contact
	be, err := s.becoming(id)
	if err != nil {
		return fault.New(fault.Invalid, "setup.identity").Because(err)
	}
	doc, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(be)
		return tx.Exec(updateSelf, string(doc))
	})
}

// Rotate has the root make a new working key and end the old one: act is protocol.ActRetire, or protocol.ActStolen. The new
// identity is signed with the keys that Rotate leaves in force; it is durable when Rotate returns. keep is called with the new
// key before anything else changes.
func (s *Service) Rotate(ctx context.Context, root ed25519.PrivateKey, role, act string, next ed25519.PrivateKey, keep func() error, also ...func(*store.Tx) error) error {
	id := s.Self()
	if id.Root != protocol.FormatRoot(root.Public().(ed25519.PublicKey)) {
		return fault.New(fault.Denied, "setup.other_root")
	}
	entries := Keys{Log: next, Cosigner: s.keys.Cosigner}
	if role == protocol.RoleCosigner {
		entries = Keys{Log: s.keys.Log, Cosigner: next}
	}
	keys, err := protocol.ParseKeys(id.Root, id.Keys)
	if err != nil {
		return err
	}
	type entry struct {
		act string
		key ed25519.PublicKey
	}
	list := []entry{{protocol.ActAdd, next.Public().(ed25519.PublicKey)}}
	for _, old := range keys.Public(role) {
		list = append(list, entry{act, old})
	}
	for _, e := range list {
		raw, err := protocol.SignKeyEntry(protocol.KeyEntry{
			Root: id.Root, Number: len(keys.Raw) + 1, Previous: keys.Last(), Act: e.act, Role: role,
			Key: protocol.FormatPublic(e.key), Time: clock.Micros(s.clock()),
		}, root)
		if err != nil {
			return err
		}
		keys.Raw = append(keys.Raw, raw)
	}
	if err := keep(); err != nil {
		return err
	}
	id.Keys = keys.Raw
	id.Number++
	s.keys = entries
	if err := s.become(id); err != nil {
		return err
	}
	doc, err := json.Marshal(id)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(updateSelf, string(doc)); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// RootStored notes that a person has put the root key away outside the node.
func (s *Service) RootStored(ctx context.Context, also ...func(*store.Tx) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.Exec(storedSelf, clock.Micros(s.clock())); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// RootIsStored reports whether RootStored was ever called.
func (s *Service) RootIsStored(ctx context.Context) (stored bool, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		var doc string
		var us int64
		err := r.QueryRow(selectSelf).Scan(&doc, &us)
		if errors.Is(err, store.ErrNoRows) {
			return nil
		}
		stored = us > 0
		return err
	})
	return stored, err
}

// Document is the signed identity document, as it is served to everybody.
func (s *Service) Document() []byte {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.document
}

// MyKeys is our own verified key list.
func (s *Service) MyKeys() (protocol.Keys, error) {
	id := s.Self()
	return protocol.ParseKeys(id.Root, id.Keys)
}

// NameOf is the name of a newsroom in a language; "" for one that we do not know.
func (s *Service) NameOf(root news.Root, lang string) string {
	if root == s.Root() {
		return NameIn(s.Self(), lang)
	}
	p, ok := s.Partner(root)
	if !ok {
		return ""
	}
	return NameIn(p.Identity, lang)
}

// NameIn is the name that a newsroom gives itself in a language, else in English, else in its own; at last its domain.
func NameIn(id protocol.Identity, lang string) string {
	for _, l := range append([]string{lang, "en"}, id.Languages...) {
		if name := id.Names[l]; name != "" {
			return name
		}
	}
	return id.Domain
}

// OwnLanguage is the language in which a newsroom works in the first place.
func OwnLanguage(id protocol.Identity) string {
	if len(id.Languages) > 0 {
		return id.Languages[0]
	}
	return "en"
}

// OwnName is what a newsroom calls itself in its own language: its mark is made of it, and is the same for all readers.
func OwnName(id protocol.Identity) string { return NameIn(id, OwnLanguage(id)) }

// Package partner is who we are and whom we know: our own identity, the newsrooms whose root we have pinned, the strangers who
// said hello, and the texts by which two newsrooms prove to each other on a connection that they are who they are.
//
// What it promises: a root that was pinned is never replaced; a newer identity is taken only if it is signed, numbered higher,
// and its key list extends the one that we hold; nothing of a stranger is fetched before a person opens the door.
//
// What it never does: it keeps no root key of ours, and decides nothing about what a partner may read.
package partner

import (
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"strings"
	"sync"

	"newspool/internal/clock"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "partner", Files: migrations}
}

// Keys are the node's two working keys. The root key is not among them: it lives outside the node.
type Keys struct {
	Log      ed25519.PrivateKey
	Cosigner ed25519.PrivateKey
	Lost     bool // one of them stands in for a key that is lost, until Rotate
}

// Service is who we are and whom we know. It is safe for concurrent use.
type Service struct {
	db      *store.DB
	clock   clock.Clock
	keys    Keys
	changed func(topic, value string)

	mu       sync.RWMutex
	self     protocol.Identity
	document []byte // signed identity document
	note     string // the signed note in it
	partners map[news.Root]Partner
}

// New makes the service; Load must be called before anything else. changed is told of every change and must not wait.
func New(db *store.DB, clk clock.Clock, keys Keys, changed func(topic, value string)) *Service {
	return &Service{db: db, clock: clk, keys: keys, changed: changed, partners: map[news.Root]Partner{}}
}

// Load reads who we are and whom we know.
func (s *Service) Load(ctx context.Context) error {
	return s.db.Read(ctx, func(r store.Reader) error {
		if err := s.loadSelf(r); err != nil {
			return err
		}
		partners, err := readPartners(r, selectPartners)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, p := range partners {
			s.partners[p.Root] = p
		}
		return err
	})
}

// Root is our own root; "" before the node was set up.
func (s *Service) Root() news.Root {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return news.Root(s.self.Root)
}

// Self is what we say about ourselves.
func (s *Service) Self() protocol.Identity {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.self
}

// Note is our signed identity note, as it goes into proofs and hellos.
func (s *Service) Note() string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.note
}

// SignHello signs a hello of ours; our identity and the time are added.
func (s *Service) SignHello(h protocol.Hello) ([]byte, error) {
	h.Identity, h.Time = s.Note(), clock.Micros(s.clock())
	return protocol.SignHello(h, s.Self().Domain, s.keys.Log)
}

// Cosign makes our cosignature line over a checkpoint, at this time.
func (s *Service) Cosign(c protocol.Checkpoint) string {
	pub := s.keys.Cosigner.Public().(ed25519.PublicKey)
	return protocol.Cosign(protocol.CosignerName(s.Self().Domain), s.keys.Cosigner, c, s.clock().Unix()).Line(pub)
}

// Opaque makes an id that is always the same for the same words here, and that nobody else can guess or meet again elsewhere.
func (s *Service) Opaque(words ...string) string {
	m := hmac.New(sha256.New, s.keys.Log.Seed())
	m.Write([]byte("newspool opaque v1\n" + strings.Join(words, "\n")))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:12])
}

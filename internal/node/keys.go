package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/tyler-smith/go-bip39"

	"newspool/internal/fault"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/protocol"
)

// The key files of a node, below keys/ in its data folder. Each holds the seed of an Ed25519 key in hex; where a secret is
// given from outside (--key-file, or a systemd credential) it is locked with that.
const (
	logKeyFile      = "log.key"
	cosignerKeyFile = "cosigner.key"
	rootKeyFile     = "root-to-be-stored.key" // only until a person has put it away
	tlsKeyFile      = "tls.key"               // of our own certificate; never locked
)

// lockedPrefix is how a locked file begins.
const lockedPrefix = "age-encryption.org/"

// keyring reads and writes key files.
type keyring struct {
	dir    string
	secret string // "": there is none
}

func openKeyring(dir, secretFile string) (*keyring, error) {
	k := &keyring{dir: filepath.Join(dir, "keys")}
	if err := os.MkdirAll(k.dir, 0o700); err != nil {
		return nil, err
	}
	if secretFile == "" {
		return k, nil
	}
	b, err := os.ReadFile(secretFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "config.key_file", "file", secretFile).Because(err)
	}
	if err != nil {
		return nil, err
	}
	k.secret = strings.TrimSpace(string(b))
	if len(k.secret) < 16 {
		return nil, fault.New(fault.Invalid, "config.key_file_short", "file", secretFile)
	}
	return k, nil
}

// locked reports whether there is a secret: with it new files are locked, and locked ones read.
func (k *keyring) locked() bool { return k.secret != "" }

// get reads a key, or makes it where there is none yet.
func (k *keyring) get(name string) (ed25519.PrivateKey, error) {
	key, err := k.read(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, key, err = ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return key, k.write(name, key)
}

// remove takes a key file away, for good when it returns. One that is not there is no error.
func (k *keyring) remove(name string) error {
	switch err := os.Remove(filepath.Join(k.dir, name)); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	d, err := os.Open(k.dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (k *keyring) read(name string) (ed25519.PrivateKey, error) {
	path := filepath.Join(k.dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(b, []byte(lockedPrefix)) {
		if !k.locked() {
			return nil, fault.New(fault.Denied, "config.keys_locked", "file", path)
		}
		id, err := age.NewScryptIdentity(k.secret)
		if err != nil {
			return nil, err
		}
		r, err := age.Decrypt(bytes.NewReader(b), id)
		if err != nil {
			return nil, fault.New(fault.Denied, "config.keys_wrong_secret", "file", path).Because(err)
		}
		if b, err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
	seed, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fault.New(fault.Invalid, "config.key_unreadable", "file", path)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// named reads the working keys that our identity names. One that is not here is a fault, and none is made in its place: partners would
// believe nothing that it signs. Only for the role whose key is being replaced one stands in.
func (k *keyring) named(list protocol.Keys, replacing string) (keys partner.Keys, err error) {
	for _, x := range []struct {
		role, file string
		into       *ed25519.PrivateKey
	}{{protocol.RoleLog, logKeyFile, &keys.Log}, {protocol.RoleCosigner, cosignerKeyFile, &keys.Cosigner}} {
		key, err := k.read(x.file)
		fits := err == nil && slices.ContainsFunc(list.Public(x.role), func(p ed25519.PublicKey) bool { return p.Equal(key.Public()) })
		switch {
		case fits:
		case x.role == replacing:
			keys.Lost = true
			if _, key, err = ed25519.GenerateKey(rand.Reader); err != nil {
				return keys, err
			}
		case err == nil, errors.Is(err, fs.ErrNotExist), fault.Is(err, fault.Invalid):
			return keys, fault.New(fault.NotFound, "config.key_lost", "file", filepath.Join(k.dir, x.file), "role", x.role)
		default:
			return keys, err
		}
		*x.into = key
	}
	return keys, nil
}

// look says of the key files that are there which one is not locked, and which one others on this machine can read; "" for none.
func (k *keyring) look() (plain, exposed string, err error) {
	files, err := filepath.Glob(filepath.Join(k.dir, "*.key"))
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			return "", "", err
		}
		if info.Mode().Perm()&0o077 != 0 {
			exposed = file
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return "", "", err
		}
		if filepath.Base(file) != tlsKeyFile && !bytes.HasPrefix(b, []byte(lockedPrefix)) {
			plain = file
		}
	}
	return plain, exposed, err
}

// Lock locks the key files with the secret that the node was opened with. Files that are locked stay as they are.
func (n *Node) Lock() error {
	if !n.keys.locked() {
		return fault.New(fault.Invalid, "config.lock_secret")
	}
	for _, name := range []string{logKeyFile, cosignerKeyFile, rootKeyFile} {
		key, err := n.keys.read(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = n.keys.write(name, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k *keyring) write(name string, key ed25519.PrivateKey) error {
	text := []byte(hex.EncodeToString(key.Seed()) + "\n")
	if k.locked() {
		r, err := age.NewScryptRecipient(k.secret)
		if err != nil {
			return err
		}
		r.SetWorkFactor(15)
		var b bytes.Buffer
		w, err := age.Encrypt(&b, r)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
		if err := w.Close(); err != nil {
			return err
		}
		text = b.Bytes()
	}
	return writeDurably(filepath.Join(k.dir, name), text)
}

// writeDurably puts a file in place whole, readable by its owner only.
func writeDurably(path string, b []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// nextSuffix marks the file of a key that is about to take the place of another. After a crash between the two steps of a
// change, the identity in the database says which of them is in force.
const nextSuffix = ".next"

// settle ends a change of keys that was cut off: current are the public keys that the identity names.
func (k *keyring) settle(name string, current []ed25519.PublicKey) error {
	next, err := k.read(name + nextSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	path := filepath.Join(k.dir, name)
	for _, pub := range current {
		if pub.Equal(next.Public()) {
			return os.Rename(path+nextSuffix, path)
		}
	}
	return os.Remove(path + nextSuffix)
}

// Rotate has the root make a new working key in place of the one of a role. The node must not be running: it goes on with the new
// key at its next start. stolen says that nothing new under the old key is to be believed.
func (n *Node) Rotate(ctx context.Context, root ed25519.PrivateKey, role string, stolen bool, also ...func(*store.Tx) error) error {
	name := map[string]string{protocol.RoleLog: logKeyFile, protocol.RoleCosigner: cosignerKeyFile}[role]
	act := protocol.ActRetire
	if stolen {
		act = protocol.ActStolen
	}
	_, next, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if err := n.Exchange.Rotate(ctx, root, role, act, next, func() error { return n.keys.write(name+nextSuffix, next) }, also...); err != nil {
		return err
	}
	return os.Rename(filepath.Join(n.keys.dir, name+nextSuffix), filepath.Join(n.keys.dir, name))
}

// RootFromFile reads the seed from a root key file, or from its words.
func RootFromFile(text []byte) (ed25519.PrivateKey, error) {
	for line := range strings.Lines(string(text)) {
		if seed, ok := strings.CutPrefix(line, "seed: "); ok {
			if b, err := hex.DecodeString(strings.TrimSpace(seed)); err == nil && len(b) == ed25519.SeedSize {
				return ed25519.NewKeyFromSeed(b), nil
			}
		}
	}
	return RootFromWords(string(text))
}

// working gives the node's two working keys.
func (k *keyring) working() (keys partner.Keys, err error) {
	if keys.Log, err = k.get(logKeyFile); err != nil {
		return keys, err
	}
	keys.Cosigner, err = k.get(cosignerKeyFile)
	return keys, err
}

// RootWords writes a root key as 24 words (BIP 39, English list), for paper.
func RootWords(key ed25519.PrivateKey) (string, error) { return bip39.NewMnemonic(key.Seed()) }

// RootFromWords reads what RootWords wrote.
func RootFromWords(words string) (ed25519.PrivateKey, error) {
	seed, err := bip39.EntropyFromMnemonic(strings.Join(strings.Fields(strings.ToLower(words)), " "))
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, fault.New(fault.Invalid, "setup.words").Because(err)
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// RootFile is the text of a root key file.
func RootFile(key ed25519.PrivateKey, domain string) ([]byte, error) {
	words, err := RootWords(key)
	if err != nil {
		return nil, err
	}
	root := protocol.FormatRoot(key.Public().(ed25519.PublicKey))
	return fmt.Appendf(nil, "Newspool root key of %s\nKeep this file away from the node. Who holds it can make and end the node's keys.\n\nroot: %s\nfingerprint: %s\nseed: %s\nwords: %s\n",
		domain, root, protocol.Fingerprint(root), hex.EncodeToString(key.Seed()), words), nil
}

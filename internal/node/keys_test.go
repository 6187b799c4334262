package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"newspool/internal/config"
	"newspool/internal/fault"
	"newspool/internal/partner"
	"newspool/internal/web/settings"
	"newspool/protocol"
)

// A root key comes back from its words and from its file, in any spacing and case; other words are refused.
func TestRootWords(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	words, err := RootWords(key)
	if err != nil || len(strings.Fields(words)) != 24 {
		t.Fatalf("%d words (%v)", len(strings.Fields(words)), err)
	}
	file, err := RootFile(key, "north.example")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"words": words, "capitals and line ends": strings.ToUpper(strings.ReplaceAll(words, " ", "\n ")), "the file": string(file),
	} {
		if got, err := RootFromFile([]byte(text)); err != nil || !got.Equal(key) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, text := range map[string]string{"nothing": "", "too few": strings.Join(strings.Fields(words)[:12], " "), "no words": strings.Repeat("ferry ", 24)} {
		if _, err := RootFromFile([]byte(text)); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Keys are made once and stay what they are; with a secret they are locked, and open with no other.
func TestKeyring(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("too short\n")
	if _, err := openKeyring(dir, secret); !fault.Is(err, fault.Invalid) {
		t.Errorf("a short secret: %v", err)
	}
	write("sixteen characters at least\n")
	k, err := openKeyring(dir, secret)
	if err != nil {
		t.Fatal(err)
	}
	first, err := k.working()
	if err != nil {
		t.Fatal(err)
	}
	again, err := k.working()
	if err != nil || !again.Log.Equal(first.Log) || !again.Cosigner.Equal(first.Cosigner) || first.Log.Equal(first.Cosigner) {
		t.Errorf("the keys changed (%v)", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "keys", logKeyFile))
	if err != nil || bytes.Contains(raw, []byte("seed")) || !bytes.HasPrefix(raw, []byte("age-encryption.org/")) {
		t.Errorf("the file begins with %.20q (%v)", raw, err)
	}
	if info, err := os.Stat(filepath.Join(dir, "keys", logKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v)", info.Mode(), err)
	}
	write("another secret of some length\n")
	for name, file := range map[string]string{"another secret": secret, "no secret": ""} {
		k, err := openKeyring(dir, file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.working(); !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A working key that is lost is not made anew: partners know the newsroom by the old one. It is replaced with the root key.
func TestLostKey(t *testing.T) {
	ctx := context.Background()
	for _, role := range []string{protocol.RoleLog, protocol.RoleCosigner} {
		file := map[string]string{protocol.RoleLog: logKeyFile, protocol.RoleCosigner: cosignerKeyFile}[role]
		dir := t.TempDir()
		open := func(replacing string) (*Node, error) {
			return New(ctx, Options{Settings: config.Settings{Dir: dir, Listen: "127.0.0.1:0"}, Replacing: replacing})
		}
		n, err := open("")
		if err != nil {
			t.Fatal(err)
		}
		root, err := n.SetUp(ctx, partner.Profile{Domain: "north.example", Names: map[string]string{"en": "A"}, Kind: "agency", Languages: []string{"en"}})
		if err != nil {
			t.Fatal(err)
		}
		n.Close()
		path := filepath.Join(dir, "keys", file)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, spoil := range map[string]func() error{
			"missing": func() error { return os.Remove(path) },
			"another": func() error { return os.WriteFile(path, bytes.Repeat([]byte("ab"), 32), 0o600) },
			"garbage": func() error { return os.WriteFile(path, []byte("?"), 0o600) },
		} {
			if err := spoil(); err != nil {
				t.Fatal(err)
			}
			spoiled, _ := os.ReadFile(path)
			if _, err := open(""); fault.Of(err).Key != "config.key_lost" {
				t.Errorf("%s, %s: %v", role, name, err)
			}
			if now, _ := os.ReadFile(path); !bytes.Equal(now, spoiled) {
				t.Errorf("%s, %s: another key was made", role, name)
			}
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if n, err = open(role); err != nil {
			t.Fatal(err)
		}
		if err := n.Rotate(ctx, root, role, true); err != nil {
			t.Fatal(err)
		}
		n.Close()
		if n, err = open(""); err != nil {
			t.Fatalf("%s, after it was replaced: %v", role, err)
		}
		if list, err := n.Exchange.MyKeys(); err != nil || len(list.Public(role)) != 1 || len(list.Raw) != 4 {
			t.Errorf("%s: %d keys in force of %d entries (%v)", role, len(list.Public(role)), len(list.Raw), err)
		}
		n.Close()
	}
}

// What is said of the keys is what the files are.
func TestKeyPlace(t *testing.T) {
	dir, outside := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "secret")
	inside := filepath.Join(dir, "secret")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{outside, inside} {
		if err := os.WriteFile(file, []byte("sixteen characters at least\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	is := func(s config.Settings, lock bool, place settings.KeyPlace, exposed string) {
		t.Helper()
		s.Dir = dir
		n := &Node{Settings: s}
		var err error
		if n.keys, err = openKeyring(dir, s.KeyPath()); err != nil {
			t.Fatal(err)
		}
		if _, err := n.keys.working(); err != nil {
			t.Fatal(err)
		}
		if lock {
			if err := n.Lock(); err != nil {
				t.Fatal(err)
			}
		}
		if p, x, err := n.keyPlace(); err != nil || p != place || x != exposed {
			t.Errorf("the keys are %q, and %q can be read by others (%v); want %q and %q", p, x, err, place, exposed)
		}
	}
	is(config.Settings{}, false, settings.KeysOpen, "")
	if err := (&Node{keys: &keyring{dir: dir}}).Lock(); !fault.Is(err, fault.Invalid) {
		t.Errorf("locking without a secret: %v", err)
	}
	is(config.Settings{KeyFile: outside}, false, settings.KeysPlain, "")
	is(config.Settings{KeyFile: outside}, true, settings.KeysLocked, "")
	is(config.Settings{KeyFile: inside}, false, settings.KeysBeside, "")
	if err := os.Rename(inside, filepath.Join(filepath.Dir(outside), config.CredentialName)); err != nil {
		t.Fatal(err)
	}
	is(config.Settings{Credentials: filepath.Dir(outside)}, false, settings.KeysCredential, "")
	log := filepath.Join(dir, "keys", logKeyFile)
	if err := os.Chmod(outside, 0o644); err != nil {
		t.Fatal(err)
	}
	is(config.Settings{KeyFile: outside}, false, settings.KeysLocked, outside)
	if err := errors.Join(os.Chmod(outside, 0o600), os.Chmod(log, 0o640)); err != nil {
		t.Fatal(err)
	}
	is(config.Settings{KeyFile: outside}, false, settings.KeysLocked, log)
}

// A forwarding header counts as far as our own proxies have written it.
func TestVisitor(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		remote, forwarded, want string
	}{
		{"198.51.100.7:4000", "", "198.51.100.7"},
		{"198.51.100.7:4000", "203.0.113.9", "198.51.100.7"},
		{"10.1.2.3:4000", "203.0.113.9", "203.0.113.9"},
		{"10.1.2.3:4000", "192.0.2.1, 203.0.113.9", "203.0.113.9"},
		{"10.1.2.3:4000", "203.0.113.9, 10.9.9.9", "203.0.113.9"},
		{"10.1.2.3:4000", "nonsense", "10.1.2.3"},
		{"[fd00::1]:4000", "2001:db8::5", "2001:db8::5"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := visitor(r, proxies); got != c.want {
			t.Errorf("%s by %q is %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

// A root key that a person has said to be put away does not stay because the node ended before it was removed.
func TestRootKeyGoesAtTheStart(t *testing.T) {
	ctx := context.Background()
	o := Options{Settings: config.Settings{Dir: t.TempDir(), Listen: "127.0.0.1:0"}}
	n, err := New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.SetUp(ctx, partner.Profile{Domain: "north.example", Names: map[string]string{"en": "A"}, Kind: "agency", Languages: []string{"en"}}); err != nil {
		t.Fatal(err)
	}
	if err := n.Exchange.RootStored(ctx); err != nil { // and cut off here
		t.Fatal(err)
	}
	n.Close()
	path := filepath.Join(o.Dir, "keys", rootKeyFile)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	if n, err = New(ctx, o); err != nil {
		t.Fatal(err)
	}
	n.Close()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the root key is still there: %v", err)
	}
}

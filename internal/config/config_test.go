package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
)

type commands struct {
	Serve struct {
		Settings `embed:""`
	} `cmd:""`
}

// parse reads the settings of "serve" the way that the program does.
func parse(t *testing.T, fileText string, env map[string]string, args ...string) (Settings, error) {
	t.Helper()
	for _, name := range os.Environ() {
		name, _, _ = strings.Cut(name, "=")
		if strings.HasPrefix(name, "NEWSPOOL_") || name == "STATE_DIRECTORY" || name == "CREDENTIALS_DIRECTORY" {
			t.Setenv(name, "")
			os.Unsetenv(name)
		}
	}
	for k, v := range env {
		t.Setenv(k, v)
	}
	args = append([]string{"serve"}, args...)
	if fileText != "" {
		path := filepath.Join(t.TempDir(), "newspool.toml")
		if err := os.WriteFile(path, []byte(fileText), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	var c commands
	k, err := kong.New(&c, kong.Configuration(Load), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(args)
	return c.Serve.Settings, err
}

func TestOrder(t *testing.T) {
	const text = "listen = \"127.0.0.1:9001\"\nzone = \"Asia/Tehran\"\nallow-net = [\"10.1.0.0/16\", \"fd00::/8\"]\n"
	for _, c := range []struct {
		name, file string
		env        map[string]string
		args       []string
		listen     string
		allow      []string
	}{
		{"default", "", nil, nil, "127.0.0.1:8700", nil},
		{"file", text, nil, nil, "127.0.0.1:9001", []string{"10.1.0.0/16", "fd00::/8"}},
		{"environment before file", text, map[string]string{"NEWSPOOL_LISTEN": "127.0.0.1:9002", "NEWSPOOL_ALLOW_NET": "10.2.0.0/16,10.3.0.0/16"}, nil,
			"127.0.0.1:9002", []string{"10.2.0.0/16", "10.3.0.0/16"}},
		{"flag before all", text, map[string]string{"NEWSPOOL_LISTEN": "127.0.0.1:9002", "NEWSPOOL_ALLOW_NET": "10.2.0.0/16"},
			[]string{"--listen=127.0.0.1:9003", "--allow-net=10.4.0.0/16"}, "127.0.0.1:9003", []string{"10.4.0.0/16"}},
		{"an environment variable that says the default wins too", text, map[string]string{"NEWSPOOL_LISTEN": "127.0.0.1:8700"}, nil,
			"127.0.0.1:8700", []string{"10.1.0.0/16", "fd00::/8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(t, c.file, c.env, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if s.Listen != c.listen {
				t.Errorf("listen %q, want %q", s.Listen, c.listen)
			}
			if d := cmp.Diff(c.allow, s.AllowNet); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestFileByEnvironment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.toml")
	if err := os.WriteFile(path, []byte("dir = \"/srv/newspool\"\nlog-format = \"json\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := parse(t, "", map[string]string{"NEWSPOOL_CONFIG": path})
	if err != nil {
		t.Fatal(err)
	}
	if s.Dir != "/srv/newspool" || s.LogFormat != "json" || s.DatabaseURL() != "sqlite:/srv/newspool/newspool.db" {
		t.Errorf("%+v", s)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, file string
		args       []string
		key        string
	}{
		{"unknown key", `lisen = "127.0.0.1:1"`, nil, "config.file_key"},
		{"the file names itself", `config = "other.toml"`, nil, "config.file_key"},
		{"broken", "listen = \n", nil, "config.file_syntax"},
		{"the same key twice", "zone = \"UTC\"\nzone = \"UTC\"\n", nil, "config.file_syntax"},
		{"table", "[tls]\ncert = \"x\"\n", nil, "config.file_value"},
		{"numbers in a list", "allow-net = [10, 11]", nil, "config.file_value"},
		{"too long", "# " + strings.Repeat("x", maxFile), nil, "config.file_large"},
		{"no folder", "", []string{"--dir= "}, "config.dir"},
		{"listen without a port", "", []string{"--listen=127.0.0.1"}, "config.address"},
		{"listen with a name of a port", "", []string{"--listen=127.0.0.1:http"}, "config.address"},
		{"listen above the ports", "", []string{"--listen=127.0.0.1:70000"}, "config.address"},
		{"listen as URL", "", []string{"--listen=http://127.0.0.1:80"}, "config.address"},
		{"metrics", "", []string{"--metrics-listen=9100"}, "config.address"},
		{"metrics on the same address", "", []string{"--metrics-listen=127.0.0.1:8700"}, "config.metrics_same"},
		{"plain on all addresses", "", []string{"--listen=:8700", "--tls=none"}, "config.tls_none"},
		{"half a pair of files", "", []string{"--tls-cert=c.pem"}, "config.tls_files"},
		{"files without a name", "", []string{"--tls=files"}, "config.tls_files"},
		{"files that nobody reads", "", []string{"--tls=self", "--tls-cert=c", "--tls-key=k"}, "config.tls_unused"},
		{"proxy that nobody names", "", []string{"--tls=off", "--base-url=https://north.example"}, "config.tls_off_proxy"},
		{"proxy without an outer address", "", []string{"--tls=off", "--trust-proxy=127.0.0.1"}, "config.tls_off_base"},
		{"base with a path", "", []string{"--base-url=https://north.example/wire"}, "config.base_form"},
		{"base with a user", "", []string{"--base-url=https://a:b@north.example"}, "config.base_form"},
		{"base without a scheme", "", []string{"--base-url=north.example"}, "config.base_form"},
		{"base by FTP", "", []string{"--base-url=ftp://north.example"}, "config.base_form"},
		{"base plain, served by TLS", "", []string{"--listen=:443", "--base-url=http://north.example"}, "config.base_https"},
		{"base plain, elsewhere", "", []string{"--base-url=http://north.example"}, "config.base_plain"},
		{"base by TLS, served plain", "", []string{"--base-url=https://north.example"}, "config.base_none"},
		{"proxy network", "", []string{"--trust-proxy=10.0.0/8"}, "config.network"},
		{"network with a host in it", "", []string{"--allow-net=10.1.2.3/8"}, "config.network_mask"},
		{"zone", "", []string{"--zone=Tehran"}, "config.zone"},
		{"zone of the machine by name", "", []string{"--zone=Local"}, "config.zone"},
		{"other database", "", []string{"--database=mysql://x/y"}, "config.database_form"},
		{"database without a name", "", []string{"--database=postgres://user:secret@host"}, "config.database_form"},
		{"database without anything", "", []string{"--database=sqlite:"}, "config.database_form"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(t, c.file, nil, c.args...)
			if err == nil {
				t.Fatal("was accepted")
			}
			if got := fault.Of(err).Key; got != c.key {
				t.Errorf("%s (%v), want %s", got, err, c.key)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("tells the password: %v", err)
			}
		})
	}
}

func TestDerived(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		mode Mode
		base string
	}{
		{"on the machine", nil, None, "http://127.0.0.1:8700"},
		{"by name", []string{"--listen=localhost:80"}, None, "http://localhost:80"},
		{"to everybody", []string{"--listen=:8700"}, Self, "https://localhost:8700"},
		{"to everybody, IPv6", []string{"--listen=[::]:8700"}, Self, "https://localhost:8700"},
		{"to one network", []string{"--listen=10.1.2.3:8700"}, Self, "https://10.1.2.3:8700"},
		{"with files", []string{"--listen=:443", "--tls-cert=c", "--tls-key=k", "--base-url=https://north.example/"}, Files, "https://north.example"},
		{"behind a proxy", []string{"--tls=off", "--trust-proxy=127.0.0.1,::1", "--base-url=https://north.example"}, Off, "https://north.example"},
		{"own certificate on the machine", []string{"--tls=self"}, Self, "https://127.0.0.1:8700"},
		{"by TLS too", []string{"--base-url=https://localhost:8700"}, None, "https://localhost:8700"},
		{"other port outside", []string{"--base-url=http://localhost:9000"}, None, "http://localhost:9000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := parse(t, "", nil, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			if s.TLSMode() != c.mode || s.BaseURL() != c.base {
				t.Errorf("%s %s, want %s %s", s.TLSMode(), s.BaseURL(), c.mode, c.base)
			}
		})
	}
}

func TestNetworksZoneKeys(t *testing.T) {
	s, err := parse(t, "", map[string]string{"CREDENTIALS_DIRECTORY": "/run/credentials/newspool.service", "STATE_DIRECTORY": "/var/lib/newspool"},
		"--allow-net=10.0.0.0/8", "--trust-proxy=192.0.2.7,2001:db8::/32", "--zone=Asia/Tehran", "--database=postgres:///newspool?host=/run/postgresql")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"192.0.2.7/32", "2001:db8::/32"}, texts(s.Proxies())); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"10.0.0.0/8"}, texts(s.Allowed())); d != "" {
		t.Error(d)
	}
	if s.Zone().String() != "Asia/Tehran" || (&Settings{}).Zone() != time.Local {
		t.Error("zone", s.Zone())
	}
	if s.KeyPath() != "/run/credentials/newspool.service/newspool-key" || s.Dir != "/var/lib/newspool" {
		t.Errorf("%q %q", s.KeyPath(), s.Dir)
	}
	s.KeyFile = "/etc/newspool.key"
	if s.KeyPath() != "/etc/newspool.key" || s.DatabaseURL() != s.Database {
		t.Errorf("%q %q", s.KeyPath(), s.DatabaseURL())
	}
}

func texts(list []netip.Prefix) []string {
	var out []string
	for _, p := range list {
		out = append(out, p.String())
	}
	return out
}

func FuzzLoad(f *testing.F) {
	f.Add("listen = \"127.0.0.1:1\"\n")
	f.Add("allow-net = [\"10.0.0.0/8\"]\ntls = true\n")
	f.Add("[a]\nb = 1979-05-27\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Load(strings.NewReader(text))
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Fatalf("not a fault that a person can read: %v", err)
			}
			return
		}
		for key, v := range r.(file) {
			switch v.(type) {
			case string, []any:
			default:
				t.Fatalf("%s: %T", key, v)
			}
		}
	})
}

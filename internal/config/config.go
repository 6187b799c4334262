// Package config says what a node can be told at its start, and whether what it was told makes sense.
//
// A setting comes from a flag, else from an environment variable (NEWSPOOL_…), else from the settings file (TOML, the names
// of the flags as keys), else it has its default. The package reads no file but the one that Load is handed, opens nothing
// and asks no network; what it refuses, it refuses with a fault whose message says what to write instead.
package config

import (
	"path/filepath"
	"time"

	"github.com/alecthomas/kong"
)

// Settings are the settings of one node, as a part of a kong command. Validate has been called when kong's Parse returns
// without an error.
type Settings struct {
	Config kong.ConfigFlag `name:"config" env:"NEWSPOOL_CONFIG" placeholder:"FILE" help:"Settings file (TOML); its keys are the names of these flags."`

	Dir      string `name:"dir" env:"NEWSPOOL_DIR,STATE_DIRECTORY" default:"newspool-data" placeholder:"FOLDER" help:"Data folder: database, files and keys of this newsroom."`
	Database string `name:"database" env:"NEWSPOOL_DATABASE" placeholder:"URL" help:"postgres://… for PostgreSQL. Empty: a SQLite database in the data folder."`

	Listen string `name:"listen" env:"NEWSPOOL_LISTEN" default:"127.0.0.1:8700" placeholder:"HOST:PORT" help:"Address on which the pages and the exchange are served."`
	Base   string `name:"base-url" env:"NEWSPOOL_BASE_URL" placeholder:"URL" help:"Address under which people and partners reach this node: https://host, without a path."`
	TLS    Mode   `name:"tls" env:"NEWSPOOL_TLS" default:"auto" enum:"auto,self,files,off,none" help:"self: a certificate of our own; files: --tls-cert and --tls-key; off: a reverse proxy speaks TLS for us; none: plain HTTP on this machine only; auto: files if they are given, none on a loopback address, else self."`
	Cert   string `name:"tls-cert" env:"NEWSPOOL_TLS_CERT" placeholder:"FILE" help:"Certificate chain (PEM)."`
	Key    string `name:"tls-key" env:"NEWSPOOL_TLS_KEY" placeholder:"FILE" help:"Private key of the certificate (PEM)."`

	TrustProxy []string `name:"trust-proxy" env:"NEWSPOOL_TRUST_PROXY" placeholder:"NETWORK,…" help:"Networks of our own reverse proxies, whose word on a visitor's address is taken."`
	AllowNet   []string `name:"allow-net" env:"NEWSPOOL_ALLOW_NET" placeholder:"NETWORK,…" help:"Private networks that this node may call (partners or sources inside the house). All others are refused."`

	Metrics     string `name:"metrics-listen" env:"NEWSPOOL_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Address for metrics (Prometheus), apart from the pages. Empty: none."`
	KeyFile     string `name:"key-file" env:"NEWSPOOL_KEY_FILE" placeholder:"FILE" help:"Secret that locks the stored keys, kept outside the data folder."`
	Credentials string `name:"credentials-directory" env:"CREDENTIALS_DIRECTORY" hidden:"" help:"Set by systemd when the unit loads credentials."`

	LogFormat string `name:"log-format" env:"NEWSPOOL_LOG_FORMAT" default:"text" enum:"text,json" help:"How the log is written: text or json."`
	ZoneName  string `name:"zone" env:"NEWSPOOL_ZONE" placeholder:"AREA/CITY" help:"Time zone of the newsroom, for example Asia/Tehran. Empty: the zone of this machine."`
}

// Mode is a way to speak TLS, or not to.
type Mode string

// The modes. Auto is what is asked for; TLSMode never answers with it.
const (
	Auto  Mode = "auto"
	Self  Mode = "self"  // a certificate that the node makes itself
	Files Mode = "files" // a certificate from files
	Off   Mode = "off"   // plain HTTP to a reverse proxy that speaks TLS
	None  Mode = "none"  // plain HTTP on a loopback address
)

// CredentialName is the name under which systemd hands over the secret that locks the stored keys
// (LoadCredential=newspool-key:…).
const CredentialName = "newspool-key"

// DatabaseURL is the database in the form that the store opens: what was given, else SQLite in the data folder.
func (s *Settings) DatabaseURL() string {
	if s.Database != "" {
		return s.Database
	}
	return "sqlite:" + filepath.Join(s.Dir, "newspool.db")
}

// KeyPath is the file with the secret that locks the stored keys: the one that was given, else systemd's credential, else
// "" (none: the keys stand unlocked in the data folder).
func (s *Settings) KeyPath() string {
	switch {
	case s.KeyFile != "":
		return s.KeyFile
	case s.Credentials != "":
		return filepath.Join(s.Credentials, CredentialName)
	}
	return ""
}

// TLSMode is the mode in force; Auto is resolved.
func (s *Settings) TLSMode() Mode {
	switch {
	case s.TLS != Auto && s.TLS != "":
		return s.TLS
	case s.Cert != "" || s.Key != "":
		return Files
	case loopback(s.Listen):
		return None
	}
	return Self
}

// BaseURL is the address under which the node is reached, without a slash at its end: what was given, else what Listen
// says. With port 0 only the caller knows the port.
func (s *Settings) BaseURL() string {
	if s.Base != "" {
		return trimSlash(s.Base)
	}
	scheme := "http"
	if m := s.TLSMode(); m == Self || m == Files {
		scheme = "https"
	}
	return scheme + "://" + reachable(s.Listen)
}

// Zone is the newsroom's time zone. It never fails on settings that Validate has accepted.
func (s *Settings) Zone() *time.Location {
	if s.ZoneName == "" {
		return time.Local
	}
	loc, err := time.LoadLocation(s.ZoneName)
	if err != nil {
		return time.UTC
	}
	return loc
}

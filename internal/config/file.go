package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"

	"newspool/internal/fault"
)

// maxFile is the size of a settings file in bytes that nobody exceeds by honest means.
const maxFile = 1 << 20

// Load reads a settings file for kong (kong.Configuration(config.Load, paths…)): TOML, one key for each flag, no tables.
// A key that is no flag, a value of the wrong form and a broken file are refused. What stands in the environment wins over
// the file, which kong alone would not do.
func Load(r io.Reader) (kong.Resolver, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fault.New(fault.Invalid, "config.file_read").Because(err)
	}
	if len(text) > maxFile {
		return nil, fault.New(fault.TooLarge, "config.file_large")
	}
	var values map[string]any
	if err := toml.Unmarshal(text, &values); err != nil {
		var broken toml.ParseError
		if errors.As(err, &broken) {
			return nil, fault.New(fault.Invalid, "config.file_syntax", "line", broken.Position.Line, "trouble", broken.Message).Because(err)
		}
		return nil, fault.New(fault.Invalid, "config.file_read").Because(err)
	}
	f := file{}
	for key, v := range values {
		if f[key], err = plain(key, v); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// file holds the settings of a file by flag: a string, or a list of strings as []any.
type file map[string]any

// Validate refuses keys that are no flag of any command.
func (f file) Validate(app *kong.Application) error {
	known := map[string]bool{}
	err := kong.Visit(app, func(n kong.Visitable, next kong.Next) error {
		if flag, ok := n.(*kong.Flag); ok {
			known[flag.Name] = true
		}
		return next(nil)
	})
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(f))
	for key := range f {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	for _, key := range keys {
		if !known[key] || key == "config" || key == "help" {
			return fault.New(fault.Invalid, "config.file_key", "key", key)
		}
	}
	return nil
}

// Resolve gives the file's value of a flag, unless the environment has one.
func (f file) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	return f[flag.Name], nil
}

// plain brings a value to the form in which kong parses flags.
func plain(key string, v any) (any, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool, int64, float64:
		return fmt.Sprint(v), nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok || strings.TrimSpace(s) == "" {
				return nil, fault.New(fault.Invalid, "config.file_value", "key", key)
			}
			list[i] = s
		}
		return list, nil
	}
	return nil, fault.New(fault.Invalid, "config.file_value", "key", key)
}

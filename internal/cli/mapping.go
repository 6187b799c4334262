package cli

import (
	"io"
	"os"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
)

// mapping is a mapping by its name, or from a file.
func mapping(a *app, name string) (*ninjs.Mapping, error) {
	if !strings.ContainsAny(name, "./") {
		return ninjs.Builtin(name)
	}
	f, err := os.Open(a.path(name))
	if err != nil {
		return nil, fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil, err
	}
	return ninjs.ReadMapping(b)
}

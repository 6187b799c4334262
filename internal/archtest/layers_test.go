package archtest

import (
	"slices"
	"strings"
	"testing"
)

// layers is the table of ARCHITECTURE.md: imports go only to lower numbers. A package that is not named has the layer of the
// longest name above it (blob/fs that of blob).
func layers() map[string]int {
	table := [][]string{
		0: {"protocol", "internal/fault", "internal/i18n", "internal/clock", "internal/config", "internal/sanitize", "internal/bitmap"},
		1: {"internal/news"},
		2: {"internal/terms"},
		3: {"internal/store", "internal/folder", "internal/blob", "internal/fetch", "internal/formats"},
		4: {"internal/content", "internal/ledger", "internal/live"},
		5: {"internal/library", "internal/people", "internal/partner", "internal/media", "internal/verify"},
		6: {"internal/desk", "internal/proof", "internal/agreement", "internal/exchange", "internal/ingest", "internal/deliver", "internal/lineage"},
		7: {"internal/web", "internal/api", "internal/peer"},
		8: {"internal/node", "internal/demo"},
		9: {"internal/cli", "internal/bench", "cmd/newspool", "internal/nodetest", "internal/archtest"},
	}
	m := map[string]int{}
	for n, names := range table {
		for _, name := range names {
			m[name] = n
		}
	}
	return m
}

// inside lists the only imports that stay inside a layer: from, to. A name stands for what is below it too.
func inside() [][2]string {
	return [][2]string{
		{"internal/config", "internal/fault"},
		{"internal/store/storetest", "internal/store"},
		{"internal/ledger", "internal/content"},
		{"cmd/newspool", "internal/cli"},
		{"internal/cli", "internal/bench"},
	}
}

// rooms keeps the order inside the web: internal/web/<family> → internal/web/page. Families do not know each other. The answer says
// whether the import is one of that order, and whether both are of the web at all.
func rooms(from, to string) (allowed, both bool) {
	const web, page = "internal/web", "internal/web/page"
	if !within(from, web) || !within(to, web) {
		return false, false
	}
	return within(to, page) && !within(from, page), true
}

func within(path, room string) bool { return path == room || strings.HasPrefix(path, room+"/") }

// layerOf gives the layer of a package by the longest name in the table that it is within.
func layerOf(path string) (layer int, known bool) {
	best := ""
	for name, n := range layers() {
		if within(path, name) && len(name) > len(best) {
			best, layer, known = name, n, true
		}
	}
	return layer, known
}

// allowed reports whether a package may import another one of the module. Test files may import more, see testAllowed.
func allowed(from, to string) bool {
	if ok, both := rooms(from, to); both {
		return ok
	}
	f, _ := layerOf(from)
	t, _ := layerOf(to)
	if t < f {
		return true
	}
	for _, e := range inside() {
		if within(from, e[0]) && within(to, e[1]) && from != to {
			return true
		}
	}
	return false
}

// testSupport are packages that only tests may import.
func testSupport(path string) bool {
	return within(path, "internal/store/storetest") || within(path, "internal/web/page/pagetest") || within(path, "internal/nodetest")
}

// testAllowed is allowed for a test file: it may also use what helps tests, and the package that it tests.
func testAllowed(from, to string) bool {
	return from == to || testSupport(to) || allowed(from, to)
}

func TestLayers(t *testing.T) {
	m := load(t)
	for _, p := range m.packages {
		if _, known := layerOf(p.path); !known {
			m.report("layers", p.path, "%s is in no layer: give it one in layers_test.go and in ARCHITECTURE.md", p.path)
			continue
		}
		for _, f := range p.files {
			for _, to := range f.imports {
				switch {
				case f.test && !testAllowed(p.path, to):
					m.report("layers", f.path, "%s imports %s, which is not in a lower layer", f.path, to)
				case !f.test && testSupport(to) && !testSupport(p.path):
					m.report("layers", f.path, "%s imports %s, which is for tests only", f.path, to)
				case !f.test && !allowed(p.path, to):
					m.report("layers", f.path, "%s imports %s, which is not in a lower layer", f.path, to)
				}
			}
		}
	}
	m.finish(t)
}

// TestTrue holds the tables against the module: every package that they name is there, and every import that they allow is made.
func TestTrue(t *testing.T) {
	m := load(t)
	have := func(room string) bool {
		return slices.ContainsFunc(m.packages, func(p *pkg) bool { return within(p.path, room) })
	}
	for name := range layers() {
		if !have(name) {
			t.Errorf("the table names %s, which is not there", name)
		}
	}
	for _, e := range inside() {
		made := false
		for _, p := range m.packages {
			for _, f := range p.files {
				made = made || within(p.path, e[0]) && slices.ContainsFunc(f.imports, func(to string) bool { return within(to, e[1]) && to != p.path })
			}
		}
		if !made {
			t.Errorf("%s may import %s, and does not", e[0], e[1])
		}
	}
}

func TestDepth(t *testing.T) {
	const limit = 10
	m := load(t)
	chains := map[string][]string{}
	var deepest func(path string, trail []string) []string
	deepest = func(path string, trail []string) []string {
		if c, done := chains[path]; done {
			return c
		}
		for _, seen := range trail {
			if seen == path {
				t.Fatalf("imports run in a circle: %s", strings.Join(append(trail, path), " → "))
			}
		}
		var best []string
		for to := range m.imports[path] {
			if c := deepest(to, append(trail, path)); len(c) > len(best) {
				best = c
			}
		}
		chains[path] = append([]string{path}, best...)
		return chains[path]
	}
	for _, p := range m.packages {
		if c := deepest(p.path, nil); len(c) > limit {
			m.report("depth", p.path, "%d packages deep: %s", len(c), strings.Join(c, " → "))
		}
	}
	m.finish(t)
}

// TestTable keeps the rules above true to what they are meant to say.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		from, to string
		want     bool
	}{
		{"internal/library", "internal/content", true},
		{"internal/content", "internal/library", false},
		{"internal/desk", "internal/library", true},
		{"internal/desk", "internal/exchange", false},
		{"internal/store", "internal/blob", false},
		{"internal/fetch", "internal/formats/ninjs", false},
		{"internal/formats/ninjs", "internal/formats/feed", false},
		{"internal/config", "internal/fault", true},
		{"internal/fault", "internal/config", false},
		{"protocol", "internal/fault", false},
		{"internal/web/wire", "internal/web/page", true},
		{"internal/web/wire", "internal/web/settings", false},
		{"internal/web/page", "internal/web/wire", false},
		{"internal/web/wire", "internal/api", false},
		{"internal/api", "internal/web/page", false},
		{"cmd/newspool", "internal/cli", true},
		{"internal/cli", "cmd/newspool", false},
		{"internal/node", "internal/web/wire", true},
		{"internal/news/mediatopic", "internal/news", false},
		{"internal/news", "internal/news/mediatopic", false},
	} {
		if got := allowed(c.from, c.to); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.from, c.to, got, c.want)
		}
	}
	if _, known := layerOf("internal/newsletter"); known {
		t.Error("internal/newsletter was taken for a part of internal/news")
	}
}

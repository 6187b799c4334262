package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
)

// module is the source of the whole module, and what a check found in it.
type module struct {
	*source
	found []finding
}

type finding struct{ rule, where, text string }

type source struct {
	root     string
	name     string                     // module path
	fset     *token.FileSet             // positions of all files
	packages []*pkg                     // by path
	imports  map[string]map[string]bool // of non-test files, inside the module
	texts    []string                   // every file that is text, by path below the root, generated and vendored ones left out
}

type pkg struct {
	path  string // below the module's root
	files []*file
}

type file struct {
	path    string // below the module's root
	name    string
	test    bool
	lines   int
	imports []string // inside the module, below its root
	syntax  *ast.File
}

// once reads the module one time for all tests of this package.
var once = sync.OnceValues(readModule)

func load(t *testing.T) *module {
	t.Helper()
	s, err := once()
	if err != nil {
		t.Fatal(err)
	}
	return &module{source: s}
}

// report notes a breach of a rule; where is the path that an exception would name.
func (m *module) report(rule, where, format string, args ...any) {
	m.found = append(m.found, finding{rule, where, fmt.Sprintf(format, args...)})
}

// finish fails the test for everything that no exception covers.
func (m *module) finish(t *testing.T) {
	t.Helper()
	sort.SliceStable(m.found, func(i, j int) bool { return m.found[i].where < m.found[j].where })
	for _, f := range m.found {
		if !slices.ContainsFunc(exceptions(), func(e exception) bool { return e.rule == f.rule && e.where == f.where }) {
			t.Errorf("%s: %s", f.rule, f.text)
		}
	}
	for _, e := range exceptions() {
		ours := slices.ContainsFunc(m.found, func(f finding) bool { return f.rule == e.rule })
		hit := slices.ContainsFunc(m.found, func(f finding) bool { return f.rule == e.rule && f.where == e.where })
		if ours && !hit {
			t.Errorf("exception %s %s: nothing breaks the rule there any more, strike it", e.rule, e.where)
		}
		if strings.TrimSpace(e.reason) == "" {
			t.Errorf("exception %s %s: without a reason", e.rule, e.where)
		}
	}
}

func readModule() (*source, error) {
	root, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	for {
		text, err := os.ReadFile(filepath.Join(root, "go.mod"))
		if err == nil {
			line, _, _ := strings.Cut(string(text), "\n")
			m := &source{root: root, name: strings.TrimSpace(strings.TrimPrefix(line, "module")), fset: token.NewFileSet(), imports: map[string]map[string]bool{}}
			return m, m.walk()
		}
		if filepath.Dir(root) == root {
			return nil, fmt.Errorf("no go.mod above the tests")
		}
		root = filepath.Dir(root)
	}
}

func (m *source) walk() error {
	byPath := map[string]*pkg{}
	err := filepath.WalkDir(m.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, m.root), string(filepath.Separator)))
		if d.IsDir() {
			if rel == ".git" || d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == "newspool-data" {
				return fs.SkipDir
			}
			return nil
		}
		if !d.Type().IsRegular() {
			return nil
		}
		if isText(rel) {
			m.texts = append(m.texts, rel)
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		f, err := m.parse(path, rel)
		if err != nil {
			return err
		}
		dir := strings.TrimSuffix(strings.TrimSuffix(rel, f.name), "/")
		if byPath[dir] == nil {
			byPath[dir] = &pkg{path: dir}
			m.packages = append(m.packages, byPath[dir])
		}
		byPath[dir].files = append(byPath[dir].files, f)
		if !f.test {
			if m.imports[dir] == nil {
				m.imports[dir] = map[string]bool{}
			}
			for _, to := range f.imports {
				m.imports[dir][to] = true
			}
		}
		return nil
	})
	sort.Slice(m.packages, func(i, j int) bool { return m.packages[i].path < m.packages[j].path })
	return err
}

func (m *source) parse(path, rel string) (*file, error) {
	syntax, err := parser.ParseFile(m.fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := &file{path: rel, name: filepath.Base(path), syntax: syntax, lines: m.fset.File(syntax.Pos()).LineCount()}
	f.test = strings.HasSuffix(f.name, "_test.go")
	for _, i := range syntax.Imports {
		if to, ours := strings.CutPrefix(strings.Trim(i.Path.Value, `"`), m.name+"/"); ours {
			f.imports = append(f.imports, to)
		}
	}
	return f, nil
}

// isText tells our own text from pictures, fonts and scripts that were taken over as they are.
func isText(rel string) bool {
	switch filepath.Base(rel) {
	case "go.sum", "LICENSE":
		return false
	}
	if strings.Contains(rel, "/vendor/") || strings.HasSuffix(rel, ".min.js") {
		return false
	}
	switch filepath.Ext(rel) {
	case ".go", ".md", ".html", ".css", ".js", ".sql", ".json", ".txt", ".txtar", ".toml", ".yml", ".yaml", ".sh", ".service", "":
		return true
	}
	return false
}

func (m *source) read(t *testing.T, rel string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(m.root, filepath.FromSlash(rel)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (m *source) line(p token.Pos) int { return m.fset.Position(p).Line }

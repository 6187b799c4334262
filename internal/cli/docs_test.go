package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// docs are the texts in which everything that can be named from outside has to stand.
func docs(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range append(names, "../../README.md") {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	return all.String()
}

// missing lists what the docs do not name. A name counts where no letter or sign of a longer one stands beside it.
func missing(docs string, names []string) (out []string) {
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if !regexp.MustCompile(`(?:^|[^\w./{-])` + regexp.QuoteMeta(name) + `(?:$|[^\w/{-])`).MatchString(docs) {
			out = append(out, name)
		}
	}
	return out
}

func TestDocsNameEverything(t *testing.T) {
	text := docs(t)
	found := map[string][]string{}
	parser, err := kong.New(&commands{}, kong.Name("newspool"))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		found["commands"] = append(found["commands"], leaf.Path())
		for _, group := range leaf.AllFlags(true) {
			for _, f := range group {
				if f.Name != "help" {
					found["flags"] = append(found["flags"], "--"+f.Name)
				}
			}
		}
	}
	source(t, found)
	for _, kind := range []string{"commands", "flags", "routes", "metrics", "record types"} {
		if n := len(found[kind]); n < 5 {
			t.Errorf("only %d %s were found: the test looks in the wrong place", n, kind)
		}
		for _, name := range missing(text, found[kind]) {
			t.Errorf("%s: neither README.md nor docs/*.md names %s", kind, name)
		}
	}
}

// Nothing is named that is not there: commands and routes of the reference.
func TestDocsNameNothingElse(t *testing.T) {
	b, err := os.ReadFile("../../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	source(t, found)
	parser, err := kong.New(&commands{}, kong.Name("newspool"))
	if err != nil {
		t.Fatal(err)
	}
	for _, leaf := range parser.Model.Leaves(true) {
		found["commands"] = append(found["commands"], "newspool "+leaf.Path())
	}
	for _, m := range regexp.MustCompile("`(newspool [a-z][a-z -]*)").FindAllStringSubmatch(string(b), -1) {
		said := strings.TrimSpace(m[1])
		if !slices.ContainsFunc(found["commands"], func(c string) bool { return said == c || strings.HasPrefix(said, c+" -") }) {
			t.Errorf("the reference has a command %q that is none", said)
		}
	}
	for _, m := range regexp.MustCompile("`(?:(?:GET|POST) )?(/[^` ]*)`").FindAllStringSubmatch(string(b), -1) {
		if !slices.Contains(found["routes"], m[1]) {
			t.Errorf("the reference has a route %q that is none", m[1])
		}
	}
	for _, m := range regexp.MustCompile("`(newspool_[a-z_]+)`").FindAllStringSubmatch(string(b), -1) {
		if !slices.Contains(found["metrics"], m[1]) {
			t.Errorf("the reference has a metric %q that is none", m[1])
		}
	}
}

// source reads routes, metrics and record types out of the program's own text: patterns of muxes, paths of the API, names of
// metrics, constants named Type….
func source(t *testing.T, found map[string][]string) {
	t.Helper()
	packages := map[string][]*ast.File{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			if d != nil && d.IsDir() && (d.Name() == "testdata" || d.Name() == ".git") {
				return fs.SkipDir
			}
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		packages[filepath.Dir(path)] = append(packages[filepath.Dir(path)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	consts := map[string]string{}
	for _, files := range packages {
		for _, f := range files {
			constants(f, consts)
		}
	}
	for name, value := range consts {
		if _, c, ok := strings.Cut(name, "."); ok && strings.HasPrefix(c, "Type") && recordType.MatchString(value) {
			found["record types"] = append(found["record types"], value)
		}
	}
	for _, files := range packages {
		for _, f := range files {
			collect(f, consts, found)
		}
	}
}

var (
	recordType = regexp.MustCompile(`^[a-z]+\.[a-z]+$`)
	pattern    = regexp.MustCompile(`^(?:GET|POST|PUT|DELETE) (/.*)$`)
)

// constants adds the constants of a file that are texts, as package.Name, also those inside functions.
func constants(f *ast.File, into map[string]string) {
	for range 2 { // one may stand below one that is made of it
		ast.Inspect(f, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						if s, ok := text(spec.Values[i], f.Name.Name, into); ok {
							into[f.Name.Name+"."+name.Name] = s
						}
					}
				}
			}
			return true
		})
	}
}

// text is the value of an expression that is put together from constant texts.
func text(e ast.Expr, pkg string, consts map[string]string) (string, bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(x.Value)
		return s, err == nil && x.Kind == token.STRING
	case *ast.Ident:
		s, ok := consts[pkg+"."+x.Name]
		return s, ok
	case *ast.SelectorExpr:
		if id, ok := x.X.(*ast.Ident); ok {
			s, ok := consts[id.Name+"."+x.Sel.Name]
			return s, ok
		}
	case *ast.BinaryExpr:
		a, ok := text(x.X, pkg, consts)
		b, also := text(x.Y, pkg, consts)
		return a + b, ok && also && x.Op == token.ADD
	}
	return "", false
}

func collect(f *ast.File, consts map[string]string, found map[string][]string) {
	pkg := f.Name.Name
	whole := map[ast.Node]bool{} // parts of a longer text are none by themselves
	ast.Inspect(f, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.BinaryExpr:
			whole[x.X], whole[x.Y] = true, true
		case *ast.KeyValueExpr:
			if id, ok := x.Key.(*ast.Ident); ok && id.Name == "Path" {
				if s, ok := text(x.Value, pkg, consts); ok && strings.HasPrefix(s, "/api/") {
					found["routes"] = append(found["routes"], s)
				}
			}
		case *ast.CallExpr:
			if id, ok := x.Fun.(*ast.Ident); ok && id.Name == "d" && len(x.Args) > 1 { // the census of the metrics
				if s, ok := text(x.Args[0], pkg, consts); ok && pkg == "node" {
					found["metrics"] = append(found["metrics"], "newspool_"+s)
				}
			}
		}
		e, ok := n.(ast.Expr)
		if !ok || whole[n] {
			return true
		}
		s, ok := text(e, pkg, consts)
		if !ok {
			return true
		}
		if m := pattern.FindStringSubmatch(s); m != nil {
			found["routes"] = append(found["routes"], m[1])
		}
		if strings.HasPrefix(s, "newspool_") && len(s) > len("newspool_") && pkg == "node" {
			found["metrics"] = append(found["metrics"], s)
		}
		return true
	})
}

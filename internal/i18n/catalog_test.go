package i18n

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// translationsComplete says that every language has every key, so that a missing one fails. While it is false only
// NEWSPOOL_CATALOGS=1 makes the test ask for it.
const translationsComplete = true

// TestKeys holds the English catalog against the program: what it says has a message, and every message is said.
func TestKeys(t *testing.T) {
	b := bundle(t)
	found := scan(t, "../..", families(b))
	english := b.locales["en"].messages
	for _, key := range slices.Sorted(maps.Keys(found.keys)) {
		if english[key] == nil {
			t.Errorf("%s says %q, and catalog/en has no such key", found.keys[key], key)
		}
	}
	prefixes := slices.Sorted(maps.Keys(found.prefixes))
	for _, prefix := range prefixes {
		if !slices.ContainsFunc(b.Keys("en"), func(k string) bool { return strings.HasPrefix(k, prefix) }) {
			t.Errorf("%s says keys that begin with %q, and catalog/en has none", found.prefixes[prefix], prefix)
		}
	}
	for _, key := range b.Keys("en") {
		used := found.literals[key] || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
		if !used {
			t.Errorf("catalog/en has %q, and nothing says it", key)
		}
	}
}

// TestLanguages holds every catalog against the English one: keys, values and plural forms.
func TestLanguages(t *testing.T) {
	b := bundle(t)
	english := b.locales["en"].messages
	complete := translationsComplete || os.Getenv("NEWSPOOL_CATALOGS") == "1"
	for _, lang := range Languages {
		l := b.locales[lang]
		forms := formsOf(l.tag)
		for _, key := range b.Keys(lang) {
			e, m := english[key], l.messages[key]
			if e == nil {
				t.Errorf("%s has %q, and English does not", lang, key)
				continue
			}
			for _, problem := range compare(e, m, forms) {
				t.Errorf("%s %q: %s", lang, key, problem)
			}
		}
		if lang == "en" || !complete {
			continue
		}
		var missing []string
		for _, key := range b.Keys("en") {
			if l.messages[key] == nil {
				missing = append(missing, key)
			}
		}
		if len(missing) > 0 {
			t.Errorf("%s lacks %d keys: %s", lang, len(missing), strings.Join(missing, " "))
		}
	}
}

// compare names what is wrong with a message of a language that chooses among forms.
func compare(english, m *entry, forms map[plural.Form]bool) []string {
	var problems []string
	want := names(english)
	if got := names(m); !maps.Equal(got, want) {
		problems = append(problems, fmt.Sprintf("has the values %v, English has %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))))
	}
	if (m.forms == nil) != (english.forms == nil) {
		return append(problems, "has plural forms where English has none, or the other way round")
	}
	if m.forms == nil {
		return problems
	}
	if m.by != english.by {
		problems = append(problems, fmt.Sprintf("chooses by %q, English by %q", m.by, english.by))
	}
	for form := range forms {
		if _, ok := m.forms[form]; !ok {
			problems = append(problems, "lacks the form "+formName(form))
		}
	}
	for form := range m.forms {
		if !forms[form] {
			problems = append(problems, "has the form "+formName(form)+", which the language never chooses")
		}
	}
	return problems
}

// names are the values that a message shows. The number that chooses the form counts as shown: "one day" needs no figure.
func names(m *entry) map[string]bool {
	out := map[string]bool{}
	add := func(p pattern) {
		for _, piece := range p {
			if piece.name != "" {
				out[piece.name] = true
			}
		}
	}
	add(m.other)
	for _, p := range m.forms {
		add(p)
	}
	if m.forms != nil {
		out[m.by] = true
	}
	return out
}

// formsOf are the forms that a language chooses for the numbers that pages show.
func formsOf(tag language.Tag) map[plural.Form]bool {
	forms := map[plural.Form]bool{plural.Other: true}
	for n := range 1000 {
		forms[category(tag, float64(n))] = true
		forms[category(tag, float64(n)/10)] = true
	}
	return forms
}

func formName(f plural.Form) string {
	for name, form := range categories {
		if form == f {
			return name
		}
	}
	return "?"
}

func families(b *Bundle) map[string]bool {
	out := map[string]bool{}
	for _, key := range b.Keys("en") {
		family, _, _ := strings.Cut(key, ".")
		out[family] = true
	}
	return out
}

// said is what the program says: where each key stands that is certainly one, all texts that look like keys, and the
// beginnings of keys that are put together.
type said struct {
	keys     map[string]string
	literals map[string]bool
	prefixes map[string]string
}

var (
	keyShape    = regexp.MustCompile(`^[a-z]+(\.[a-z0-9_]+)+$`)
	prefixShape = regexp.MustCompile(`^[a-z]+\.([a-z0-9_]+\.)*([a-z0-9_]*_)?$`)
	inTemplate  = regexp.MustCompile(`"([a-z]+\.[a-z0-9_.]*)(%[sd])?"`)
	action      = regexp.MustCompile(`(?s){{.*?}}`)
)

// scan reads every Go file that is no test, and every template.
func scan(t *testing.T, root string, families map[string]bool) said {
	t.Helper()
	s := said{keys: map[string]string{}, literals: map[string]bool{}, prefixes: map[string]string{}}
	var files []*ast.File
	set := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || strings.HasPrefix(name, ".git") {
				return filepath.SkipDir
			}
			return nil
		}
		switch {
		case strings.HasSuffix(path, ".html"):
			raw, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			s.template(path, string(raw), families)
		case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
			f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	places := keyParameters(files)
	for _, f := range files {
		s.file(set, f, families, places)
	}
	return s
}

func (s *said) template(path, text string, families map[string]bool) {
	for _, a := range action.FindAllString(text, -1) {
		for _, m := range inTemplate.FindAllStringSubmatch(a, -1) {
			family, _, _ := strings.Cut(m[1], ".")
			switch {
			case m[2] != "" && families[family]:
				s.prefixes[m[1]] = path
			case families[family] && keyShape.MatchString(m[1]), strings.Contains(a, `P.T "`+m[1]+`"`):
				s.keys[m[1]], s.literals[m[1]] = path, true
			}
		}
	}
}

// keyParameters finds the functions that take a message key: those with a parameter of type string called key. It gives
// the places of the parameter for each name of a function.
func keyParameters(files []*ast.File) map[string][]int {
	places := map[string][]int{}
	for _, f := range files {
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			i := 0
			for _, field := range fn.Type.Params.List {
				for _, name := range field.Names {
					if t, ok := field.Type.(*ast.Ident); ok && t.Name == "string" && name.Name == "key" {
						places[fn.Name.Name] = append(places[fn.Name.Name], i)
					}
					i++
				}
			}
		}
	}
	return places
}

func (s *said) file(set *token.FileSet, f *ast.File, families map[string]bool, places map[string][]int) {
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			text, ok := literal(n)
			family, _, cut := strings.Cut(text, ".")
			switch {
			case !ok || !cut || !families[family]:
			case keyShape.MatchString(text):
				s.literals[text] = true
			case prefixShape.MatchString(text):
				s.prefixes[text] = set.Position(n.Pos()).String()
			}
		case *ast.CallExpr:
			name, fault := called(n)
			for _, i := range places[name] {
				if i < len(n.Args) {
					s.certain(set, n.Args[i], fault, families)
				}
			}
		case *ast.KeyValueExpr:
			if name, ok := n.Key.(*ast.Ident); ok && name.Name == "Key" {
				s.certain(set, n.Value, false, families)
			}
		}
		return true
	})
}

// certain notes a key that stands where only a key can. What is given to package fault is a key whatever its family, so that
// a family without a catalog is found; elsewhere the family must have one.
func (s *said) certain(set *token.FileSet, e ast.Expr, fault bool, families map[string]bool) {
	text, ok := literal(e)
	family, _, _ := strings.Cut(text, ".")
	if ok && keyShape.MatchString(text) && (fault || families[family]) {
		s.keys[text] = set.Position(e.Pos()).String()
	}
}

// called is the name of the function that is called, and whether it is one of package fault.
func called(c *ast.CallExpr) (name string, fault bool) {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name, false
	case *ast.SelectorExpr:
		x, ok := f.X.(*ast.Ident)
		return f.Sel.Name, ok && x.Name == "fault"
	}
	return "", false
}

func literal(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(l.Value)
	return text, err == nil
}

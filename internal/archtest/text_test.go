package archtest

import (
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestTables lets only the package that creates a table name it in SQL.
func TestTables(t *testing.T) {
	m := load(t)
	create := regexp.MustCompile(`(?i)\bCREATE\s+(?:VIRTUAL\s+|UNLOGGED\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?"?([a-z_][a-z0-9_]*)`)
	owner := map[string]string{}
	note := func(text, dir string) {
		for _, hit := range create.FindAllStringSubmatch(text, -1) {
			name := strings.ToLower(hit[1])
			if o, taken := owner[name]; taken && o != dir {
				m.report("tables", dir, "table %s is created by %s and by %s", name, o, dir)
				continue
			}
			owner[name] = dir
		}
	}
	for _, rel := range m.texts {
		if dir, ok := migrationOf(rel); ok {
			note(m.read(t, rel), dir)
		}
	}
	for _, p := range m.packages {
		for _, f := range p.files {
			if !f.test {
				for _, l := range stringsOf(f.syntax) {
					note(l.text, p.path)
				}
			}
		}
	}
	use := regexp.MustCompile(`\b(?:FROM|INTO|UPDATE|JOIN|TABLE|REFERENCES|ON)\s+"?([a-z_][a-z0-9_]*)`)
	foreign := func(text, dir, where string, line int) {
		for _, hit := range use.FindAllStringSubmatch(text, -1) {
			if o, known := owner[hit[1]]; known && o != dir {
				m.report("tables", where, "%s:%d names table %s, which belongs to %s", where, line, hit[1], o)
			}
		}
	}
	for _, rel := range m.texts {
		if dir, ok := migrationOf(rel); ok {
			foreign(m.read(t, rel), dir, rel, 1)
		}
	}
	for _, p := range m.packages {
		for _, f := range p.files {
			if f.test || within(p.path, "internal/archtest") {
				continue
			}
			for _, l := range stringsOf(f.syntax) {
				foreign(l.text, p.path, f.path, m.line(l.pos))
			}
		}
	}
	m.finish(t)
}

// migrationOf gives the package that a .sql file belongs to: the folder above "migrations", else its own.
func migrationOf(rel string) (dir string, ok bool) {
	if path.Ext(rel) != ".sql" {
		return "", false
	}
	before, _, found := strings.Cut(rel, "/migrations/")
	if found {
		return before, true
	}
	return path.Dir(rel), true
}

type literal struct {
	text string
	pos  token.Pos
}

func stringsOf(f *ast.File) []literal {
	var list []literal
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			if s, err := strconv.Unquote(l.Value); err == nil {
				list = append(list, literal{s, l.Pos()})
			}
		}
		return true
	})
	return list
}

// TestDirections keeps left and right out of the styles: a page in Persian is the same page.
func TestDirections(t *testing.T) {
	m := load(t)
	for _, rel := range m.texts {
		if path.Ext(rel) != ".css" && path.Ext(rel) != ".html" {
			continue
		}
		for i, line := range strings.Split(m.read(t, rel), "\n") {
			if hit := physical(line); hit != "" {
				m.report("directions", rel, "%s:%d: %q: say inline-start or inline-end", rel, i+1, hit)
			}
		}
	}
	m.finish(t)
}

// physical finds the first declaration of a line that names a side of the screen rather than of the text.
func physical(line string) string {
	return physicalCSS.FindString(line)
}

var physicalCSS = regexp.MustCompile(`(?:^|[{;\s"])(?:(?:margin|padding|border|scroll-margin|scroll-padding|inset)-(?:left|right)(?:-[a-z]+)?|border-(?:top|bottom)-(?:left|right)-radius|left|right)\s*:\s*[-\d.a-z(]|(?:text-align|float|clear)\s*:\s*(?:left|right)`)

// TestWords keeps notes to oneself and the paths of somebody's machine out of the text.
func TestWords(t *testing.T) {
	m := load(t)
	unfinished := regexp.MustCompile(`\b(?:` + "TO" + `DO|` + "FIX" + `ME)\b`)
	machine := regexp.MustCompile(`(?:^|[\s"'=(:` + "`" + `])/(?:` + "wo" + `rk|` + "ro" + `ot|` + "ho" + `me)/[A-Za-z0-9._-]+`)
	for _, rel := range m.texts {
		for i, line := range strings.Split(m.read(t, rel), "\n") {
			if hit := unfinished.FindString(line); hit != "" {
				m.report("unfinished", rel, "%s:%d: %s", rel, i+1, hit)
			}
			if hit := machine.FindString(line); hit != "" {
				m.report("machine paths", rel, "%s:%d: %s", rel, i+1, strings.TrimSpace(hit))
			}
		}
	}
	m.finish(t)
}

// TestPatterns keeps the patterns above true to what they are meant to find.
func TestPatterns(t *testing.T) {
	for line, want := range map[string]bool{
		"margin-left: 4px":                     true,
		"a{padding-right:1px}":                 true,
		"b{left:0}":                            true,
		"p{text-align:right}":                  true,
		"border-top-left-radius:3px":           true,
		`<p style="right:0">`:                  true,
		"margin-inline-start:auto":             false,
		"grid-template-areas: left right":      false,
		"border-start-start-radius: 2px":       false,
		`{{.Left}} <b>left: 4</b>`:             false,
		"text-align:start":                     false,
		"li.left{color:red}":                   false,
		"background-position:left":             false,
		"transition:inset-inline-start 0.1s":   false,
		"@media (hover:hover){.right{margin:0": false,
	} {
		if got := physical(line) != ""; got != want {
			t.Errorf("%q: found %v, want %v", line, got, want)
		}
	}
	if dir, ok := migrationOf("internal/people/migrations/0001_people.sql"); !ok || dir != "internal/people" {
		t.Errorf("migrationOf: %q %v", dir, ok)
	}
}

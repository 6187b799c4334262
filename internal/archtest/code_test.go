package archtest

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// TestSizes holds files, functions and packages to the limits of the house.
func TestSizes(t *testing.T) {
	const fileLimit, functionLimit, packageLimit = 600, 80, 3000
	m := load(t)
	for _, p := range m.packages {
		total := 0
		for _, f := range p.files {
			if ast.IsGenerated(f.syntax) {
				continue
			}
			if f.lines > fileLimit {
				m.report("file size", f.path, "%s has %d lines, the limit is %d", f.path, f.lines, fileLimit)
			}
			if f.test {
				continue
			}
			total += f.lines
			for _, d := range f.syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if n := m.line(fn.End()) - m.line(fn.Pos()) + 1; n > functionLimit {
					m.report("function size", f.path, "%s: %s has %d lines, the limit is %d", f.path, fn.Name.Name, n, functionLimit)
				}
			}
		}
		if total > packageLimit {
			m.report("package size", p.path, "%s has %d lines without tests, the limit is %d", p.path, total, packageLimit)
		}
	}
	m.finish(t)
}

// TestPackages asks every package for a comment that says what it promises, and every larger one for tests.
func TestPackages(t *testing.T) {
	const untested = 150 // lines that may stand without a test file
	m := load(t)
	for _, p := range m.packages {
		comment, tests, lines, code := false, false, 0, false
		for _, f := range p.files {
			tests = tests || f.test
			if f.test {
				continue
			}
			code = true
			lines += f.lines
			if doc := f.syntax.Doc; doc != nil && strings.HasPrefix(doc.Text(), firstWords(f.syntax.Name.Name)) {
				comment = true
			}
		}
		if code && !comment {
			m.report("package comment", p.path, "%s has no package comment that begins with %q", p.path, firstWords(p.files[0].syntax.Name.Name))
		}
		if lines > untested && !tests && !testSupport(p.path) {
			m.report("tests", p.path, "%s has %d lines and no test", p.path, lines)
		}
		for _, word := range []string{"util", "utils", "common", "manager", "helper", "helpers", "misc"} {
			if strings.HasSuffix("/"+p.path, "/"+word) {
				m.report("names", p.path, "%s is named after nothing", p.path)
			}
		}
	}
	m.finish(t)
}

func firstWords(name string) string {
	if name == "main" {
		return "Command "
	}
	return "Package " + name + " "
}

// TestState forbids init functions, package variables that a function changes, and package variables of a type that is there
// to be changed.
func TestState(t *testing.T) {
	m := load(t)
	for _, p := range m.packages {
		vars := map[string]bool{}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, spec := range globals(f.syntax) {
				for _, name := range spec.Names {
					vars[name.Name] = true
				}
				if typ := changing(spec); typ != "" {
					m.report("state", f.path, "%s:%d: package variable %s of type %s", f.path, m.line(spec.Pos()), spec.Names[0].Name, typ)
				}
			}
		}
		for _, f := range p.files {
			if f.test {
				continue
			}
			for _, d := range f.syntax.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				if fn.Recv == nil && fn.Name.Name == "init" {
					m.report("state", f.path, "%s:%d: func init", f.path, m.line(fn.Pos()))
				}
				for _, at := range changes(fn, vars) {
					m.report("state", f.path, "%s:%d: %s changes a package variable", f.path, m.line(at), fn.Name.Name)
				}
			}
		}
	}
	m.finish(t)
}

func globals(f *ast.File) []*ast.ValueSpec {
	var list []*ast.ValueSpec
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, s := range g.Specs {
				list = append(list, s.(*ast.ValueSpec))
			}
		}
	}
	return list
}

// changing names the type of a variable that only makes sense if it changes: of sync, of sync/atomic, a channel.
func changing(spec *ast.ValueSpec) string {
	types := []ast.Expr{spec.Type}
	for _, v := range spec.Values {
		if u, ok := v.(*ast.UnaryExpr); ok && u.Op == token.AND {
			v = u.X
		}
		switch v := v.(type) {
		case *ast.CompositeLit:
			types = append(types, v.Type)
		case *ast.CallExpr:
			if id, ok := v.Fun.(*ast.Ident); ok && (id.Name == "make" || id.Name == "new") && len(v.Args) > 0 {
				types = append(types, v.Args[0])
			}
		}
	}
	for _, typ := range types {
		if star, ok := typ.(*ast.StarExpr); ok {
			typ = star.X
		}
		if index, ok := typ.(*ast.IndexExpr); ok {
			typ = index.X
		}
		switch typ := typ.(type) {
		case *ast.ChanType:
			return "chan"
		case *ast.SelectorExpr:
			if id, ok := typ.X.(*ast.Ident); ok && (id.Name == "sync" || id.Name == "atomic") {
				return id.Name + "." + typ.Sel.Name
			}
		}
	}
	return ""
}

// changes lists where a function assigns to one of the package variables, whole or in part. A name that the function
// declares itself, anywhere, is taken for its own.
func changes(fn *ast.FuncDecl, vars map[string]bool) []token.Pos {
	own := ownNames(fn)
	var list []token.Pos
	mark := func(e ast.Expr) {
		if id := rootOf(e); id != nil && vars[id.Name] && !own[id.Name] {
			list = append(list, id.Pos())
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, e := range n.Lhs {
					mark(e)
				}
			}
		case *ast.IncDecStmt:
			mark(n.X)
		case *ast.CallExpr:
			if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") && len(n.Args) > 0 {
				mark(n.Args[0])
			}
		}
		return true
	})
	return list
}

// rootOf is the variable at the left of x.f[i].g.
func rootOf(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

func ownNames(fn *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	take := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			own[id.Name] = true
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					take(e)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				take(n.Key)
				take(n.Value)
			}
		case *ast.ValueSpec:
			for _, name := range n.Names {
				own[name.Name] = true
			}
		}
		return true
	})
	return own
}

// TestSkips forbids tests that step aside: what cannot run here is a failure, or says what it leaves out and returns.
func TestSkips(t *testing.T) {
	m := load(t)
	for _, p := range m.packages {
		for _, f := range p.files {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				sel, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				id, ok := sel.X.(*ast.Ident)
				if !ok {
					return true
				}
				tester := f.test || testSupport(p.path)
				skips := sel.Sel.Name == "Skip" || sel.Sel.Name == "Skipf" || sel.Sel.Name == "SkipNow"
				handle := id.Name == "t" || id.Name == "tb" || id.Name == "b" || id.Name == "f"
				if tester && (skips && handle || id.Name == "testing" && sel.Sel.Name == "Short") {
					m.report("skips", f.path, "%s:%d: %s.%s", f.path, m.line(n.Pos()), id.Name, sel.Sel.Name)
				}
				return true
			})
		}
	}
	m.finish(t)
}

// TestForms forbids what reads a form with files behind one's back: without a limit, and into temporary files that stay where a
// request is a copy. A form is in r.PostForm, and files are read part by part.
func TestForms(t *testing.T) {
	m := load(t)
	for _, p := range m.packages {
		for _, f := range p.files {
			if f.test {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				switch sel.Sel.Name {
				case "FormValue", "PostFormValue", "FormFile", "ParseMultipartForm":
					m.report("forms", f.path, "%s:%d: %s reads a form without a limit", f.path, m.line(n.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
	m.finish(t)
}

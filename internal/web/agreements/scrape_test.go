package agreements

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// fields reads the form that posts, as a browser would send it without any button.
func fields(t testing.TB, page string) url.Values {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	form := find(root, func(n *html.Node) bool {
		return n.Data == "form" && strings.Contains(attr(n, "class"), "editor")
	})
	if form == nil {
		t.Fatal("no editor on the page")
	}
	values := url.Values{}
	walk(form, func(n *html.Node) {
		name := attr(n, "name")
		switch n.Data {
		case "input":
			if kind := attr(n, "type"); name != "" && ((kind != "checkbox" && kind != "radio") || has(n, "checked")) {
				values.Add(name, attr(n, "value"))
			}
		case "textarea":
			if n.FirstChild != nil {
				values.Add(name, n.FirstChild.Data)
			} else {
				values.Add(name, "")
			}
		case "select":
			value, first := "", true
			walk(n, func(o *html.Node) {
				if o.Data == "option" && (first || has(o, "selected")) {
					value, first = attr(o, "value"), false
				}
			})
			values.Add(name, value)
		}
	})
	return values
}

func walk(n *html.Node, visit func(*html.Node)) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			visit(c)
		}
		walk(c, visit)
	}
}

func find(n *html.Node, fits func(*html.Node) bool) (found *html.Node) {
	walk(n, func(x *html.Node) {
		if found == nil && fits(x) {
			found = x
		}
	})
	return found
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

package ninjs

import (
	"strings"

	"newspool/internal/news"
	"newspool/internal/sanitize"
)

// A text is one wording of a body, with how good it is: 0 HTML, 1 plain, 2 a kind that is not read here.
type text struct {
	value string
	html  bool
	rank  int
	field string
}

// body finds the best body and brings it to the form of a story. An item without one gets its description.
func body(o *object) string {
	all := append(listed(o, "bodies"), single(o, "body")...)
	about := append(listed(o, "descriptions"), single(o, "description")...)
	best := pick(all)
	if best.value == "" {
		best = pick(about)
	} else if a := pick(about); a.value != "" && o.path == "" && !strings.Contains(best.value, strings.TrimSpace(a.value)) {
		o.problem(a.field, "ingest.unused", "fields", o.path+a.field)
	}
	for _, t := range all {
		if t.rank == 2 && best.value == "" {
			o.problem(t.field, "ingest.body_kind", "field", o.path+t.field)
		}
	}
	if best.value == "" {
		return ""
	}
	if !best.html {
		return sanitize.Text(best.value)
	}
	if gone := sanitize.Dropped(best.value); gone != nil {
		o.problem(best.field, "ingest.body_dropped", "elements", strings.Join(gone, ", "))
	}
	return sanitize.Story(best.value)
}

func pick(all []text) text {
	best := text{rank: 2}
	for _, t := range all {
		if t.rank < best.rank && strings.TrimSpace(t.value) != "" {
			best = t
		}
	}
	return best
}

// listed reads bodies or descriptions of 2.x and 3.x.
func listed(o *object, name string) []text {
	var all []text
	for _, e := range o.list(name) {
		t := text{value: e.raw("value"), field: strings.TrimPrefix(strings.TrimSuffix(e.path, "."), o.path)}
		kind := strings.ToLower(e.str("contenttype"))
		t.html = isHTML(kind, t.value)
		switch {
		case t.html:
		case kind == "" || strings.HasPrefix(kind, "text/plain"):
			t.rank = 1
		default:
			t.rank = 2
		}
		all = append(all, t)
	}
	return all
}

// single reads body_html, body_text and the like of 1.x.
func single(o *object, name string) []text {
	var all []text
	for _, n := range append([]string{name}, prefixed(o, name+"_")...) {
		if v := o.raw(n); v != "" {
			t := text{value: v, field: o.names[n]}
			if t.html = isHTML(n, v); !t.html {
				t.rank = 1
			}
			all = append(all, t)
		}
	}
	return all
}

// isHTML judges by what the field or the media type says, else by what it looks like.
func isHTML(said, value string) bool {
	switch {
	case strings.Contains(said, "html"):
		return true
	case strings.Contains(said, "text/plain"), strings.HasSuffix(said, "_text"), strings.Contains(said, "xml"), strings.Contains(said, "json"):
		return false
	}
	low := strings.ToLower(value)
	return strings.Contains(low, "</p>") || strings.Contains(low, "<p>") || strings.Contains(low, "</div>") || strings.Contains(low, "<br")
}

// caption is the text of a description without marks.
func caption(o *object) string {
	t := pick(append(listed(o, "descriptions"), single(o, "description")...))
	if t.html {
		return lines(news.PlainText(sanitize.Story(t.value)))
	}
	return lines(t.value)
}

package ninjs

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"

	"newspool/internal/clock"
	"newspool/internal/news"
)

// object reads one JSON object by the names of all ninjs versions: letter case does not matter (versioncreated,
// versionCreated). It remembers what was asked for.
type object struct {
	path     string // "" for the item, "associations[0]." inside
	at       map[string]any
	names    map[string]string // as they are written, by their lower-case form
	used     map[string]bool
	problems *[]news.Problem
}

func newObject(path string, m map[string]any, problems *[]news.Problem) *object {
	o := &object{path: path, at: make(map[string]any, len(m)), names: make(map[string]string, len(m)), used: map[string]bool{}, problems: problems}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		low := strings.ToLower(name)
		if _, twice := o.at[low]; twice {
			o.problem(name, "ingest.field_twice", "field", o.path+name)
			continue
		}
		if m[name] != nil {
			o.at[low], o.names[low] = m[name], name
		}
	}
	return o
}

// problem notes what is wrong with a field. Args alternate name and value.
func (o *object) problem(field, key string, args ...any) {
	p := news.Problem{Where: o.path + field, Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if p.Args == nil {
			p.Args = map[string]any{}
		}
		p.Args[args[i].(string)] = args[i+1]
	}
	*o.problems = append(*o.problems, p)
}

func (o *object) fatal(field, key string, args ...any) {
	o.problem(field, key, args...)
	(*o.problems)[len(*o.problems)-1].Fatal = true
}

// take gives the first of these fields that is there, and its name as written.
func (o *object) take(names ...string) (any, string) {
	for _, n := range names {
		if v, ok := o.at[n]; ok {
			o.used[n] = true
			return v, o.names[n]
		}
	}
	return nil, ""
}

// spend marks fields as read or as of no interest.
func (o *object) spend(names ...string) {
	for _, n := range names {
		o.used[n] = true
	}
}

// str reads a string of one line: the first of these fields that is not empty. A value of another kind is a problem.
func (o *object) str(names ...string) string {
	for _, n := range names {
		if s := line(o.raw(n)); s != "" {
			return s
		}
	}
	return ""
}

// text reads a string that may have lines.
func (o *object) text(names ...string) string {
	for _, n := range names {
		if s := lines(o.raw(n)); s != "" {
			return s
		}
	}
	return ""
}

func (o *object) raw(name string) string {
	v, as := o.take(name)
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.Number:
		return v.String()
	}
	o.problem(as, "ingest.field_kind", "field", o.path+as)
	return ""
}

// list reads an array of objects. One object instead of an array counts as one, strings as objects with a name.
func (o *object) list(names ...string) []*object {
	v, as := o.take(names...)
	var all []any
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		all = v
	case map[string]any:
		all = []any{v}
	default:
		o.problem(as, "ingest.field_kind", "field", o.path+as)
		return nil
	}
	var objects []*object
	for i, e := range all {
		at := as + "[" + strconv.Itoa(i) + "]"
		switch e := e.(type) {
		case map[string]any:
			objects = append(objects, newObject(o.path+at+".", e, o.problems))
		case string:
			objects = append(objects, newObject(o.path+at+".", map[string]any{"name": e}, o.problems))
		case nil:
		default:
			o.problem(at, "ingest.field_kind", "field", o.path+at)
		}
	}
	return objects
}

// The forms of date and time that newsrooms send; the last ones say no zone.
var layouts = [...]struct {
	layout string
	zone   bool
}{
	{time.RFC3339Nano, true}, {"2006-01-02T15:04:05.999999999-0700", true}, {"2006-01-02T15:04Z07:00", true}, {"2006-01-02 15:04:05Z07:00", true},
	{"20060102T150405Z0700", true}, {"2006-01-02T15:04:05.999999999", false}, {"2006-01-02 15:04:05", false}, {"2006-01-02T15:04", false},
	{"2006-01-02", false},
}

func parseTime(s string) (t time.Time, zone, ok bool) {
	for _, l := range layouts {
		if t, err := time.Parse(l.layout, s); err == nil && t.Year() > 0 && t.Year() < 10000 {
			return clock.Trim(t), l.zone, true
		}
	}
	return time.Time{}, false, false
}

// time reads the first of these fields that is a date with time. One that cannot be read is a problem.
func (o *object) time(names ...string) (time.Time, bool) {
	for _, n := range names {
		s := o.str(n)
		if s == "" {
			continue
		}
		t, zone, ok := parseTime(s)
		if !ok {
			o.problem(o.names[n], "ingest.date_bad", "field", o.path+o.names[n], "value", s)
			continue
		}
		if !zone {
			o.problem(o.names[n], "ingest.date_zone", "field", o.path+o.names[n], "value", s)
		}
		return t, true
	}
	return time.Time{}, false
}

func (o *object) integer(names ...string) int64 {
	v, as := o.take(names...)
	var s string
	switch v := v.(type) {
	case nil:
		return 0
	case json.Number:
		s = v.String()
	case string:
		s = strings.TrimSpace(v)
	}
	if s == "" && as != "" {
		o.problem(as, "ingest.field_kind", "field", o.path+as)
		return 0
	}
	if f, err := strconv.ParseFloat(s, 64); err == nil && f >= 0 && f <= 1<<53 && f == float64(int64(f)) {
		return int64(f)
	}
	o.problem(as, "ingest.number_bad", "field", o.path+as, "value", s)
	return 0
}

// lang reads a language tag; "en_US" is taken as "en-US".
func (o *object) lang(names ...string) news.Lang {
	s := o.str(names...)
	if s == "" {
		return ""
	}
	tag, err := language.Raw.Parse(strings.ReplaceAll(s, "_", "-"))
	if err != nil || tag == language.Und {
		o.problem("language", "ingest.language_bad", "value", s)
		return ""
	}
	return news.Lang(tag.String())
}

// left names the fields that nobody asked for, in alphabetical order.
func (o *object) left() []string {
	var names []string
	for low, name := range o.names {
		if !o.used[low] {
			names = append(names, o.path+name)
		}
	}
	slices.Sort(names)
	return names
}

// line brings a string to one line: no control characters, single spaces.
func line(s string) string { return strings.Join(strings.Fields(strings.Map(plain, s)), " ") }

// lines does the same for each line and leaves out empty lines at both ends.
func lines(s string) string {
	all := strings.Split(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(s), "\n")
	for i, l := range all {
		all[i] = line(l)
	}
	return strings.Trim(strings.Join(all, "\n"), "\n")
}

func plain(r rune) rune {
	switch {
	case r == '\t' || r == '\n' || r == '\r':
		return ' '
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\ufeff':
		return -1
	}
	return r
}

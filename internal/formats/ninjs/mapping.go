package ninjs

import (
	"embed"
	"encoding/json"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

//go:embed mappings/*.toml
var builtin embed.FS

// A Mapping reads JSON objects that are not ninjs by a small file that says which name means what. It never changes after
// it was read and is safe for concurrent use.
type Mapping struct {
	Title    string
	fields   map[string][]string
	constant map[string]string
	form     string
	layouts  []string
	zone     *time.Location
	prefix   string
	between  string
}

// storyFields are the names that a mapping may give a meaning to.
var storyFields = []string{"id", "version", "type", "language", "headline", "slug", "byline", "dateline", "body", "subjects", "genre", "service",
	"urgency", "embargo", "credit", "copyright", "usage", "note", "written"}

// mappingFile is the form of a mapping file.
type mappingFile struct {
	Title     string            `toml:"title"`
	Fields    map[string]any    `toml:"fields"`    // story field = name in the JSON, or a list of names of which the first filled one counts; dots lead inside
	Constants map[string]string `toml:"constants"` // story field = value, where the JSON has none
	Body      struct {
		Form string `toml:"form"` // "html", "text" (blank lines divide paragraphs) or "lines" (each line is one)
	} `toml:"body"`
	Dates struct {
		Layouts []string `toml:"layouts"` // as Go writes them, or "unix", "unix-ms"; empty: the usual ones
		Zone    string   `toml:"zone"`    // for dates that say none; empty: UTC
	} `toml:"dates"`
	Subjects struct {
		Prefix    string `toml:"prefix"`    // put before a code that has no colon
		Separator string `toml:"separator"` // cuts a string into several
	} `toml:"subjects"`
}

// ReadMapping reads a mapping file. An unknown key, field, form or zone is fault.Invalid.
func ReadMapping(b []byte) (*Mapping, error) {
	var f mappingFile
	meta, err := toml.Decode(string(b), &f)
	if err != nil {
		return nil, fault.New(fault.Invalid, "ingest.mapping_bad", "part", "TOML").Because(err)
	}
	if more := meta.Undecoded(); len(more) > 0 {
		return nil, fault.New(fault.Invalid, "ingest.mapping_bad", "part", more[0].String())
	}
	m := &Mapping{Title: f.Title, fields: map[string][]string{}, constant: f.Constants, form: f.Body.Form, layouts: f.Dates.Layouts,
		zone: time.UTC, prefix: f.Subjects.Prefix, between: f.Subjects.Separator}
	for name, v := range f.Fields {
		switch v := v.(type) {
		case string:
			m.fields[name] = []string{v}
		case []any:
			for _, e := range v {
				s, _ := e.(string)
				m.fields[name] = append(m.fields[name], s)
			}
		}
		if !slices.Contains(storyFields, name) || len(m.fields[name]) == 0 || slices.Contains(m.fields[name], "") {
			return nil, fault.New(fault.Invalid, "ingest.mapping_bad", "part", "fields."+name)
		}
	}
	for name := range f.Constants {
		if !slices.Contains(storyFields, name) || name == "id" || name == "subjects" {
			return nil, fault.New(fault.Invalid, "ingest.mapping_bad", "part", "constants."+name)
		}
	}
	if !slices.Contains([]string{"", "html", "text", "lines"}, m.form) {
		return nil, fault.New(fault.Invalid, "ingest.mapping_bad", "part", "body.form")
	}
	if f.Dates.Zone != "" {
		if m.zone, err = time.LoadLocation(f.Dates.Zone); err != nil {
			return nil, fault.New(fault.Invalid, "ingest.mapping_bad", "part", "dates.zone").Because(err)
		}
	}
	return m, nil
}

// Builtin gives a mapping that comes with the program; fault.NotFound where there is none of that name.
func Builtin(name string) (*Mapping, error) {
	if !slices.Contains(Builtins(), name) {
		return nil, fault.New(fault.NotFound, "ingest.mapping_unknown", "name", name)
	}
	b, err := fs.ReadFile(builtin, "mappings/"+name+".toml")
	if err != nil {
		return nil, err
	}
	return ReadMapping(b)
}

// Builtins names the mappings that come with the program.
func Builtins() []string {
	files, err := fs.Glob(builtin, "mappings/*.toml")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(f, "mappings/"), ".toml")
	}
	return files
}

// Parse reads one JSON object by the mapping; see the function Parse for errors and problems.
func (m *Mapping) Parse(b []byte) (news.Draft, error) {
	v, err := decode(b)
	if err != nil {
		return news.Draft{}, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return news.Draft{}, fault.New(fault.Invalid, "ingest.json_no_object")
	}
	d := news.Draft{Original: slices.Clone(b), Format: "application/json"}
	r := mapped{m: m, root: object, d: &d, o: newObject("", nil, &d.Problems)}
	r.read()
	return d, nil
}

// ReadLines reads a stream of items by the mapping; see the function ReadLines.
func (m *Mapping) ReadLines(r io.Reader, each func(line int, d news.Draft, err error) error) error {
	return split(r, func(line int, item []byte, err error) error {
		var d news.Draft
		if err == nil {
			d, err = m.Parse(item)
		}
		return each(line, d, err)
	})
}

// mapped is one object on its way through a mapping.
type mapped struct {
	m    *Mapping
	root map[string]any
	d    *news.Draft
	o    *object
}

func (r mapped) read() {
	d := r.d
	d.SourceID, d.Version = line(r.str("id")), line(r.str("version"))
	if d.SourceID == "" {
		r.o.problem("id", "ingest.uri_missing")
	}
	d.Headline, d.Slug, d.Byline, d.Dateline = line(r.str("headline")), line(r.str("slug")), line(r.str("byline")), line(r.str("dateline"))
	d.Credit, d.Copyright, d.Usage, d.Note = line(r.str("credit")), lines(r.str("copyright")), lines(r.str("usage")), lines(r.str("note"))
	d.Genre, d.Service = line(r.str("genre")), line(r.str("service"))
	if s := r.str("language"); s != "" {
		d.Lang = newObject("", map[string]any{"language": s}, r.o.problems).lang("language")
	}
	d.Type = news.Text
	if s := r.str("type"); s != "" {
		d.Type = news.ItemType(s)
		if !slices.Contains(news.ItemTypes[:], d.Type) {
			r.o.problem("type", "ingest.type_unknown", "value", s)
			d.Type = news.Text
		}
	}
	if s := r.str("urgency"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > 9 {
			r.o.problem("urgency", "ingest.urgency_bad", "value", s)
		} else {
			d.Urgency = news.Urgency(n)
		}
	}
	d.Written, _ = r.time("written")
	var bad bool
	if d.Embargo, bad = r.time("embargo"); bad {
		(*r.o.problems)[len(*r.o.problems)-1].Fatal = true
	}
	r.body()
	r.subjects()
	finish(r.o, d)
}

// value gives the first of the names of a field under which something stands.
func (r mapped) value(field string) any {
	for _, path := range r.m.fields[field] {
		var v any = r.root
		for _, name := range strings.Split(path, ".") {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		if v != nil && v != "" {
			return v
		}
	}
	return nil
}

func (r mapped) str(field string) string {
	switch v := r.value(field).(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case nil:
	default:
		r.o.problem(field, "ingest.field_kind", "field", field)
	}
	return r.m.constant[field]
}

// time reads a date by the layouts of the mapping; bad where one is there that cannot be read.
func (r mapped) time(field string) (t time.Time, bad bool) {
	s := strings.TrimSpace(r.str(field))
	if s == "" {
		return time.Time{}, false
	}
	for _, layout := range r.m.layouts {
		switch layout {
		case "unix", "unix-ms":
			if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > -1<<50 && n < 1<<50 {
				if layout == "unix" {
					n *= 1000
				}
				return clock.Trim(time.UnixMilli(n)), false
			}
		default:
			if t, err := time.ParseInLocation(layout, s, r.m.zone); err == nil {
				return clock.Trim(t), false
			}
		}
	}
	if len(r.m.layouts) == 0 {
		for _, l := range layouts {
			if t, err := time.ParseInLocation(l.layout, s, r.m.zone); err == nil {
				return clock.Trim(t), false
			}
		}
	}
	r.o.problem(field, "ingest.date_bad", "field", field, "value", s)
	return time.Time{}, true
}

func (r mapped) body() {
	s := r.str("body")
	switch r.m.form {
	case "html":
		if gone := sanitize.Dropped(s); gone != nil {
			r.o.problem("body", "ingest.body_dropped", "elements", strings.Join(gone, ", "))
		}
		r.d.Body = sanitize.Story(s)
	case "lines":
		var b strings.Builder
		for l := range strings.Lines(s) {
			b.WriteString(sanitize.Text(l))
		}
		r.d.Body = b.String()
	default:
		r.d.Body = sanitize.Text(s)
	}
}

func (r mapped) subjects() {
	var codes []news.Subject
	switch v := r.value("subjects").(type) {
	case nil:
	case string:
		parts := []string{v}
		if r.m.between != "" {
			parts = strings.Split(v, r.m.between)
		}
		for _, p := range parts {
			codes = append(codes, news.Subject{Code: line(p)})
		}
	case []any:
		for _, e := range v {
			switch e := e.(type) {
			case string:
				codes = append(codes, news.Subject{Code: line(e)})
			case map[string]any:
				codes = append(codes, concept(newObject("subjects.", e, r.o.problems)))
			default:
				r.o.problem("subjects", "ingest.subject_bad")
			}
		}
	default:
		r.o.problem("subjects", "ingest.field_kind", "field", "subjects")
	}
	for _, c := range codes {
		if c.Code == "" {
			continue
		}
		if !strings.Contains(c.Code, ":") {
			c.Code = r.m.prefix + c.Code
		}
		if !slices.ContainsFunc(r.d.Subjects, func(x news.Subject) bool { return x.Code == c.Code }) {
			r.d.Subjects = append(r.d.Subjects, c)
		}
	}
}

package ninjs

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/language"

	"newspool/internal/clock"
	"newspool/internal/news"
)

// Read reads the story of an item, for those who decide about it and do not show it: Body may be HTML that nobody has cleaned,
// everything else is what Parse gives. It is fast for what Write writes, without media; every other item goes through Parse.
func Read(b []byte) (news.Story, error) {
	if s, ok := readWritten(b); ok {
		return s, nil
	}
	d, err := Parse(b)
	return d.Story, err
}

// readWritten reads what Write writes, and says false where it has the least doubt: a member that Write does not know, a value
// in another place, anything on which Parse has more to say than what stands there.
func readWritten(b []byte) (s news.Story, ok bool) {
	// An escaped zero character is none that a story may hold. The decoder refuses everything else that decode does: a name
	// twice, bytes that are no UTF-8, half a character, bytes after the end. Nothing that Write knows is nested deeper than 5.
	if len(b) > MaxItem || bytes.Contains(b, []byte(`\u0000`)) {
		return s, false
	}
	var d Document
	if err := json.Unmarshal(b, &d, json.RejectUnknownMembers(true)); err != nil {
		return s, false
	}
	if len(d.Associations) > 0 || len(d.Headlines) != 1 || len(d.Bodies) > 1 || len(d.Genres) > 1 {
		return s, false
	}
	if !slices.Contains(news.ItemTypes[:], news.ItemType(d.Type)) {
		return s, false
	}
	s = news.Story{
		Type: news.ItemType(d.Type), Headline: line(d.Headlines[0].Value), Slug: line(d.Slugline), Byline: line(d.By), Dateline: line(d.Located),
		Copyright: lines(d.CopyrightNotice), Usage: lines(d.UsageTerms), Note: lines(d.EdNote),
	}
	if h := d.Headlines[0]; h.Role != "main" || h.ContentType != "" || s.Headline == "" {
		return s, false
	}
	if len(d.Bodies) == 1 {
		body := d.Bodies[0]
		if body.Role != "main" || body.ContentType != "text/html" || strings.TrimSpace(body.Value) == "" {
			return s, false
		}
		s.Body = body.Value
	}
	if d.Urgency < 0 || d.Urgency > 9 {
		return s, false
	}
	s.Urgency = news.Urgency(d.Urgency)
	if s.Lang, ok = writtenLang(d.Language); !ok {
		return s, false
	}
	if !d.times(&s) || !d.concepts(&s) || !d.sources(&s) {
		return s, false
	}
	return s, true
}

// writtenLang reads a language tag in its usual spelling.
func writtenLang(s string) (news.Lang, bool) {
	if s == "" {
		return "", true
	}
	tag, err := language.Raw.Parse(s)
	return news.Lang(s), err == nil && tag != language.Und && tag.String() == s
}

// times reads the dates.
func (d *Document) times(s *news.Story) bool {
	written := d.ContentCreated
	if written == "" {
		written = d.VersionCreated
	}
	var ok1, ok2 bool
	s.Written, ok1 = writtenTime(written)
	s.Embargo, ok2 = writtenTime(d.EmbargoedUntil)
	return ok1 && ok2
}

func writtenTime(s string) (time.Time, bool) {
	if s == "" {
		return time.Time{}, true
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 0 || t.Year() >= 10000 {
		return time.Time{}, false
	}
	return clock.Trim(t), true
}

// concepts reads subjects and genre.
func (d *Document) concepts(s *news.Story) bool {
	for _, t := range d.Subjects {
		c, ok := t.concept()
		if !ok || slices.ContainsFunc(s.Subjects, func(x news.Subject) bool { return x.Code == c.Code }) {
			return false
		}
		s.Subjects = append(s.Subjects, c)
	}
	for _, t := range d.Genres {
		c, ok := t.concept()
		if !ok {
			return false
		}
		s.Genre = strings.TrimPrefix(c.Code, "word:")
	}
	return true
}

func (t Term) concept() (news.Subject, bool) {
	s := news.Subject{Name: line(t.Name)}
	switch {
	case t.URI != "" && t.Literal == "" && line(t.URI) == t.URI:
		s.Code = shorten(t.URI)
	case t.Literal != "" && t.URI == "" && line(t.Literal) == t.Literal:
		s.Code = t.Literal
	}
	return s, s.Code != ""
}

// sources reads credit and service.
func (d *Document) sources(s *news.Story) bool {
	for _, p := range d.InfoSources {
		name := line(p.Name)
		switch {
		case p.Role == roleProvider && p.Literal == "":
		case p.Role == roleCredit && p.Literal == "" && name != "" && s.Credit == "":
			s.Credit = name
		case p.Role == roleService && p.Name == "" && line(p.Literal) != "" && s.Service == "":
			s.Service = line(p.Literal)
		default:
			return false
		}
	}
	return true
}

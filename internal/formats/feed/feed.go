package feed

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mmcdole/gofeed"
	ext "github.com/mmcdole/gofeed/extensions"
	"golang.org/x/text/language"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

// Limits of one feed.
const (
	MaxFeed  = 10 << 20 // bytes
	MaxItems = 10_000   // further ones are left out, with a problem of the feed
	maxDepth = 10_000   // open elements
)

// Feed is a feed as it was read.
type Feed struct {
	Title    string
	Lang     news.Lang
	Link     string         // of the page that it belongs to
	Items    []news.Draft   // in the order of the feed; Source and By are left empty
	Problems []news.Problem // of the feed as a whole
}

// Parse reads a feed. An item's SourceID is its id, else its link, else made from its content; its Version is the time of
// its last update, its Note the link to it. A Media without SHA256 is not here yet: its ID is its address. The Original of
// an item is the item alone, as JSON with all its fields.
func Parse(b []byte) (f Feed, err error) {
	if len(b) > MaxFeed {
		return Feed{}, fault.New(fault.TooLarge, "ingest.feed_large", "mb", MaxFeed>>20)
	}
	if deep(b) {
		return Feed{}, fault.New(fault.Invalid, "ingest.feed_bad").Because(errors.New("nested too deep"))
	}
	// The parser is not ours and reads anything: should it fall, only this feed falls.
	defer func() {
		if r := recover(); r != nil {
			f, err = Feed{}, fault.New(fault.Invalid, "ingest.feed_bad").Because(fmt.Errorf("the parser fell: %v", r))
		}
	}()
	g, err := gofeed.NewParser().Parse(bytes.NewReader(b))
	if err != nil {
		if clean, changed := repair(b); changed {
			if again, err2 := gofeed.NewParser().Parse(bytes.NewReader(clean)); err2 == nil {
				g, err = again, nil
				f.Problems = append(f.Problems, news.Problem{Key: "ingest.feed_repaired"})
			}
		}
	}
	if err != nil {
		return Feed{}, fault.New(fault.Invalid, "ingest.feed_bad").Because(err)
	}
	f.Title, f.Link = plain(g.Title), oneLine(g.Link)
	f.Lang = lang(g.Language, &f.Problems)
	items := g.Items
	if len(items) > MaxItems {
		f.Problems = append(f.Problems, news.Problem{Key: "ingest.items_more", Args: map[string]any{"n": len(items), "max": MaxItems}})
		items = items[:MaxItems]
	}
	for _, it := range items {
		if it != nil {
			f.Items = append(f.Items, draft(g, &f, it))
		}
	}
	return f, nil
}

// repair takes out of a feed in UTF-8 what XML does not allow; what is no UTF-8 becomes a visible mark. changed is false
// where there was nothing to do, or the feed says another encoding.
func repair(b []byte) (clean []byte, changed bool) {
	head := strings.ToLower(string(b[:min(len(b), 200)]))
	if strings.Contains(head, "encoding=") && !strings.Contains(head, "utf-8") && !strings.Contains(head, "us-ascii") {
		return nil, false
	}
	clean = bytes.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, bytes.ToValidUTF8(b, []byte("\ufffd")))
	return clean, !bytes.Equal(clean, b)
}

func draft(g *gofeed.Feed, f *Feed, it *gofeed.Item) news.Draft {
	d := news.Draft{Format: "application/json"}
	note := func(where, key string, args map[string]any) {
		d.Problems = append(d.Problems, news.Problem{Where: where, Key: key, Args: args})
	}
	for _, t := range [...]**time.Time{&it.PublishedParsed, &it.UpdatedParsed} {
		if when(*t).IsZero() {
			*t = nil // JSON knows no such time; what the feed says stays beside it
		}
	}
	if b, err := json.Marshal(it); err == nil {
		d.Original = b
	}
	d.Type, d.Headline, d.Byline, d.Credit = news.Text, plain(it.Title), names(it.Authors), f.Title
	if d.Byline == "" {
		d.Byline = names(g.Authors)
	}
	d.Note = oneLine(it.Link)
	d.Copyright = plain(g.Copyright)
	d.Lang = f.Lang
	if dc := it.DublinCoreExt; dc != nil {
		if l := lang(first(dc.Language), &d.Problems); l != "" {
			d.Lang = l
		}
		if r := plain(first(dc.Rights)); r != "" {
			d.Copyright = r
		}
	}
	d.Body = body(it, note)
	d.Written = when(it.PublishedParsed)
	if d.Written.IsZero() {
		d.Written = when(it.UpdatedParsed)
	}
	if at := when(it.UpdatedParsed); !at.IsZero() {
		d.Version = at.Format(time.RFC3339Nano)
	}
	for _, bad := range [...]struct {
		name, said string
		t          *time.Time
	}{{"published", it.Published, it.PublishedParsed}, {"updated", it.Updated, it.UpdatedParsed}} {
		if strings.TrimSpace(bad.said) != "" && when(bad.t).IsZero() {
			note(bad.name, "ingest.date_bad", map[string]any{"field": bad.name, "value": bad.said})
		}
	}
	for _, c := range it.Categories {
		if c = plain(c); c != "" {
			s := news.Subject{Code: "word:" + strings.ReplaceAll(strings.ToLower(c), " ", "-"), Name: c}
			if !slices.ContainsFunc(d.Subjects, func(x news.Subject) bool { return x.Code == s.Code }) {
				d.Subjects = append(d.Subjects, s)
			}
		}
	}
	d.Media = media(it)
	d.SourceID = id(it, d.Story)
	switch {
	case d.Headline == "" && d.Body == "" && len(d.Media) == 0:
		note("", "ingest.empty", nil)
		d.Problems[len(d.Problems)-1].Fatal = true
	case d.Headline == "":
		d.Headline = firstWords(d.Story)
		note("title", "ingest.headline_missing", nil)
	}
	return d
}

func body(it *gofeed.Item, note func(where, key string, args map[string]any)) string {
	where, s := "content", it.Content
	if strings.TrimSpace(s) == "" {
		where, s = "description", it.Description
	}
	if !strings.ContainsAny(s, "<&") {
		return sanitize.Text(s)
	}
	if gone := sanitize.Dropped(s); gone != nil {
		note(where, "ingest.body_dropped", map[string]any{"elements": strings.Join(gone, ", ")})
	}
	return sanitize.Story(s)
}

// id is what names the item for ever: what the feed says, else what is known of it.
func id(it *gofeed.Item, s news.Story) string {
	if guid := oneLine(it.GUID); guid != "" {
		return guid
	}
	if link := oneLine(it.Link); link != "" {
		return link
	}
	sum := sha256.Sum256([]byte(s.Headline + "\n" + s.Body + "\n" + it.Published))
	return "urn:newspool:feed:" + hex.EncodeToString(sum[:16])
}

func media(it *gofeed.Item) []news.Media {
	var all []news.Media
	add := func(m news.Media) {
		if m.ID != "" && !slices.ContainsFunc(all, func(x news.Media) bool { return x.ID == m.ID }) {
			all = append(all, m)
		}
	}
	for _, e := range it.Enclosures {
		if e == nil {
			continue
		}
		m := news.Media{ID: oneLine(e.URL), Type: strings.ToLower(oneLine(e.Type))}
		if n, err := strconv.ParseInt(strings.TrimSpace(e.Length), 10, 64); err == nil && n > 0 {
			m.Size = n
		}
		kind, _, _ := strings.Cut(m.Type, "/")
		m.Of = news.TypeOfMedium(kind)
		add(m)
	}
	for _, e := range mediaRSS(it.Extensions) {
		add(e)
	}
	if it.Image != nil {
		add(news.Media{ID: oneLine(it.Image.URL), Caption: plain(it.Image.Title), Of: news.Picture})
	}
	return all
}

// mediaRSS reads media:content with its credit and text.
func mediaRSS(all ext.Extensions) []news.Media {
	var out []news.Media
	for _, c := range all["media"]["content"] {
		m := news.Media{ID: oneLine(c.Attrs["url"]), Type: strings.ToLower(oneLine(c.Attrs["type"]))}
		m.Of = news.TypeOfMedium(c.Attrs["medium"])
		for name, to := range map[string]*string{"credit": &m.Credit, "title": &m.Headline, "description": &m.Caption, "copyright": &m.Rights} {
			if e := c.Children[name]; len(e) > 0 {
				*to = plain(e[0].Value)
			}
		}
		for name, to := range map[string]*int{"width": &m.Width, "height": &m.Height} {
			if n, err := strconv.Atoi(c.Attrs[name]); err == nil && n > 0 && n < 1<<20 {
				*to = n
			}
		}
		out = append(out, m)
	}
	return out
}

func names(people []*gofeed.Person) string {
	var all []string
	for _, p := range people {
		if p == nil {
			continue
		}
		if n := plain(p.Name); n != "" && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return strings.Join(all, ", ")
}

func when(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	at := clock.Trim(*t)
	if at.Year() < 1 || at.Year() > 9999 {
		return time.Time{}
	}
	return at
}

func lang(s string, problems *[]news.Problem) news.Lang {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	tag, err := language.Raw.Parse(strings.ReplaceAll(s, "_", "-"))
	if err != nil || tag == language.Und {
		*problems = append(*problems, news.Problem{Where: "language", Key: "ingest.language_bad", Args: map[string]any{"value": s}})
		return ""
	}
	return news.Lang(tag.String())
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// plain is one line of text; marks and escaped letters, which feeds put into titles, are resolved.
func plain(s string) string {
	if strings.ContainsAny(s, "<&") {
		s = news.PlainText(sanitize.Story(s))
	}
	return oneLine(s)
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))), " ")
}

func firstWords(s news.Story) string {
	const max = 12
	words := strings.Fields(news.PlainText(s.Body))
	if len(words) > max {
		return strings.Join(words[:max], " ") + " …"
	}
	if len(words) == 0 && len(s.Media) > 0 {
		return s.Media[0].ID
	}
	return strings.Join(words, " ")
}

// deep says whether elements are nested so deep that a parser that calls itself for each could run out of stack. It
// counts tags without reading them, so that it works on broken feeds, too.
func deep(b []byte) bool {
	depth := 0
	for i := 0; i < len(b)-1; i++ {
		if b[i] != '<' {
			continue
		}
		switch c := b[i+1]; {
		case c == '/':
			depth = max(0, depth-1)
		case c == '!' || c == '?':
		default:
			end := bytes.IndexByte(b[i:], '>')
			if end < 0 {
				return false
			}
			if b[i+end-1] != '/' {
				depth++
			}
		}
		if depth > maxDepth {
			return true
		}
	}
	return false
}

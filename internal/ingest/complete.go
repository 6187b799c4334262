package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

// Complete fills in what a draft that was read does not say, takes out what nobody may claim or hide in it, and warns of both.
func (o ItemOptions) Complete(d *news.Draft, now time.Time) {
	d.Source, d.By = o.Source, o.By
	if d.Source == "" {
		d.Source = "ingest"
	}
	if d.Lang == "" {
		d.Lang = o.Lang
	}
	if d.Service == "" {
		d.Service = o.Service
	}
	if d.SourceID == "" && len(d.Original) > 0 {
		sum := sha256.Sum256(d.Original) // so that the same bytes are not taken twice
		d.SourceID = hashID + hex.EncodeToString(sum[:])
	}
	for i := range d.Media {
		if d.Media[i].SHA256 != "" {
			d.Media[i].SHA256 = ""
			d.Problems = append(d.Problems, news.Problem{Where: "associations", Key: "ingest.media_claimed", Args: map[string]any{"id": d.Media[i].ID}})
		}
	}
	straighten(d)
	if d.Written.After(now.Add(ahead)) {
		warn(d, "", "ingest.date_future", "value", d.Written.Format(time.RFC3339))
		d.Written = time.Time{}
	}
	for _, s := range d.Subjects {
		if strings.HasPrefix(s.Code, mediatopic.Scheme) && !mediatopic.Known(s.Code) {
			warn(d, "subjects", "ingest.subject_unknown", "code", s.Code)
		}
	}
}

// ahead is how far clocks and time zones of sources may be wrong.
const ahead = 24 * time.Hour

func warn(d *news.Draft, where, key, name, value string) {
	d.Problems = append(d.Problems, news.Problem{Where: where, Key: key, Args: map[string]any{name: value}})
}

// straighten takes the characters out of the lines of a story that turn the direction of what stands after them: they show a
// headline as it is not. Bodies are cleaned where they are read.
func straighten(d *news.Draft) {
	type field struct {
		name string
		text *string
	}
	fields := []field{
		{"headline", &d.Headline}, {"slugline", &d.Slug}, {"by", &d.Byline}, {"located", &d.Dateline}, {"credit", &d.Credit},
		{"copyrightNotice", &d.Copyright}, {"usageTerms", &d.Usage}, {"edNote", &d.Note}, {"genre", &d.Genre}, {"service", &d.Service},
	}
	for i := range d.Subjects {
		fields = append(fields, field{"subjects", &d.Subjects[i].Code}, field{"subjects", &d.Subjects[i].Name})
	}
	for i := range d.Media {
		m := &d.Media[i]
		for _, text := range []*string{&m.Headline, &m.Caption, &m.Byline, &m.Credit, &m.Rights} {
			fields = append(fields, field{"associations", text})
		}
	}
	for _, f := range fields {
		if s := straight(*f.text); s != *f.text {
			*f.text = s
			warn(d, f.name, "ingest.direction_dropped", "field", f.name)
		}
	}
}

// straight drops embeddings and overrides, and isolates unless each that is opened is closed.
func straight(s string) string {
	if !strings.ContainsFunc(s, turns) {
		return s
	}
	open, even := 0, true
	for _, r := range s {
		switch {
		case r == '\u2069':
			open--
		case r >= '\u2066' && r <= '\u2068':
			open++
		}
		even = even && open >= 0
	}
	even = even && open == 0
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if turns(r) && (r <= '\u202e' || !even) {
			return -1
		}
		return r
	}, s))
}

func turns(r rune) bool { return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' }

package ninjs

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/news"
)

// Meta is what the writing newsroom says about a version, apart from the story.
type Meta struct {
	URI      string     // of the item; must be a URI
	Version  string     // empty: not said
	Class    news.Class // Withdrawal also sets pubStatus to canceled
	Released time.Time  // when this version was released; zero: not said
	Provider string     // name of the newsroom that sends it
}

// Write makes ninjs 3.1 of a story. The same story and Meta give the same bytes, and Parse gives the same story back if
// its body is in the form of package sanitize and its strings in that of Parse (trimmed, no control characters). A story
// without Written comes back with the time of release.
func Write(s news.Story, m Meta) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(Make(s, m)); err != nil {
		panic("ninjs: strings and numbers that cannot be written: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Make makes the document that Write writes.
func Make(s news.Story, m Meta) Document {
	doc := Document{
		URI:            m.URI,
		Standard:       Standard31(),
		Type:           string(s.Type),
		Representation: "full",
		Version:        m.Version, VersionCreated: stamp(m.Released), ContentCreated: stamp(s.Written), EmbargoedUntil: stamp(s.Embargo),
		PubStatus:       "usable",
		CopyrightNotice: s.Copyright, UsageTerms: s.Usage, EdNote: s.Note, Language: string(s.Lang),
		By: s.Byline, Slugline: s.Slug, Located: s.Dateline,
	}
	if m.Class == news.Withdrawal {
		doc.PubStatus = "canceled"
	}
	if m.Class != "" {
		doc.AltIDs = []AltID{{Role: roleClass, Value: string(m.Class)}}
	}
	if s.Urgency >= 1 && s.Urgency <= 9 {
		doc.Urgency = int(s.Urgency)
	}
	if s.Headline != "" {
		doc.Headlines = []Wording{{Role: "main", Value: s.Headline}}
	}
	if s.Body != "" {
		doc.Bodies = []Wording{{Role: "main", ContentType: "text/html", WordCount: s.Words(), Value: s.Body}}
	}
	for _, c := range s.Subjects {
		doc.Subjects = append(doc.Subjects, toTerm(c))
	}
	if s.Genre != "" {
		doc.Genres = []Term{toTerm(news.Subject{Code: s.Genre})}
	}
	if m.Provider != "" {
		doc.InfoSources = append(doc.InfoSources, Source{Name: m.Provider, Role: roleProvider})
	}
	if s.Credit != "" {
		doc.InfoSources = append(doc.InfoSources, Source{Name: s.Credit, Role: roleCredit})
	}
	if s.Service != "" {
		doc.InfoSources = append(doc.InfoSources, Source{Literal: s.Service, Role: roleService})
	}
	for i, md := range s.Media {
		doc.Associations = append(doc.Associations, toAssociation(i, md))
	}
	return doc
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock.Trim(t).Format(time.RFC3339Nano)
}

func toTerm(s news.Subject) Term {
	t := Term{Name: s.Name}
	if uri, ok := expand(s.Code); ok {
		t.URI = uri
	} else {
		t.Literal = s.Code
	}
	return t
}

func toAssociation(i int, m news.Media) Association {
	a := Association{Name: "media-" + strconv.Itoa(i+1), URI: m.ID, Type: string(m.Of), CopyrightNotice: m.Rights, By: m.Byline}
	f := Rendition{Name: "original", ContentType: m.Type, Width: m.Width, Height: m.Height, Size: m.Size}
	if !goodURI(m.ID) || m.SHA256 != "" {
		a.URI = "urn:newspool:media:" + strings.ReplaceAll(url.QueryEscape(m.ID), "+", "%20")
	} else {
		f.Href = m.ID
	}
	if m.Headline != "" {
		a.Headlines = []Wording{{Role: "main", Value: m.Headline}}
	}
	if m.Caption != "" {
		a.Descriptions = []Wording{{Role: "caption", ContentType: "text/plain", Value: m.Caption}}
	}
	if m.Credit != "" {
		a.InfoSources = []Source{{Name: m.Credit, Role: roleCredit}}
	}
	if f != (Rendition{Name: "original"}) {
		a.Renditions = []Rendition{f}
	}
	if m.ID != "" {
		a.AltIDs = append(a.AltIDs, AltID{Role: roleMedia, Value: m.ID})
	}
	if m.SHA256 != "" {
		a.AltIDs = append(a.AltIDs, AltID{Role: roleSHA256, Value: m.SHA256})
	}
	return a
}

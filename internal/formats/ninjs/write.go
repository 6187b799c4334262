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

// The parts of a ninjs 3.1 document that we write, in the order in which they are written.
type (
	document struct {
		URI             string        `json:"uri"`
		Standard        standard      `json:"standard"`
		Type            string        `json:"type,omitempty"`
		Representation  string        `json:"representationType,omitempty"`
		Version         string        `json:"version,omitempty"`
		VersionCreated  string        `json:"versionCreated,omitempty"`
		ContentCreated  string        `json:"contentCreated,omitempty"`
		EmbargoedUntil  string        `json:"embargoedUntil,omitempty"`
		PubStatus       string        `json:"pubStatus"`
		Urgency         int           `json:"urgency,omitempty"`
		CopyrightNotice string        `json:"copyrightNotice,omitempty"`
		UsageTerms      string        `json:"usageTerms,omitempty"`
		EdNote          string        `json:"edNote,omitempty"`
		Language        string        `json:"language,omitempty"`
		Headlines       []wording     `json:"headlines,omitempty"`
		Bodies          []wording     `json:"bodies,omitempty"`
		Subjects        []term        `json:"subjects,omitempty"`
		Genres          []term        `json:"genres,omitempty"`
		InfoSources     []party       `json:"infoSources,omitempty"`
		By              string        `json:"by,omitempty"`
		Slugline        string        `json:"slugline,omitempty"`
		Located         string        `json:"located,omitempty"`
		AltIDs          []altID       `json:"altIds,omitempty"`
		Associations    []association `json:"associations,omitempty"`
	}
	standard struct {
		Name    string `json:"name"`
		Version string `json:"version"`
		Schema  string `json:"schema"`
	}
	wording struct {
		Role        string `json:"role,omitempty"`
		ContentType string `json:"contentType,omitempty"`
		WordCount   int    `json:"wordCount,omitempty"`
		Value       string `json:"value"`
	}
	term struct {
		Name    string `json:"name,omitempty"`
		URI     string `json:"uri,omitempty"`
		Literal string `json:"literal,omitempty"`
	}
	party struct {
		Name    string `json:"name,omitempty"`
		Role    string `json:"role"`
		Literal string `json:"literal,omitempty"`
	}
	altID struct {
		Role  string `json:"role"`
		Value string `json:"value"`
	}
	association struct {
		Name            string    `json:"name"`
		URI             string    `json:"uri"`
		Type            string    `json:"type,omitempty"`
		CopyrightNotice string    `json:"copyrightNotice,omitempty"`
		Headlines       []wording `json:"headlines,omitempty"`
		Descriptions    []wording `json:"descriptions,omitempty"`
		InfoSources     []party   `json:"infoSources,omitempty"`
		By              string    `json:"by,omitempty"`
		Renditions      []file    `json:"renditions,omitempty"`
		AltIDs          []altID   `json:"altIds,omitempty"`
	}
	file struct {
		Name        string `json:"name"`
		Href        string `json:"href,omitempty"`
		ContentType string `json:"contentType,omitempty"`
		Width       int    `json:"width,omitempty"`
		Height      int    `json:"height,omitempty"`
		Size        int64  `json:"sizeInBytes,omitempty"`
	}
)

// Write makes ninjs 3.1 of a story. The same story and Meta give the same bytes, and Parse gives the same story back if
// its body is in the form of package sanitize and its strings in that of Parse (trimmed, no control characters). A story
// without Written comes back with the time of release.
func Write(s news.Story, m Meta) []byte {
	doc := document{
		URI:            m.URI,
		Standard:       standard{Name: "ninjs", Version: "3.1", Schema: "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"},
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
		doc.AltIDs = []altID{{Role: roleClass, Value: string(m.Class)}}
	}
	if s.Urgency >= 1 && s.Urgency <= 9 {
		doc.Urgency = int(s.Urgency)
	}
	if s.Headline != "" {
		doc.Headlines = []wording{{Role: "main", Value: s.Headline}}
	}
	if s.Body != "" {
		doc.Bodies = []wording{{Role: "main", ContentType: "text/html", WordCount: s.Words(), Value: s.Body}}
	}
	for _, c := range s.Subjects {
		doc.Subjects = append(doc.Subjects, toTerm(c))
	}
	if s.Genre != "" {
		doc.Genres = []term{toTerm(news.Subject{Code: s.Genre})}
	}
	if m.Provider != "" {
		doc.InfoSources = append(doc.InfoSources, party{Name: m.Provider, Role: roleProvider})
	}
	if s.Credit != "" {
		doc.InfoSources = append(doc.InfoSources, party{Name: s.Credit, Role: roleCredit})
	}
	if s.Service != "" {
		doc.InfoSources = append(doc.InfoSources, party{Literal: s.Service, Role: roleService})
	}
	for i, md := range s.Media {
		doc.Associations = append(doc.Associations, toAssociation(i, md))
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		panic("ninjs: strings and numbers that cannot be written: " + err.Error())
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock.Trim(t).Format(time.RFC3339Nano)
}

func toTerm(s news.Subject) term {
	t := term{Name: s.Name}
	if uri, ok := expand(s.Code); ok {
		t.URI = uri
	} else {
		t.Literal = s.Code
	}
	return t
}

func toAssociation(i int, m news.Media) association {
	a := association{Name: "media-" + strconv.Itoa(i+1), URI: m.ID, Type: string(m.Of), CopyrightNotice: m.Rights, By: m.Byline}
	f := file{Name: "original", ContentType: m.Type, Width: m.Width, Height: m.Height, Size: m.Size}
	if !goodURI(m.ID) || m.SHA256 != "" {
		a.URI = "urn:newspool:media:" + strings.ReplaceAll(url.QueryEscape(m.ID), "+", "%20")
	} else {
		f.Href = m.ID
	}
	if m.Headline != "" {
		a.Headlines = []wording{{Role: "main", Value: m.Headline}}
	}
	if m.Caption != "" {
		a.Descriptions = []wording{{Role: "caption", ContentType: "text/plain", Value: m.Caption}}
	}
	if m.Credit != "" {
		a.InfoSources = []party{{Name: m.Credit, Role: roleCredit}}
	}
	if f != (file{Name: "original"}) {
		a.Renditions = []file{f}
	}
	if m.ID != "" {
		a.AltIDs = append(a.AltIDs, altID{Role: roleMedia, Value: m.ID})
	}
	if m.SHA256 != "" {
		a.AltIDs = append(a.AltIDs, altID{Role: roleSHA256, Value: m.SHA256})
	}
	return a
}

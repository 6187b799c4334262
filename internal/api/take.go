package api

import (
	"bytes"
	"context"
	"time"

	"newspool/internal/deliver"
)

const takeText = `Lines of ninjs after a cursor: what came from partners and what is our own, in the order in which it became visible at this desk.
Keep the header Newspool-Cursor and ask with it the next time; begin with 0. A line may come twice, and comes again when what may
be done with its item changes: the last line that names an item is what holds.

A text comes only where the terms permit to copy it now, with the credit line and the terms that go with it. Each line says in
"newspool" what may be done. Where the state is not "usable" there is no text: take the item out if you have it.

With wait the answer comes as soon as there is something, at the latest after so many seconds.`

type takeInput struct {
	After int64 `query:"after" minimum:"0" default:"0" doc:"The cursor: what Newspool-Cursor said the last time."`
	Limit int   `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many lines at most."`
	Wait  int   `query:"wait" minimum:"0" maximum:"30" default:"0" doc:"How many seconds to wait for something new."`
}

type takeOutput struct {
	Type   string `header:"Content-Type" hidden:"true"`
	Cursor int64  `header:"Newspool-Cursor" doc:"Ask after this the next time."`
	Body   []byte
}

// How often a request that waits looks by itself (an embargo rings no bell), and how long it lets news gather.
const (
	lookEvery = time.Second
	gather    = 30 * time.Millisecond
)

func (a *API) takeItems(ctx context.Context, v *visit, in *takeInput) (*takeOutput, error) {
	deadline := time.Now().Add(time.Duration(in.Wait) * time.Second)
	var ring <-chan struct{}
	if in.Wait > 0 {
		done, err := a.gate.wait(v.token)
		if err != nil {
			return nil, err
		}
		defer done()
		ringing, stop := context.WithCancel(ctx)
		defer stop()
		ring = a.o.Bell.Ring(ringing)
	}
	for {
		lines, next, err := a.o.Feed.Lines(ctx, v.by, in.After, in.Limit, v.printer.Lang())
		if err != nil {
			return nil, err
		}
		if len(lines) > 0 || !sleep(ctx, ring, time.Until(deadline)) {
			return &takeOutput{Type: "application/x-ndjson", Cursor: next, Body: joined(lines)}, nil
		}
	}
}

// sleep waits for a ring, or until it is time to look; false when the time is over.
func sleep(ctx context.Context, ring <-chan struct{}, left time.Duration) bool {
	if left <= 0 {
		return false
	}
	look := time.NewTimer(min(left, lookEvery))
	defer look.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-look.C:
		return true
	case _, ok := <-ring:
		if !ok {
			return false
		}
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(gather):
		return true
	}
}

func joined(lines []deliver.Line) []byte {
	var b bytes.Buffer
	for _, l := range lines {
		b.Write(l.JSON)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

type itemInput struct{ ItemPath }

type itemOutput struct {
	Type string `header:"Content-Type" hidden:"true"`
	Body []byte
}

func (a *API) takeItem(ctx context.Context, v *visit, in *itemInput) (*itemOutput, error) {
	line, err := a.o.Feed.Item(ctx, v.by, in.item(), v.printer.Lang())
	if err != nil {
		return nil, err
	}
	return &itemOutput{Type: "application/json", Body: append(line.JSON, '\n')}, nil
}

// Line is what a line of the feed looks like: ninjs 3.1 with the object newspool. Package deliver writes it; this is its
// description, which a test holds against what comes.
type Line struct {
	URI             string        `json:"uri" doc:"The item. It never changes." example:"newspool://north.example/item/0192f3c1-7d55-7e07-9d3c-0c7c59a3a2b1"`
	Standard        Standard      `json:"standard"`
	Type            string        `json:"type,omitempty" enum:"text,picture,graphic,audio,video,composite"`
	Representation  string        `json:"representationType,omitempty"`
	Version         string        `json:"version" doc:"The number of the version." example:"2"`
	VersionCreated  string        `json:"versionCreated,omitempty" format:"date-time" doc:"When the version was released."`
	ContentCreated  string        `json:"contentCreated,omitempty" format:"date-time"`
	EmbargoedUntil  string        `json:"embargoedUntil,omitempty" format:"date-time"`
	PubStatus       string        `json:"pubStatus" enum:"usable,withheld,canceled" doc:"canceled: withdrawn; withheld: there is no text now, newspool says why."`
	Urgency         int           `json:"urgency,omitempty" minimum:"1" maximum:"9"`
	CopyrightNotice string        `json:"copyrightNotice,omitempty"`
	UsageTerms      string        `json:"usageTerms,omitempty" doc:"What may be done with the text, in the language of Accept-Language; then, on lines of its own, what its newsroom wrote."`
	EdNote          string        `json:"edNote,omitempty" doc:"Note to editors: what was corrected, why it was withdrawn."`
	Language        string        `json:"language,omitempty"`
	Headlines       []Wording     `json:"headlines,omitempty"`
	Bodies          []Wording     `json:"bodies,omitempty" doc:"The text as clean HTML."`
	Subjects        []Term        `json:"subjects,omitempty"`
	Genres          []Term        `json:"genres,omitempty"`
	InfoSources     []Source      `json:"infoSources,omitempty" doc:"Who sent it (role provider) and how it must be credited (role credit)."`
	By              string        `json:"by,omitempty"`
	Slugline        string        `json:"slugline,omitempty"`
	Located         string        `json:"located,omitempty"`
	AltIDs          []AltID       `json:"altIds,omitempty" doc:"Role newspool:class says what the version is: new, update, correction or withdrawal."`
	Associations    []Association `json:"associations,omitempty"`
	Newspool        deliver.Info  `json:"newspool"`
}

// Standard names the format.
type Standard struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
}

// Wording is one wording of a headline, body or description.
type Wording struct {
	Role        string `json:"role,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	WordCount   int    `json:"wordCount,omitempty"`
	Value       string `json:"value"`
}

// Term is a concept of a vocabulary.
type Term struct {
	Name    string `json:"name,omitempty"`
	URI     string `json:"uri,omitempty"`
	Literal string `json:"literal,omitempty"`
}

// Source is somebody to whom a text is owed.
type Source struct {
	Name    string `json:"name,omitempty"`
	Role    string `json:"role"`
	Literal string `json:"literal,omitempty"`
}

// AltID is another identifier.
type AltID struct {
	Role  string `json:"role"`
	Value string `json:"value"`
}

// Association is a photo, sound or film that belongs to a text.
type Association struct {
	Name            string      `json:"name"`
	URI             string      `json:"uri"`
	Type            string      `json:"type,omitempty"`
	CopyrightNotice string      `json:"copyrightNotice,omitempty"`
	Headlines       []Wording   `json:"headlines,omitempty"`
	Descriptions    []Wording   `json:"descriptions,omitempty"`
	InfoSources     []Source    `json:"infoSources,omitempty"`
	By              string      `json:"by,omitempty"`
	Renditions      []Rendition `json:"renditions,omitempty"`
	AltIDs          []AltID     `json:"altIds,omitempty"`
}

// Rendition is a file.
type Rendition struct {
	Name        string `json:"name"`
	Href        string `json:"href,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Size        int64  `json:"sizeInBytes,omitempty"`
}

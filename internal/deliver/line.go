package deliver

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// Info is what a line says besides ninjs, in its object "newspool".
type Info struct {
	Cursor    int64             `json:"cursor" doc:"Ask after this to get what comes after this line. 0 outside of the feed."`
	ID        string            `json:"id" doc:"The item in the paths of this API: domain/id." example:"north.example/0192f3c1-7d55-7e07-9d3c-0c7c59a3a2b1"`
	State     State             `json:"state" enum:"usable,embargo,not-yet,not-permitted,set-aside,closed,withdrawn,erased,draft" doc:"What may be done with the item now. There is a text only where it is usable."`
	Own       bool              `json:"own" doc:"Whether the item is our own."`
	Origin    news.Root         `json:"origin" doc:"The root key of the newsroom that made the item."`
	Agreement terms.AgreementID `json:"agreement,omitempty" doc:"The agreement that decided."`
	Clause    string            `json:"clause,omitempty" doc:"The clause that decided."`
	Why       string            `json:"why,omitempty" doc:"Why there is no text: a sentence in the language that was asked for."`
	Until     string            `json:"until,omitempty" format:"date-time" doc:"Where usable: until when. Else when it may become usable."`
}

// Document is what a line says: ninjs as the newsroom's own codec writes it, with the credit and the terms that go with it. It
// has no text where there may be none.
type Document struct {
	ninjs.Document
	Newspool Info `json:"newspool"`
}

// line judges an entry and writes it down.
func (j *judging) line(e library.FeedEntry) Line {
	v := j.decide(e)
	info := Info{
		Cursor: e.Cursor, ID: e.Item.Short(), State: v.state, Own: e.Own, Origin: e.Origin, Agreement: v.agreement, Clause: v.clause,
		Why: j.say(v.why), Until: stamp(v.until),
	}
	l := Line{Cursor: e.Cursor, Item: e.Item, Version: e.Version, State: v.state}
	number := strconv.Itoa(e.Version)
	doc := ninjs.Document{URI: string(e.Item), Standard: ninjs.Standard31(), Version: number, VersionCreated: stamp(e.Released), PubStatus: "withheld"}
	switch v.state {
	case Usable:
		story := e.Story
		story.Credit, story.Usage = v.credit, v.usage
		doc = ninjs.Make(story, ninjs.Meta{URI: string(e.Item), Version: number, Class: e.Class, Released: e.Released, Provider: v.provider})
	case Withdrawn:
		doc.PubStatus = "canceled"
		if e.Class == news.Withdrawal {
			doc.EdNote = e.Note
		}
	case Embargo:
		doc.EmbargoedUntil = stamp(e.Embargo)
	}
	l.JSON = encode(Document{doc, info})
	return l
}

func encode(v any) []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("deliver: strings and numbers that cannot be written: " + err.Error())
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return clock.Trim(t).UTC().Format(time.RFC3339Nano)
}

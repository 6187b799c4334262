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

// bare is a line without a text, in the names and the order of ninjs 3.1.
type bare struct {
	URI            news.ItemID `json:"uri"`
	Standard       standard    `json:"standard"`
	Version        string      `json:"version"`
	VersionCreated string      `json:"versionCreated,omitempty"`
	EmbargoedUntil string      `json:"embargoedUntil,omitempty"`
	PubStatus      string      `json:"pubStatus"`
	EdNote         string      `json:"edNote,omitempty"`
	Newspool       Info        `json:"newspool"`
}

type standard struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
}

// line judges an entry and writes it down.
func (j *judging) line(e library.FeedEntry) Line {
	v := j.decide(e)
	info := Info{
		Cursor: e.Cursor, ID: e.Item.Short(), State: v.state, Own: e.Own, Origin: e.Origin, Agreement: v.agreement, Clause: v.clause,
		Why: j.say(v.why), Until: stamp(v.until),
	}
	l := Line{Cursor: e.Cursor, Item: e.Item, Version: e.Version, State: v.state}
	if v.state == Usable {
		l.JSON = whole(e, v, info)
		return l
	}
	b := bare{
		URI: e.Item, Standard: standard{"ninjs", "3.1", "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"},
		Version: strconv.Itoa(e.Version), VersionCreated: stamp(e.Released), PubStatus: "withheld", Newspool: info,
	}
	switch v.state {
	case Withdrawn:
		b.PubStatus = "canceled"
		if e.Class == news.Withdrawal {
			b.EdNote = e.Note
		}
	case Embargo:
		b.EmbargoedUntil = stamp(e.Embargo)
	}
	l.JSON = encode(b)
	return l
}

// whole is a line with its text: ninjs as the newsroom's own codec writes it, with the credit and the terms that go with it.
func whole(e library.FeedEntry, v verdict, info Info) []byte {
	story := e.Story
	story.Credit, story.Usage = v.credit, v.usage
	b := ninjs.Write(story, ninjs.Meta{URI: string(e.Item), Version: strconv.Itoa(e.Version), Class: e.Class, Released: e.Released, Provider: v.provider})
	b = append(b[:len(b)-1], `,"newspool":`...)
	return append(append(b, encode(info)...), '}')
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

package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/news"
)

// story is a story that is sent again and again under other ids.
type story struct {
	draft news.Draft
	bytes []byte // as ninjs
}

// prepare writes the stories as they cross.
func prepare(drafts []news.Draft) ([]story, error) {
	var out []story
	for _, d := range drafts {
		if d.Headline == "" || d.Class == news.Withdrawal {
			continue
		}
		b := ninjs.Write(d.Story, ninjs.Meta{URI: string(news.NewItemID(domainA, "00000000-0000-7000-8000-000000000000")), Version: "1", Class: news.First, Released: time.Now()})
		d.Source, d.Version, d.Class, d.Problems = "bench", "", "", nil
		if d.Original == nil {
			d.Original, d.Format = b, ninjs.MediaType
		}
		out = append(out, story{d, b})
	}
	if len(out) == 0 {
		return nil, fault.New(fault.Invalid, "bench.no_items")
	}
	return out, nil
}

// numbered is the story as number n of its source.
func (s story) numbered(n int) news.Draft {
	d := s.draft
	d.SourceID = fmt.Sprintf("bench:%d", n)
	return d
}

// parseMicros measures what it costs to read and clean a story that a source brings, in microseconds.
func parseMicros(stories []story) float64 {
	began, n := time.Now(), 0
	for ; n < 4*len(stories) && n < 2000; n++ {
		if _, err := ninjs.Parse(stories[n%len(stories)].bytes); err != nil {
			return 0
		}
	}
	return float64(time.Since(began).Microseconds()) / float64(n)
}

// inventedBytes is how large an invented story is, written as ninjs.
const inventedBytes = 2048

// invented makes 64 stories of about two kilobytes, always the same ones.
func invented() []news.Draft {
	rnd := rand.New(rand.NewPCG(7, 7))
	pick := func(list []string) string { return list[rnd.IntN(len(list))] }
	who := []string{"The harbour office", "The ferry company", "A spokesman of the island council", "The weather service", "The union of dockers",
		"The school board", "The mayor of Port Anselm", "The coast guard", "The ministry of fisheries", "The radio of the islands"}
	did := []string{"said that the morning boat had left on time", "asked for quiet after the long night on the quay", "counted forty passengers and one goat",
		"expects the wind to turn before noon", "will open the new pier on Thursday", "found nothing unusual in the books of the last year",
		"put the cost of the repairs at two million crowns", "thanked the volunteers of the lifeboat", "moved the meeting to the town hall"}
	when := []string{"on Tuesday.", "late in the evening.", "before the market opened.", "after three days of fog.", "at the end of a long week.", "in the first hours of the storm."}
	subjects := []news.Subject{{Code: "medtop:04000000", Name: "economy"}, {Code: "medtop:17000000", Name: "weather"}, {Code: "medtop:11000000", Name: "politics"}, {Code: "medtop:20000337", Name: "ferry"}}
	drafts := make([]news.Draft, 64)
	for i := range drafts {
		s := news.Story{
			Type: news.Text, Lang: "en", Headline: fmt.Sprintf("%s %s", pick(who), pick(did)), Slug: fmt.Sprintf("HARBOUR-%d", i+1), Byline: "Ilse Maren",
			Dateline: "PORT ANSELM", Urgency: news.Urgency(3 + i%4), Credit: "North Agency", Written: time.Date(2026, 3, 1, 8, i, 0, 0, time.UTC),
			Subjects: []news.Subject{subjects[i%4], subjects[(i+1)%4]},
		}
		var body strings.Builder
		for size := 0; size < inventedBytes; {
			body.WriteString("<p>")
			for range 3 {
				fmt.Fprintf(&body, "%s %s %s ", pick(who), pick(did), pick(when))
			}
			s.Body = strings.TrimSpace(body.String()) + "</p>"
			body.Reset()
			body.WriteString(s.Body)
			size = len(ninjs.Write(s, ninjs.Meta{URI: string(news.NewItemID(domainA, "00000000-0000-7000-8000-000000000000")), Version: "1", Class: news.First, Released: s.Written})) + 100
		}
		drafts[i] = news.Draft{Story: s}
	}
	return drafts
}

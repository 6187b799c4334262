package exchange

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"newspool/internal/formats/ninjs"
	"newspool/internal/news"
	"newspool/internal/terms"
)

const (
	rootA = news.Root("1111111111111111111111111111111111111111111111111111111111111111")
	rootB = news.Root("2222222222222222222222222222222222222222222222222222222222222222")
)

// some draws a few of many.
func some[T any](t *rapid.T, name string, from ...T) []T {
	return rapid.SliceOfN(rapid.SampledFrom(from), 0, 2).Draw(t, name)
}

func one[T any](t *rapid.T, name string, from ...T) T { return rapid.SampledFrom(from).Draw(t, name) }

// anyStory draws stories as desks and sources make them, tidy and untidy. What they are made of is what anyTerms asks for.
func anyStory(t *rapid.T) news.Story {
	s := news.Story{
		Type: one(t, "type", news.Text, news.Picture, news.Video), Lang: one(t, "lang", news.Lang("en"), "en-GB", "fa", "ru", "EN", ""),
		Headline: one(t, "headline", "Ferry late", "  Ferry\n late ", "Harbour: élection", "نوروز در راه است", "a\u200cb ferry", "FERRY-LATE!"),
		Slug:     one(t, "slug", "", "FERRY", "harbour-ferry ", "ferry\tlate"),
		Body: one(t, "body", "", "<p>The ferry &amp; the harbour.</p>", "<p>No</p><p>ferry</p>", "<p>fer<em>ry</em></p>", "<p>Harbour&nbsp;office</p>",
			"<p onclick=\"x\">An <script>ferry</script> election</p>", "<p>کشتی نوروزی</p>", "text < ferry"),
		Genre: one(t, "genre", "", "g", "Genre g ", "medtop:20000002"), Service: one(t, "service", "", "s", " s", "sport desk"),
		Urgency: news.Urgency(rapid.IntRange(0, 9).Draw(t, "urgency")), Byline: one(t, "byline", "", "Ilse Maren"), Note: one(t, "note", "", "Check the ferry."),
		Embargo: one(t, "embargo", time.Time{}, time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)),
		Written: one(t, "written", time.Time{}, time.Date(2026, 11, 24, 23, 59, 59, 999999999, time.FixedZone("x", 3*3600+1800))),
	}
	for _, code := range some(t, "subjects", "medtop:15000000", "medtop:20000822", "medtop:11000000", "desk:x", "x y", "MEDTOP:15000000") {
		s.Subjects = append(s.Subjects, news.Subject{Code: code, Name: one(t, "name", "", "Sport")})
	}
	return s
}

func anyTerms(t *rapid.T) terms.Revision {
	r := terms.Revision{
		Parties: []terms.Party{{Root: rootA, Domain: "north.example"}, {Root: rootB, Domain: "soren.example"}}, Zone: one(t, "zone", "UTC", "Asia/Tehran"),
		End: one(t, "end", terms.Date(""), "2026-11-24", "2027-01-01"), Ceilings: terms.Counts{Records: 2, Bytes: 2048},
	}
	for range rapid.IntRange(0, 3).Draw(t, "flows") {
		r.Flows = append(r.Flows, terms.Flow{
			Clause: "2.1", Types: some(t, "types", news.Text, news.Picture), Subjects: some(t, "with", "medtop:15000000", "desk:x", "x y", "medtop:11000000"),
			Except: some(t, "without", "medtop:20000822", "MEDTOP:15000000"), Languages: some(t, "languages", news.Lang("en"), "fa"),
			UrgencyMax: one(t, "most", news.Urgency(0), 3, 5), Genres: some(t, "genres", "g", "Genre g "), Services: some(t, "services", "s", " s", "sport desk"),
			Words: terms.WordTerms{
				Any: some(t, "any", "ferry", "harbour office", "نوروز"), None: some(t, "none", "election", "nbsp", "script", "onclick"), All: some(t, "all", "ferry late", "no ferry"),
			},
		})
	}
	return r
}

// TestBothEndsDecideAlike: what the origin decides about a version of its own is what the partner decides about the bytes that come.
func TestBothEndsDecideAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		story, rev := anyStory(t), anyTerms(t)
		by := terms.Standing{
			Revision: rev, Suspended: one(t, "suspended", false, false, true), Ends: one(t, "ends", time.Time{}, time.Date(2026, 11, 24, 20, 30, 0, 0, time.UTC)),
		}
		class, sent := one(t, "class", news.First, news.Update, news.Correction), rapid.Bool().Draw(t, "sent")
		at := one(t, "at", time.Date(2026, 11, 24, 20, 29, 59, 0, time.UTC), time.Date(2026, 11, 24, 20, 30, 0, 0, time.UTC), time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC))
		today := terms.Counts{Records: rapid.Int64Range(1, 3).Draw(t, "records"), Bytes: rapid.Int64Range(0, 3000).Draw(t, "bytes")}

		// What the origin keeps is what it sends, and by what it decides. It was cleaned when it came in.
		meta := ninjs.Meta{URI: "newspool://north.example/item/1", Version: "1", Class: class, Released: at, Provider: "North Agency"}
		clean, err := ninjs.Parse(ninjs.Write(story, meta))
		if err != nil {
			t.Fatal(err)
		}
		kept := ninjs.Write(clean.Story, meta)
		goes, err := ninjs.Read(kept)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, kept)
		}
		came, err := ninjs.Parse(kept) // the partner may read in another way, and cleans what it shows
		if err != nil {
			t.Fatal(err)
		}
		send := terms.May(rev, delivery(terms.StoryFacts(goes), rootA, rootB, class, by, sent, today), terms.Send, at)
		receive := terms.May(rev, delivery(terms.StoryFacts(came.Story), rootA, rootB, class, by, sent, today), terms.Receive, at)
		if send.Answer != receive.Answer || send.Clause != receive.Clause || !send.Until.Equal(receive.Until) {
			t.Fatalf("the origin says %s by %s, the partner %s by %s (%s, %s)\n%s", send.Answer, send.Clause, receive.Answer, receive.Clause, send.Key, receive.Key, kept)
		}
	})
}

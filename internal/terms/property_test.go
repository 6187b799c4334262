package terms

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

// Generators draw from few values, so that terms and facts meet, and now and then from nonsense, so that nothing relies on
// a revision that was validated.

var (
	someRoots    = []news.Root{north, avand, soren, "", "nonsense"}
	someCodes    = []string{"medtop:15000000", "medtop:20000822", "medtop:20001065", "medtop:11000000", "desk:x", "", "medtop:0"}
	someLangs    = []news.Lang{"en", "fa", "fa-AF", "ru", "", "x-x-x-x"}
	someTypes    = []news.ItemType{news.Text, news.Picture, news.Video, ""}
	someWords    = []string{"election", "new year", "نوروز", "", "!", "a b"}
	someChannels = []Channel{Print, TV, "", "smoke"}
	someZones    = []string{"UTC", "Asia/Tehran", "America/St_Johns", "", "Local", "Nowhere/At_All"}
	someDates    = []Date{"", "2026-03-01", "2026-03-02", "2027-01-01", "9999-12-31", "0000-00-00", "soon"}
)

func list[T any](from []T) *rapid.Generator[[]T] {
	return rapid.SliceOfN(rapid.SampledFrom(from), 0, 3)
}

func anyFlow(t *rapid.T) Flow {
	return Flow{
		Clause: rapid.SampledFrom([]string{"2.1", "2.2", "", "x"}).Draw(t, "clause"),
		From:   list(someRoots[:2]).Draw(t, "from"), Types: list(someTypes).Draw(t, "types"),
		Subjects: list(someCodes).Draw(t, "subjects"), Except: rapid.SliceOfN(rapid.SampledFrom(someCodes), 0, 1).Draw(t, "except"),
		Languages:  list(someLangs).Draw(t, "languages"),
		UrgencyMin: news.Urgency(rapid.IntRange(-1, 4).Draw(t, "min")), UrgencyMax: news.Urgency(rapid.IntRange(0, 10).Draw(t, "max")),
		Genres: rapid.SliceOfN(rapid.Just("g"), 0, 1).Draw(t, "genres"), Services: rapid.SliceOfN(rapid.Just("s"), 0, 1).Draw(t, "services"),
		Words: WordTerms{
			All: rapid.SliceOfN(rapid.SampledFrom(someWords), 0, 1).Draw(t, "all"), Any: rapid.SliceOfN(rapid.SampledFrom(someWords), 0, 2).Draw(t, "any"),
			None: rapid.SliceOfN(rapid.SampledFrom(someWords), 0, 1).Draw(t, "none"),
		},
		Archive: Archive{From: rapid.SampledFrom([]int{0, 0, 1960, -1}).Draw(t, "first"), To: rapid.SampledFrom([]int{0, 1990}).Draw(t, "last"), SearchOnly: rapid.Bool().Draw(t, "search")},
	}
}

func anyRevision(t *rapid.T) Revision {
	r := Revision{
		Zone: rapid.SampledFrom(someZones).Draw(t, "zone"), Start: rapid.SampledFrom(someDates).Draw(t, "start"), End: rapid.SampledFrom(someDates).Draw(t, "end"),
		Flows: rapid.SliceOfN(rapid.Custom(anyFlow), 0, 4).Draw(t, "flows"),
		Uses: Uses{
			Clause: rapid.SampledFrom([]string{"3", ""}).Draw(t, "uses"), Publish: list(someChannels).Draw(t, "publish"),
			Translate: rapid.Bool().Draw(t, "translate"), Syndicate: rapid.Bool().Draw(t, "syndicate"), Keep: rapid.Bool().Draw(t, "keep"),
			Regions: list([]string{"FR", "IR", ""}).Draw(t, "regions"), Days: rapid.SampledFrom([]int{0, 1, 30, -5, 1 << 60}).Draw(t, "days"),
			Credit: rapid.MapOfN(rapid.SampledFrom(someLangs), rapid.SampledFrom([]string{"", "{newsroom}!"}), 0, 2).Draw(t, "credit"),
		},
		Embargo:  Embargo{Roles: list(Roles[:]).Draw(t, "roles")},
		Ceilings: Counts{Records: rapid.Int64Range(-1, 3).Draw(t, "ceiling")},
	}
	if rapid.Bool().Draw(t, "parties") {
		r.Parties = []Party{northParty(), avandParty(), {Host: north, Names: InLanguages{"": "?"}}}
	}
	return r
}

func anyTime(t *rapid.T, name string) time.Time {
	return rapid.SampledFrom([]time.Time{
		{}, time.Date(2026, 2, 28, 20, 30, 0, 0, time.UTC), time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 18, 0, 0, 0, time.UTC),
		time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1975, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(1<<55, 0),
	}).Draw(t, name)
}

func anyFacts(t *rapid.T) Facts {
	f := Facts{
		From: rapid.SampledFrom(someRoots).Draw(t, "sender"), To: rapid.SampledFrom(someRoots).Draw(t, "receiver"),
		Type: rapid.SampledFrom(someTypes).Draw(t, "type"), Lang: rapid.SampledFrom(someLangs).Draw(t, "lang"),
		Urgency: news.Urgency(rapid.IntRange(-1, 10).Draw(t, "urgency")),
		Genre:   rapid.SampledFrom([]string{"", "g"}).Draw(t, "genre"), Service: rapid.SampledFrom([]string{"", "s"}).Draw(t, "service"),
		Words:   WordsOf(rapid.SampledFrom(someWords).Draw(t, "headline"), "", rapid.SampledFrom(someWords).Draw(t, "body")),
		Embargo: anyTime(t, "embargo"), Written: anyTime(t, "written"), Released: anyTime(t, "released"), Ends: anyTime(t, "ends"),
		Class:   rapid.SampledFrom([]news.Class{news.First, news.Update, news.Correction, news.Withdrawal, ""}).Draw(t, "class"),
		State:   rapid.SampledFrom([]news.State{"", news.Usable, news.Withdrawn, news.SetAside, news.Closed}).Draw(t, "state"),
		Archive: rapid.Bool().Draw(t, "archive"), Sent: rapid.Bool().Draw(t, "sent"), Suspended: rapid.SampledFrom([]bool{false, false, true}).Draw(t, "suspended"),
		Channel: rapid.SampledFrom(someChannels).Draw(t, "channel"), Region: rapid.SampledFrom([]string{"", "FR", "RU"}).Draw(t, "region"),
		Roles: list(Roles[:]).Draw(t, "person"), Today: Counts{Records: rapid.Int64Range(0, 4).Draw(t, "today")},
	}
	for _, code := range list(someCodes).Draw(t, "about") {
		f.Subjects = append(f.Subjects, Subject{Code: code, Within: mediatopic.Ancestors(code)})
	}
	return f
}

// TestDecisionsHold are the promises of May over generated terms and facts.
func TestDecisionsHold(t *testing.T) {
	p := newPrinter("en", time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		r, f, at := anyRevision(t), anyFacts(t), anyTime(t, "at")
		act := rapid.SampledFrom(append(slices.Clone(Acts[:]), "", "nonsense")).Draw(t, "act")
		before := fmt.Sprint(r, f)
		d := May(r, f, act, at)

		if !slices.Contains([]Answer{Yes, No, NotYet}, d.Answer) || d.Key == "" {
			t.Fatalf("no answer: %+v", d)
		}
		if Say(p, d.Line()) == "" {
			t.Fatal("no sentence")
		}
		if after := fmt.Sprint(r, f); after != before {
			t.Fatal("it changed what it was given")
		}
		if again := May(r, f, act, at); !reflect.DeepEqual(d, again) {
			t.Fatalf("two answers: %+v and %+v", d, again)
		}
		if d.Answer != No && !d.Until.IsZero() && d.Until.Before(at) {
			t.Fatalf("%s until %v at %v", d.Answer, d.Until, at)
		}
		if d.Answer == NotYet && !d.Until.IsZero() && !d.Until.After(at) {
			t.Fatalf("not yet, but from %v at %v", d.Until, at)
		}

		send, receive := May(r, f, Send, at), May(r, f, Receive, at)
		if send.Answer != receive.Answer || send.Clause != receive.Clause || !send.Until.Equal(receive.Until) {
			t.Fatalf("the ends disagree: %+v and %+v", send, receive)
		}
		if (f.Class == news.Correction || f.Class == news.Withdrawal) && f.Sent && f.From != f.To && len(r.Parties) > 0 {
			_, a := r.Party(f.From)
			_, b := r.Party(f.To)
			if a && b && send.Answer != Yes {
				t.Fatalf("a correction was held back: %+v", send)
			}
		}

		for i := range r.Flows {
			less := r
			less.Flows = slices.Delete(slices.Clone(r.Flows), i, i+1)
			if May(less, f, act, at).Answer == Yes && d.Answer != Yes {
				t.Fatalf("without flow %d the answer became yes; it was %+v", i, d)
			}
		}

		b, err := json.Marshal(d.Args)
		if err != nil {
			t.Fatal(err)
		}
		kept := map[string]any{}
		if err := json.Unmarshal(b, &kept); err != nil {
			t.Fatal(err)
		}
		if was, is := Say(p, d.Line()), Say(p, Line{Key: d.Key, Args: kept}); was != is {
			t.Fatalf("kept as JSON, %q became %q", was, is)
		}
	})
}

// TestStripHolds says the strip of generated items and sees that it promises nothing that May refuses.
func TestStripHolds(t *testing.T) {
	p := newPrinter("en", time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		r, f, at := anyRevision(t), anyFacts(t), anyTime(t, "at")
		lines := Strip(r, f, at)
		if len(lines) == 0 || SayAll(p, lines) == "" {
			t.Fatal("an empty strip")
		}
		for _, l := range lines {
			if l.Key != "terms.strip.publish" && l.Key != "terms.strip.publish_until" {
				continue
			}
			for _, channel := range r.Uses.Publish {
				f.Channel, f.Region = channel, ""
				if d := May(r, f, Publish, at); channel != "" && d.Answer == No {
					t.Fatalf("the strip opens %q, but: %+v", channel, d)
				}
			}
		}
	})
}

// TestRevisionRoundTrip writes generated revisions, reads them back and compares.
func TestRevisionRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := anyRevision(t)
		r.Format = Format
		r.Uses.Days = min(r.Uses.Days, maxDays)
		b := r.Bytes()
		back, err := Parse(b)
		if err != nil {
			t.Fatalf("%v\n%s", err, b)
		}
		if d := cmp.Diff(string(b), string(back.Bytes())); d != "" {
			t.Fatal(d)
		}
		back.Validate()
		if len(Text(back, "en")) == 0 || len(Compare(r, back)) != 0 {
			t.Fatal("the document differs")
		}
	})
}

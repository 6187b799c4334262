package ninjs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func keys(problems []news.Problem) string {
	var all []string
	for _, p := range problems {
		k := p.Key
		if p.Fatal {
			k += "!"
		}
		all = append(all, k)
	}
	return strings.Join(all, " ")
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     news.Draft
		problems string
	}{
		{"3.1", `{"uri":"urn:north:1","standard":{"name":"ninjs"},"type":"text","version":"2","versionCreated":"2026-11-22T13:00:00+01:00",
			"embargoedUntil":"2026-11-22T18:00:00Z","pubStatus":"usable","urgency":3,"copyrightHolder":"North Agency","copyrightNotice":"© 2026 North Agency",
			"usageTerms":"Not for archives.\r\nNot for resale.","edNote":"Adds quote.","language":"en_gb","headlines":[{"role":"short","value":"Snow"},{"role":"main","value":"Snow closes\nthe pass"}],
			"bodies":[{"contentType":"text/plain","value":"plain"},{"contentType":"application/xhtml+xml","value":"<p>Snow <i>fell</i>.</p>"},{"contentType":"application/xml","value":"<nitf/>"}],
			"subjects":[{"name":"weather","uri":"http://cv.iptc.org/newscodes/mediatopic/20000339"},{"uri":"https://cv.iptc.org/newscodes/mediatopic/20000339"},{"literal":"place:north","name":"North"},{"name":"Winter Roads"}],
			"genres":[{"uri":"http://cv.iptc.org/newscodes/genre/Current"}],"infoSources":[{"role":"provider","name":"North"},{"name":"North Agency"}],
			"by":" Ann  Berg ","slugline":"snow-pass","located":"NORTHVALE","trustIndicators":[{"title":"x"}]}`,
			news.Draft{SourceID: "urn:north:1", Version: "2", Story: news.Story{Type: news.Text, Lang: "en-GB", Headline: "Snow closes the pass", Slug: "snow-pass", Byline: "Ann Berg",
				Dateline: "NORTHVALE", Body: "<p>Snow <i>fell</i>.</p>", Urgency: 3, Genre: "genre:Current", Credit: "North Agency", Copyright: "© 2026 North Agency",
				Usage: "Not for archives.\nNot for resale.", Note: "Adds quote.", Written: noon, Embargo: noon.Add(6 * time.Hour),
				Subjects: []news.Subject{{Code: "medtop:20000339", Name: "weather"}, {Code: "place:north", Name: "North"}, {Code: "word:winter-roads", Name: "Winter Roads"}}}}, ""},
		{"1.x of a newsroom system", `{"guid":"tag:avand.example,2026:7","version":3,"type":"text","versioncreated":"2026-11-22T12:00:00+0000","priority":6,"language":"fa","headline":"برف",
			"body_html":"<p>برف</p><img src='x'>","byline":"رضا","slugline":"snow","located":"تهران","genre":[{"code":"Article","name":"Article (news)"}],"service":[{"code":"m","name":"Advisory"}],
			"subject":[{"code":"04005004","name":"oil"},{"code":"20000737","scheme":"http://cv.iptc.org/newscodes/mediatopic/"}],"source":"Avand","pubstatus":"usable","urgency":3.0,"place":[{"name":"x"}],"person":[]}`,
			news.Draft{SourceID: "tag:avand.example,2026:7", Version: "3", Story: news.Story{Type: news.Text, Lang: "fa", Headline: "برف", Slug: "snow", Byline: "رضا", Dateline: "تهران",
				Body: "<p>برف</p>", Genre: "Article", Service: "m", Credit: "Avand", Urgency: 3, Written: noon,
				Subjects: []news.Subject{{Code: "subj:04005004", Name: "oil"}, {Code: "medtop:20000737"}}}}, "ingest.body_dropped ingest.unused"},
		{"withdrawn", `{"uri":"urn:x:1","pubstatus":"canceled"}`, news.Draft{SourceID: "urn:x:1", Class: news.Withdrawal, Story: news.Story{Type: news.Text}}, ""},
		{"withheld", `{"uri":"urn:x:1","pubstatus":"withheld","headline":"x"}`, news.Draft{SourceID: "urn:x:1", Class: news.Withdrawal, Held: true, Story: news.Story{Type: news.Text, Headline: "x"}}, "ingest.status_withheld"},
		{"withdrawn without a name", `{"pubstatus":"canceled"}`, news.Draft{Class: news.Withdrawal, Story: news.Story{Type: news.Text}}, "ingest.uri_missing ingest.withdrawal_of_nothing!"},
		{"nothing to read", `{"uri":"urn:x:1","type":"audio"}`, news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Audio}}, "ingest.empty!"},
		{"plain body, no headline", `{"uri":"urn:x:1","body_text":"One <two>.\n\nThree."}`, news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text,
			Headline: "One <two>. Three.", Body: "<p>One &lt;two&gt;.</p><p>Three.</p>"}}, "ingest.headline_missing"},
		{"description for a body", `{"uri":"urn:x:1","headline":"H","description_text":"D"}`, news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text, Headline: "H", Body: "<p>D</p>"}}, ""},
		{"bad fields", `{"uri":"urn:x:1","type":"advisory","headline":["x"],"title":"T","body_text":"b","versioncreated":"Last Tuesday","urgency":12,"language":"???","pubstatus":"lost","subject":[7,{}],"by":7,"version":null}`,
			news.Draft{SourceID: "urn:x:1", Held: true, Story: news.Story{Type: news.Text, Headline: "T", Body: "<p>b</p>", Byline: "7"}},
			"ingest.status_unknown ingest.type_unknown ingest.field_kind ingest.language_bad ingest.urgency_bad ingest.date_bad ingest.field_kind ingest.subject_bad"},
		{"a bad embargo is fatal", `{"uri":"urn:x:1","headline":"H","embargoed":"tonight"}`, news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text, Headline: "H"}}, "ingest.date_bad!"},
		{"date without zone", `{"uri":"urn:x:1","headline":"H","versioncreated":"2026-11-22T12:00:00"}`, news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text, Headline: "H", Written: noon}}, "ingest.date_zone"},
		{"names twice by case", `{"uri":"urn:x:1","headline":"H","versionCreated":"2026-11-22T12:00:00Z","versioncreated":"2025-11-22T12:00:00Z"}`,
			news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text, Headline: "H", Written: noon}}, "ingest.field_twice"},
		{"photo", `{"uri":"urn:x:p","type":"picture","headline":"Pass","description_text":"The pass.","byline":"A. Berg","copyrightholder":"North","usageterms":"No archives","mimetype":"image/jpeg",
			"renditions":{"thumbnail":{"href":"http://n.example/t.jpg","width":100,"height":50},"original":{"href":"http://n.example/o.jpg","mimetype":"image/jpeg","width":"4000","height":2000,"poi":{"x":1}}}}`,
			news.Draft{SourceID: "urn:x:p", Story: news.Story{Type: news.Picture, Headline: "Pass", Body: "<p>The pass.</p>", Byline: "A. Berg", Copyright: "North", Usage: "No archives",
				Media: []news.Media{{ID: "http://n.example/o.jpg", Type: "image/jpeg", Width: 4000, Height: 2000, Caption: "The pass.", Byline: "A. Berg", Rights: "North\nNo archives", Headline: "Pass", Of: news.Picture}}}}, ""},
		{"associations 1.x", `{"uri":"urn:x:1","headline":"H","associations":{"b":null,"a":{"uri":"urn:x:a","type":"picture","description_caption":"C","description_creditline":"AP","renditions":{"small":{"href":"http://n.example/s.jpg","width":1,"height":1},"big":{"href":"http://n.example/b.jpg","mimetype":"image/jpeg","width":9,"height":9}}},
			"c":{"uri":"urn:x:c","type":"text","headline":"Related"}}}`,
			news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text, Headline: "H", Media: []news.Media{{ID: "http://n.example/b.jpg", Type: "image/jpeg", Width: 9, Height: 9, Caption: "C", Credit: "AP", Of: news.Picture}}}}, "ingest.association_story"},
		{"associations 3.x", `{"uri":"urn:x:1","headlines":[{"value":"H"}],"associations":[{"name":"a","uri":"urn:x:a","by":"B","descriptions":[{"contentType":"text/html","value":"<p>C <b>d</b></p>"}],"renditions":[{"name":"x","contentType":"video/mp4","sizeInBytes":77}]}]}`,
			news.Draft{SourceID: "urn:x:1", Story: news.Story{Type: news.Text, Headline: "H", Media: []news.Media{{ID: "urn:x:a", Type: "video/mp4", Size: 77, Caption: "C d", Byline: "B", Of: news.Video}}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if k := keys(got.Problems); k != c.problems {
				t.Errorf("problems %s\n    want %s\n%v", k, c.problems, got.Problems)
			}
			if string(got.Original) != c.in || got.Format != MediaType {
				t.Error("the original is not kept")
			}
			got.Problems, got.Original, got.Format = nil, nil, ""
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for in, key := range map[string]string{
		``: "ingest.json_syntax", `{`: "ingest.json_syntax", `{} {}`: "ingest.json_more", `{"a":1,}`: "ingest.json_syntax", `[]`: "ingest.json_no_object", `"x"`: "ingest.json_no_object",
		`{"uri":"a","uri":"b"}`: "ingest.json_twice", `{"a":{"b":1,"b":2}}`: "ingest.json_twice", "{\"a\":\"\xff\"}": "ingest.json_utf8",
		`{"a":"\ud800"}`: "ingest.json_utf8", `{"a":"\udc00x"}`: "ingest.json_utf8", `{"a":"\ud800\u0041"}`: "ingest.json_utf8",
		strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40): "ingest.json_deep",
		`{"a":"` + strings.Repeat("x", MaxItem) + `"}`:              "ingest.item_large",
	} {
		if _, err := Parse([]byte(in)); fault.Of(err).Key != key {
			t.Errorf("%.60s: %v, want %s", in, err, key)
		}
	}
	if _, err := Parse([]byte("\xef\xbb\xbf" + `{"uri":"a","headline":"\ud83d\ude00 \\ud800"}`)); err != nil {
		t.Errorf("a whole pair: %v", err)
	}
}

func TestWrite(t *testing.T) {
	s := news.Story{Type: news.Text, Lang: "ru", Headline: "Снег", Body: "<p>Снег & лёд</p>", Urgency: 2, Written: noon, Subjects: []news.Subject{{Code: "medtop:20000339", Name: "погода"}, {Code: "word:snow"}}}
	got := string(Write(s, Meta{URI: "newspool://soren.example/item/1", Version: "2", Class: news.Correction, Released: noon.Add(time.Minute), Provider: "Радио Сорен"}))
	want := `{"uri":"newspool://soren.example/item/1","standard":{"name":"ninjs","version":"3.1","schema":"http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"},"type":"text",` +
		`"representationType":"full","version":"2","versionCreated":"2026-11-22T12:01:00Z","contentCreated":"2026-11-22T12:00:00Z","pubStatus":"usable","urgency":2,"language":"ru",` +
		`"headlines":[{"role":"main","value":"Снег"}],"bodies":[{"role":"main","contentType":"text/html","wordCount":3,"value":"<p>Снег & лёд</p>"}],` +
		`"subjects":[{"name":"погода","uri":"http://cv.iptc.org/newscodes/mediatopic/20000339"},{"literal":"word:snow"}],"infoSources":[{"name":"Радио Сорен","role":"provider"}],` +
		`"altIds":[{"role":"newspool:class","value":"correction"}]}`
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if w := string(Write(news.Story{}, Meta{URI: "urn:x:1", Class: news.Withdrawal})); !strings.Contains(w, `"pubStatus":"canceled"`) {
		t.Error(w)
	}
}

// What was written is read back the same, and is ninjs 3.1.
func TestWriteParse(t *testing.T) {
	check := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		s, m := genStory(t), genMeta(t)
		b := Write(s, m)
		if again := Write(s, m); string(again) != string(b) {
			t.Fatal("not the same bytes twice")
		}
		if wrong := check.validate(b); wrong != nil {
			t.Fatalf("not ninjs 3.1: %s\n%s", strings.Join(wrong, "\n"), b)
		}
		d, err := Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, d.Story); diff != "" {
			t.Fatalf("%s\n%s", diff, b)
		}
		if d.SourceID != m.URI || d.Version != m.Version || d.Class != m.Class || len(d.Problems) != 0 {
			t.Fatalf("%s %s %s %v", d.SourceID, d.Version, d.Class, d.Problems)
		}
	})
}

func genMeta(t *rapid.T) Meta {
	return Meta{URI: fmt.Sprintf("newspool://north.example/item/%d", rapid.IntRange(1, 1e6).Draw(t, "uri")), Version: rapid.SampledFrom([]string{"", "1", "17"}).Draw(t, "version"),
		Class:    rapid.SampledFrom([]news.Class{"", news.First, news.Update, news.Correction, news.Withdrawal}).Draw(t, "class"),
		Released: rapid.SampledFrom([]time.Time{{}, noon}).Draw(t, "released"), Provider: rapid.SampledFrom([]string{"", "North Agency"}).Draw(t, "provider")}
}

func genStory(t *rapid.T) news.Story {
	words := rapid.Custom(func(t *rapid.T) string {
		return line(strings.ToValidUTF8(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "Snow closes the pass", "خبرگزاری آوند", "Радио <b> & \"Сорен\""})).Draw(t, "words"), ""))
	})
	text := rapid.Custom(func(t *rapid.T) string { return lines(words.Draw(t, "a") + "\n" + words.Draw(t, "b")) })
	code := rapid.SampledFrom([]string{"medtop:20000339", "subj:04005004", "genre:Current", "word:snow", "place:usa", "https://north.example/topic/7", "urn:x:y", "20000339", "http://bad uri", "medtop:a b"})
	kind := rapid.SampledFrom(news.ItemTypes[:])
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return noon.Add(time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(t, "us")) * time.Microsecond)
	})
	s := news.Story{Type: kind.Draw(t, "type"), Lang: rapid.SampledFrom([]news.Lang{"", "en", "fa", "ru", "zh-Hans", "pt-BR"}).Draw(t, "lang"), Headline: words.Draw(t, "headline"), Slug: words.Draw(t, "slug"),
		Byline: words.Draw(t, "byline"), Dateline: words.Draw(t, "dateline"), Body: sanitize.Text(text.Draw(t, "body")), Genre: rapid.SampledFrom([]string{"", "genre:Current", "Article"}).Draw(t, "genre"),
		Service: words.Draw(t, "service"), Urgency: news.Urgency(rapid.IntRange(0, 9).Draw(t, "urgency")), Credit: words.Draw(t, "credit"), Copyright: text.Draw(t, "copyright"),
		Usage: text.Draw(t, "usage"), Note: text.Draw(t, "note"), Written: at.Draw(t, "written")}
	if s.Headline == "" {
		s.Headline = "x"
	}
	if rapid.Bool().Draw(t, "embargoed") {
		s.Embargo = at.Draw(t, "embargo")
	}
	for _, c := range rapid.SliceOfNDistinct(code, 0, 4, rapid.ID[string]).Draw(t, "codes") {
		s.Subjects = append(s.Subjects, news.Subject{Code: c, Name: words.Draw(t, "name")})
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "media") {
		m := news.Media{ID: fmt.Sprintf("m %d", i), Type: "image/jpeg", SHA256: strings.Repeat("ab", 32), Of: news.Picture, Size: rapid.Int64Range(0, 1e9).Draw(t, "size"), Width: rapid.IntRange(0, 5000).Draw(t, "w"),
			Height: rapid.IntRange(0, 5000).Draw(t, "h"), Caption: text.Draw(t, "caption"), Credit: words.Draw(t, "mcredit"), Byline: words.Draw(t, "mbyline"), Rights: text.Draw(t, "rights"), Headline: words.Draw(t, "mhead")}
		if rapid.Bool().Draw(t, "elsewhere") {
			m.ID, m.SHA256 = "https://north.example/p/1.jpg", ""
		}
		s.Media = append(s.Media, m)
	}
	return s
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"uri":"urn:x:1","headline":"H","body_html":"<p>x</p>","associations":{"a":{"renditions":{"b":{"href":"x"}}}}}`))
	f.Add(Write(news.Story{Headline: "x", Body: "<p>b</p>", Media: []news.Media{{ID: "1"}}}, Meta{URI: "urn:x:1"}))
	check := loadSchema(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Parse(b)
		if err != nil {
			return
		}
		if sanitize.Story(d.Body) != d.Body {
			t.Errorf("the body is not clean: %q", d.Body)
		}
		// What was read is written, and read the same.
		w := Write(d.Story, Meta{URI: "urn:x:1", Class: d.Class})
		if wrong := check.validate(w); wrong != nil {
			t.Errorf("not ninjs: %v\n%s", wrong, w)
		}
		if d2, err := Parse(w); err != nil || d2.Body != d.Body || d2.Headline != d.Headline {
			t.Errorf("%v: %q became %q", err, d.Headline, d2.Headline)
		}
	})
}

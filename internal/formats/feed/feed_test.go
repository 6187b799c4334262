package feed

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

const rssFeed = `<?xml version="1.0"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:media="http://search.yahoo.com/mrss/">
<channel><title>North Agency</title><link>https://north.example/</link><language>en-gb</language><copyright>© North Agency</copyright>
<item><guid isPermaLink="false">n-1</guid><title>Snow &amp;amp; ice close
 the pass</title><link>https://north.example/1</link><pubDate>Sun, 22 Nov 2026 13:00:00 +0100</pubDate><dc:creator>Ann Berg</dc:creator>
<category>Weather</category><category>Winter Roads</category><category>weather</category>
<description>Short.</description><content:encoded><![CDATA[<div><p>Snow <script>x</script>fell.</p><img src="x.jpg"></div>]]></content:encoded>
<enclosure url="https://north.example/1.mp3" type="audio/mpeg" length="77"/><media:content url="https://north.example/1.jpg" medium="image" width="800" height="600"><media:credit>B. Holm</media:credit></media:content></item>
<item><description>Only a text,
with &lt;b&gt;marks&lt;/b&gt;.</description><pubDate>yesterday</pubDate></item>
<item></item></channel></rss>`

func TestRSS(t *testing.T) {
	f, err := Parse([]byte(rssFeed))
	if err != nil {
		t.Fatal(err)
	}
	want := Feed{Title: "North Agency", Lang: "en-GB", Link: "https://north.example/", Items: []news.Draft{
		{SourceID: "n-1", Format: "application/json", Story: news.Story{Type: news.Text, Lang: "en-GB", Headline: "Snow & ice close the pass", Byline: "Ann Berg", Credit: "North Agency",
			Body: "<p>Snow fell.</p>", Copyright: "© North Agency", Note: "https://north.example/1", Written: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
			Subjects: []news.Subject{{Code: "word:weather", Name: "Weather"}, {Code: "word:winter-roads", Name: "Winter Roads"}},
			Media: []news.Media{{ID: "https://north.example/1.mp3", Type: "audio/mpeg", Size: 77, Of: news.Audio},
				{ID: "https://north.example/1.jpg", Width: 800, Height: 600, Credit: "B. Holm", Of: news.Picture}}},
			Problems: []news.Problem{{Where: "content", Key: "ingest.body_dropped", Args: map[string]any{"elements": "img"}}}},
		{Format: "application/json", Story: news.Story{Type: news.Text, Lang: "en-GB", Headline: "Only a text, with marks.", Credit: "North Agency", Copyright: "© North Agency", Body: "<p>Only a text, with <b>marks</b>.</p>"},
			Problems: []news.Problem{{Where: "published", Key: "ingest.date_bad", Args: map[string]any{"field": "published", "value": "yesterday"}}, {Where: "title", Key: "ingest.headline_missing"}}},
		{Format: "application/json", Story: news.Story{Type: news.Text, Lang: "en-GB", Credit: "North Agency", Copyright: "© North Agency"}, Problems: []news.Problem{{Key: "ingest.empty", Fatal: true}}},
	}}
	for i, it := range f.Items {
		if len(it.Original) == 0 || it.SourceID == "" {
			t.Errorf("item %d has no original or no id", i)
		}
	}
	f.Items[1].SourceID, f.Items[2].SourceID = "", ""
	if d := cmp.Diff(want, f, cmpopts.IgnoreFields(news.Draft{}, "Original")); d != "" {
		t.Error(d)
	}
}

func TestAtomAndJSON(t *testing.T) {
	for name, in := range map[string]string{
		"atom": `<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="fa"><title>خبرگزاری آوند</title><entry><id>urn:a:1</id><title type="html">برف &lt;b&gt;سنگین&lt;/b&gt;</title><updated>2026-11-22T12:00:00Z</updated>
			<content type="html">&lt;p>برف&lt;/p></content><link href="https://avand.example/1"/></entry></feed>`,
		"json": `{"version":"https://jsonfeed.org/version/1.1","title":"خبرگزاری آوند","language":"fa","items":[{"id":"urn:a:1","title":"برف سنگین","date_modified":"2026-11-22T12:00:00Z","content_html":"<p>برف</p>","url":"https://avand.example/1"}]}`,
	} {
		f, err := Parse([]byte(in))
		if err != nil || len(f.Items) != 1 {
			t.Fatalf("%s: %v, %d items", name, err, len(f.Items))
		}
		d := f.Items[0]
		if d.SourceID != "urn:a:1" || d.Headline != "برف سنگین" || d.Body != "<p>برف</p>" || d.Lang != "fa" || d.Credit != "خبرگزاری آوند" || d.Version != "2026-11-22T12:00:00Z" || d.Note != "https://avand.example/1" || d.Written.IsZero() {
			t.Errorf("%s: %+v", name, d.Story)
		}
	}
}

func TestRepaired(t *testing.T) {
	f, err := Parse([]byte("<rss version=\"2.0\"><channel><item><title>Snow \xe9\x01</title></item></channel></rss>"))
	if err != nil || len(f.Items) != 1 || f.Items[0].Headline != "Snow \ufffd" || len(f.Problems) != 1 || f.Problems[0].Key != "ingest.feed_repaired" {
		t.Errorf("%v %+v", err, f)
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct{ in, key string }{
		"empty":   {"", "ingest.feed_bad"},
		"a page":  {"<html><body>x</body></html>", "ingest.feed_bad"},
		"deep":    {"<rss><channel>" + strings.Repeat("<a:b>", 20_000), "ingest.feed_bad"},
		"too big": {strings.Repeat(" ", MaxFeed+1), "ingest.feed_large"},
	} {
		if _, err := Parse([]byte(c.in)); fault.Of(err).Key != c.key {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Real and broken feeds of other projects: none makes the reader fall, and nearly all that have items yield them.
func TestOtherProjectsFeeds(t *testing.T) {
	root := os.Getenv("NEWSPOOL_SHARED")
	if root == "" {
		t.Log("NEWSPOOL_SHARED is not set: the feeds of other projects are left out")
		return
	}
	files, read, yield, itemless := 0, 0, 0, 0
	err := filepath.WalkDir(filepath.Join(root, "testdata/feeds"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.Contains(path, "/opml/") || !(strings.HasSuffix(path, ".xml") || strings.Contains(path, "/feed")) || strings.HasSuffix(path, ".json") && !strings.Contains(path, "/json/") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		low := strings.ToLower(string(b))
		if !strings.Contains(low, "<item") && !strings.Contains(low, "<entry") && !strings.Contains(low, `"items"`) {
			itemless++
			return nil
		}
		files++
		f, err := Parse(b)
		if err == nil {
			read++
		}
		if len(f.Items) > 0 {
			yield++
		}
		if os.Getenv("NEWSPOOL_VERBOSE") != "" && len(f.Items) == 0 {
			t.Log(path, err)
		}
		for _, d := range f.Items {
			if d.SourceID == "" || sanitize.Story(d.Body) != d.Body || strings.ContainsAny(d.Headline, "\n\r") {
				t.Errorf("%s: %+v", path, d.Story)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d feeds with items: %d read, %d yield items; %d files without items", files, read, yield, itemless)
	if files < 1000 || yield*100 < files*85 {
		t.Errorf("too few: %d of %d", yield, files)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(rssFeed))
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><title>x</title></entry></feed>`))
	f.Add([]byte(`{"version":"https://jsonfeed.org/version/1","items":[{"id":"1"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		feed, err := Parse(b)
		if err != nil && fault.Of(err).Kind == fault.Internal {
			t.Error(err)
		}
		for _, d := range feed.Items {
			if d.SourceID == "" || sanitize.Story(d.Body) != d.Body {
				t.Errorf("%q %q", d.SourceID, d.Body)
			}
		}
	})
}

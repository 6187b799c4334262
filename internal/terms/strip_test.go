package terms

import (
	"testing"
	"time"

	"newspool/internal/news"
)

func TestStrip(t *testing.T) {
	p := newPrinter("en", time.UTC)
	released := time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)
	item := Facts{From: north, To: avand, Type: news.Text, Lang: "en", Released: released}
	usual := "May be published in print, web and radio with the credit “North Agency”, until 30 June 2026. Only in Iran and France. Not on television. Not in social media. Not to be passed on. Not for the training of models. With a link to the original."
	for name, c := range map[string]struct {
		revision Revision
		facts    func(f *Facts)
		at       time.Time
		want     string
	}{
		"usual":     {exchange(), nil, released, usual},
		"own":       {exchange(), func(f *Facts) { f.To = north }, released, "Your own item: no agreement limits its use."},
		"withdrawn": {exchange(), func(f *Facts) { f.State = news.Withdrawn }, released, "Withdrawn: it must not be used (clause 5.2, North Agency)."},
		"embargo": {exchange(), func(f *Facts) { f.Embargo = released.Add(time.Hour) }, released,
			"Under embargo until 1 May 2026, 11:00 (clause 4 of the agreement with North Agency). " + usual},
		"set aside": {exchange(), func(f *Facts) { f.State = news.SetAside }, released, "Set aside: somebody here must decide first. " + usual},
		"too late":  {exchange(), nil, released.AddDate(0, 3, 0), "The time for use ended on 30 June 2026 (clause 3.9 of the agreement with North Agency). It may still be read."},
		"ended":     {exchange(), nil, released.AddDate(1, 0, 0), "The agreement with North Agency ended on 28 February 2027 (clause 1.3). It may still be read."},
		"notice": {exchange(), func(f *Facts) { f.Ends = time.Date(2026, 5, 31, 20, 30, 0, 0, time.UTC) }, released,
			"May be published in print, web and radio with the credit “North Agency”, until 31 May 2026. Only in Iran and France. Not on television. Not in social media. Not to be passed on. Not for the training of models. With a link to the original."},
		"only to be found": {exchange(), func(f *Facts) {
			f.Archive, f.Type, f.Written = true, news.Picture, time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
		}, released, "For searching and reading only (clause 2.5 of the agreement with North Agency)."},
		"nothing to publish": {opened(), func(f *Facts) {
			f.From, f.To, f.Archive, f.Written = soren, north, true, time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)
		}, released, "Not for publication. Not to be translated. Not to be shortened. Not to be combined with other material. Not to be passed on. Not for the training of models. Not to be kept beyond its time. Tell Radio Soren when you have used it."},
		"without limits": {Template(Wire, northParty(), avandParty()), nil, released,
			"May be published in print, web, radio, television and social media with the credit “North Agency”. Not to be passed on. Not for the training of models. With a link to the original."},
	} {
		f := item
		if c.facts != nil {
			c.facts(&f)
		}
		if got := SayAll(p, Strip(c.revision, f, c.at)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
}

// TestStripLanguage gives the credit line in the reader's language.
func TestStripLanguage(t *testing.T) {
	lines := Strip(exchange(), Facts{From: north, To: avand}, time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC))
	for lang, want := range map[string]string{"fa": "به نقل از خبرگزاری شمال", "en": "North Agency", "ru": "North Agency"} {
		if got := spoken(newPrinter(lang, time.UTC), lines[0].Args["credit"]); got != want {
			t.Errorf("%s: %q", lang, got)
		}
	}
}

package i18n

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func bundle(t *testing.T) *Bundle {
	t.Helper()
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// small is a bundle with a few messages, so that tests of the engine do not hang on the words of the program.
func small(t *testing.T) *Bundle {
	t.Helper()
	b, err := load(fstest.MapFS{
		"en/wire.json": {Data: []byte(`{"wire.new":{"one":"{n} new item","other":"{n} new items"},"wire.by":"By {name} on {day}","wire.only":"Only English","wire.held":{"by":"count","one":"{who}: {count} is held","other":"{who}: {count} are held"}}`)},
		"ru/wire.json": {Data: []byte(`{"wire.new":{"one":"{n} новый","few":"{n} новых (few)","many":"{n} новых (many)","other":"{n} нового"}}`)},
		"fa/wire.json": {Data: []byte(`{"wire.by":"{name}، {day}"}`)},
		"ar/wire.json": {Data: []byte(`{"wire.new":{"zero":"لا شيء","one":"واحد","two":"اثنان","few":"{n} few","many":"{n} many","other":"{n} other"}}`)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bare(s string) string { return strings.NewReplacer("\u2068", "", "\u2069", "").Replace(s) }

func TestPlural(t *testing.T) {
	b := small(t)
	for _, c := range []struct {
		lang string
		n    any
		want string
	}{
		{"en", 1, "1 new item"}, {"en", 2, "2 new items"}, {"en", 1204, "1,204 new items"}, {"en", 1.5, "1.5 new items"},
		{"ru", 1, "1 новый"}, {"ru", 3, "3 новых (few)"}, {"ru", 11, "11 новых (many)"}, {"ru", 21, "21 новый"}, {"ru", 1.5, "1,5 нового"},
		{"ar", 0, "لا شيء"}, {"ar", 2, "اثنان"}, {"ar", 7, "٧ few"}, {"ar", 11, "١١ many"}, {"ar", int64(100), "١٠٠ other"},
		{"ar-u-nu-latn", uint8(7), "7 few"},
		{"fa", 3, "۳ new items"},
	} {
		if got := b.Printer(c.lang, nil).T("wire.new", "n", c.n); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.lang, c.n, got, c.want)
		}
	}
	p := b.Printer("en", nil)
	if got, want := bare(p.T("wire.held", "count", 1, "who", "Baltra Press")), "Baltra Press: 1 is held"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestValues(t *testing.T) {
	b := small(t)
	day := time.Date(2026, 11, 22, 12, 2, 0, 0, time.UTC)
	type desk string
	for _, c := range []struct {
		lang  string
		value any
		want  string
	}{
		{"en", "Radio Soren", "By \u2068Radio Soren\u2069 on 22 November 2026"},
		{"en", desk("Foreign"), "By \u2068Foreign\u2069 on 22 November 2026"},
		{"en", Plain("Radio Soren"), "By Radio Soren on 22 November 2026"},
		{"en", []string{"a", "b", "c"}, "By \u2068a\u2069, \u2068b\u2069 and \u2068c\u2069 on 22 November 2026"},
		{"en", "", "By  on 22 November 2026"},
		{"en", nil, "By  on 22 November 2026"},
		{"fa", "Baltra Press", "\u2068Baltra Press\u2069، ۱ آذر ۱۴۰۵"},
	} {
		if got := b.Printer(c.lang, nil).T("wire.by", "name", c.value, "day", Date(day)); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.lang, c.value, got, c.want)
		}
	}
	if got := b.Printer("ru", nil).T("wire.only"); got != "Only English" {
		t.Errorf("what Russian lacks is not said in English: %q", got)
	}
	if got := b.Printer("fr", nil).T("wire.nowhere"); got != "«wire.nowhere»" {
		t.Errorf("a key without a message shows as %q", got)
	}
	if got := b.Printer("en", nil).Text("wire.by", map[string]any{"name": "X"}); bare(got) != "By X on {day}" {
		t.Errorf("a missing value shows as %q", got)
	}
}

func TestMalformedCatalogs(t *testing.T) {
	for _, bad := range []string{
		`[]`, `{"wire.a":1}`, `{"item.a":"x"}`, `{"wire.a":"{n"}`, `{"wire.a":"n}"}`, `{"wire.a":"{n {m}"}`, `{"wire.a":"{N}"}`, `{"wire.a":"{}"}`,
		`{"wire.a":{"one":"x"}}`, `{"wire.a":{"other":"x","lots":"y"}}`, `{"wire.a":{"other":"{"}}`,
	} {
		if _, err := load(fstest.MapFS{"en/wire.json": {Data: []byte(bad)}}); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestMatch(t *testing.T) {
	b := small(t)
	for _, c := range []struct {
		preferred []string
		want      string
	}{
		{nil, "en"}, {[]string{""}, "en"}, {[]string{"fa"}, "fa"}, {[]string{"fa-IR,fa;q=0.9,en;q=0.8"}, "fa"}, {[]string{"", "ar-EG"}, "ar"},
		{[]string{"ja", "ru"}, "ru"}, {[]string{"de-CH, fr-CH;q=0.7"}, "fr"}, {[]string{"%%%", "es-MX"}, "es"}, {[]string{"en-GB", "fa"}, "en"},
	} {
		if got := b.Match(c.preferred...); got != c.want {
			t.Errorf("%q: %s, want %s", c.preferred, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	b := bundle(t)
	zone := time.FixedZone("north", 2*3600)
	at := time.Date(2026, 11, 22, 12, 2, 7, 0, time.UTC)
	for _, c := range []struct{ lang, date, weekday, clock string }{
		{"en", "22 November 2026, 14:02", "Sunday 22 November", "14:02:07"},
		{"ru", "22 ноября 2026, 14:02", "воскресенье, 22 ноября", "14:02:07"},
		{"fa", "۱ آذر ۱۴۰۵، ۱۴:۰۲", "یکشنبه ۱ آذر", "۱۴:۰۲:۰۷"},
		{"fa-u-ca-gregory", "۲۲ نوامبر ۲۰۲۶، ۱۴:۰۲", "یکشنبه ۲۲ نوامبر", "۱۴:۰۲:۰۷"},
		{"ar", "٢٢ نوفمبر ٢٠٢٦، ١٤:٠٢", "الأحد ٢٢ نوفمبر", "١٤:٠٢:٠٧"},
		{"ar-u-nu-latn", "22 نوفمبر 2026، 14:02", "الأحد 22 نوفمبر", "14:02:07"},
		{"fr", "22 novembre 2026, 14:02", "dimanche 22 novembre", "14:02:07"},
		{"es", "22 de noviembre de 2026, 14:02", "domingo 22 de noviembre", "14:02:07"},
	} {
		p := b.Printer(c.lang, zone)
		if got := p.DateTime(at); got != c.date {
			t.Errorf("%s: %q, want %q", c.lang, got, c.date)
		}
		if got := p.Weekday(at); got != c.weekday {
			t.Errorf("%s: %q, want %q", c.lang, got, c.weekday)
		}
		if got := p.Seconds(at); got != c.clock {
			t.Errorf("%s: %q, want %q", c.lang, got, c.clock)
		}
	}
	p := b.Printer("en", zone)
	if p.Date(time.Time{})+p.Day(time.Time{})+p.Time(time.Time{})+p.Seconds(time.Time{})+p.DateTime(time.Time{})+p.Ago(time.Time{}, at)+p.Moment(time.Time{}, at)+p.Weekday(time.Time{}) != "" {
		t.Error("the zero time is shown")
	}
	if got := b.Printer("fr", nil).Date(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)); got != "1er mars 2026" {
		t.Errorf("the first of a month in French: %q", got)
	}
}

func TestMoments(t *testing.T) {
	b := bundle(t)
	now := time.Date(2026, 11, 22, 14, 2, 0, 0, time.UTC)
	for _, c := range []struct {
		before       time.Duration
		ago, faAgo   string
		moment, span string
	}{
		{-time.Minute, "just now", "همین حالا", "14:03", "0 s"},
		{10 * time.Second, "just now", "همین حالا", "14:01", "10 s"},
		{4 * time.Minute, "4 min ago", "۴ دقیقه پیش", "13:58", "4 min"},
		{2 * time.Hour, "2 h ago", "۲ ساعت پیش", "12:02", "2 h"},
		{24 * time.Hour, "1 day ago", "۱ روز پیش", "21 November, 14:02", "24 h"},
		{72 * time.Hour, "3 days ago", "۳ روز پیش", "19 November, 14:02", "3 days"},
		{30 * 24 * time.Hour, "23 October", "۱ آبان", "23 October, 14:02", "30 days"},
		{400 * 24 * time.Hour, "18 October 2025", "۲۶ مهر ۱۴۰۴", "18 October 2025, 14:02", "400 days"},
	} {
		en, fa := b.Printer("en", nil), b.Printer("fa", nil)
		at := now.Add(-c.before)
		for _, p := range [][2]string{{en.Ago(at, now), c.ago}, {fa.Ago(at, now), c.faAgo}, {en.Moment(at, now), c.moment}, {en.Span(c.before), c.span}} {
			if p[0] != p[1] {
				t.Errorf("%s before: %q, want %q", c.before, p[0], p[1])
			}
		}
	}
	if got := b.Printer("fa", nil).Span(340 * time.Millisecond); got != "۰٫۳ ثانیه" {
		t.Errorf("a short span: %q", got)
	}
}

func TestNumbersAndNames(t *testing.T) {
	b := bundle(t)
	for _, c := range []struct{ got, want string }{
		{b.Printer("en", nil).Number(18204), "18,204"},
		{b.Printer("fa", nil).Number(18204), "۱۸٬۲۰۴"},
		{b.Printer("ar", nil).Number(int64(18204)), "١٨٬٢٠٤"},
		{b.Printer("fa", nil).Digits(1405), "۱۴۰۵"},
		{b.Printer("fa", nil).Numeral("4.2."), "۴٫۲."},
		{b.Printer("ar", nil).Numeral("clause 10"), "clause ١٠"},
		{b.Printer("en", nil).Numeral("4.2"), "4.2"},
		{b.Printer("en", nil).Bytes(640_000), "640 kB"},
		{b.Printer("en", nil).Bytes(1_250_000), "1.2 MB"},
		{b.Printer("en", nil).Bytes(1), "1 byte"},
		{b.Printer("fr", nil).Bytes(3_400_000_000), "3,4 Go"},
		{b.Printer("en", nil).Language("fa"), "Persian"},
		{b.Printer("fa", nil).Language("ru"), "روسی"},
		{b.Printer("en", nil).Language("?"), "?"},
		{OwnName("fa"), "فارسی"},
		{OwnName("ru"), "русский"},
		{bare(b.Printer("fa", nil).List([]string{"چاپ", "وب"})), "چاپ و وب"},
		{b.Printer("en", nil).Dir() + b.Printer("fa", nil).Dir(), "ltrrtl"},
		{Direction("az-Arab") + Direction("az") + Direction("") + Direction("ar-EG"), "rtlltrautortl"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
	p := b.Printer(Pseudo, nil)
	if got := p.T("when.today"); len(got) < len("Today")*3/2 || strings.HasPrefix(got, "Today") {
		t.Errorf("the pseudo-language says %q", got)
	}
}

package news

import (
	"strings"
	"testing"

	"newspool/internal/sanitize"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		body string
		want int
	}{
		{"", 0},
		{"<p>One two.</p><p>Three</p>", 3},
		{"<p>One</p><p>two</p>", 2},
		{"<p>o<em>n</em>e</p>", 1},
		{"<ul><li>one</li><li>two</li></ul>three", 3},
		{"<p>one<br/>two</p>", 2},
		{"<p>one&nbsp;two &amp; three&#39;s</p>", 4},
		{"<p>یک\u200cدو\u00a0سه\u2003چهار</p>", 3},
		{"one <b", 1},
		{"a > b", 3},
		{"\t one\v\ntwo\r ", 2},
	} {
		if got := (Story{Body: c.body}).Words(); got != c.want || got != len(strings.Fields(PlainText(c.body))) {
			t.Errorf("%q has %d words, want %d; its plain text has %d", c.body, got, c.want, len(strings.Fields(PlainText(c.body))))
		}
	}
}

// Words are those of the plain text, in every body that can be kept.
func FuzzWords(f *testing.F) {
	f.Add("<h2>A</h2>b<p>c <em>d</em>e&nbsp;f</p>")
	f.Add("یک\u200cدو <br> &amp;nbsp; \u0085x")
	f.Fuzz(func(t *testing.T, src string) {
		body := sanitize.Story(src)
		if got, want := (Story{Body: body}).Words(), len(strings.Fields(PlainText(body))); got != want {
			t.Errorf("%q has %d words, and its plain text %d", body, got, want)
		}
	})
}

package sanitize

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

func TestStory(t *testing.T) {
	link := ` rel="noopener nofollow"`
	for _, c := range []struct{ name, in, want string }{
		{"empty", "", ""},
		{"only space", " \n\t ", ""},
		{"loose text", "Snow closed the pass.", "<p>Snow closed the pass.</p>"},
		{"paragraphs stay", "<p>One.</p><p>Two.</p>", "<p>One.</p><p>Two.</p>"},
		{"empty paragraphs go", "<p>One.</p><p></p><p>&nbsp;</p><p><br></p><p><b> </b></p><p>Two.</p>", "<p>One.</p><p>Two.</p>"},
		{"divs are limits", "<div>One.</div><div>Two.<div>Three.</div></div>", "<p>One.</p><p>Two.</p><p>Three.</p>"},
		{"spaces run together", "<p>\n  One\n  two <b> three </b> four\n</p>", "<p>One two <b>three </b>four</p>"},
		{"headings", "<h1>A</h1><h2>B</h2><h6>C</h6><h3></h3>", "<h2>A</h2><h2>B</h2><h4>C</h4>"},
		{"heading with blocks", "<h2><div>A</div><p>B</p></h2>", "<h2>A B</h2>"},
		{"one break", "<p>One<br>two</p>", "<p>One<br/>two</p>"},
		{"two breaks", "One<br><br/>two<br>", "<p>One</p><p>two</p>"},
		{"script", `<p>a<script>alert("</p>")</script>b</p>`, "<p>ab</p>"},
		{"script without end", "<p>a</p><script>alert(1)", "<p>a</p>"},
		{"style class id", `<p style="x" class="y" id="z" onclick="q()">a</p>`, "<p>a</p>"},
		{"picture", `<p>a<img src="https://x.example/1.jpg" onerror="x()">b</p><figure><img src=x><figcaption>The pass.</figcaption></figure>`, "<p>ab</p><p>The pass.</p>"},
		{"link", `<a href="https://north.example/a?b=1&c=2" target=_blank>x</a>`, `<p><a href="https://north.example/a?b=1&amp;c=2"` + link + `>x</a></p>`},
		{"mail", `<a href="mailto:desk@north.example">x</a>`, `<p><a href="mailto:desk@north.example"` + link + `>x</a></p>`},
		{"bad links", `<a href="javascript:x()">x</a> <a href="/rel">y</a> <a href=" java	script:z">z</a> <a>q</a>`, "<p>x y z q</p>"},
		{"link around blocks", `<a href="https://north.example/"><h2>T</h2><p>x</p></a>`,
			`<h2><a href="https://north.example/"` + link + `>T</a></h2><p><a href="https://north.example/"` + link + `>x</a></p>`},
		{"direction", `<div lang="fa" dir="RTL"><p>سلام</p><p lang="en" dir="ltr">Hello</p></div>`, `<p lang="fa" dir="rtl">سلام</p><p lang="en" dir="ltr">Hello</p>`},
		{"direction of the page", `<html lang="ar"><body dir=rtl><p>خبر</p></body></html>`, `<p lang="ar" dir="rtl">خبر</p>`},
		{"bad direction", `<p lang="a b" dir="up">x</p>`, `<p>x</p>`},
		{"span", `<p><span class=x>a</span> <span lang="ru">б</span> <bdi>c</bdi></p>`, `<p>a <span lang="ru">б</span> <bdi>c</bdi></p>`},
		{"list", `<ul><li>a</li> <li><p>b</p><p>c</p></li><li></li>d<li>e<ol><li>f</li></ol></li></ul>`,
			`<ul><li>a</li><li><p>b</p><p>c</p></li><li>d</li><li><p>e</p><ol><li>f</li></ol></li></ul>`},
		{"quotation", `<blockquote>a<p>b</p></blockquote><blockquote> </blockquote>`, `<blockquote><p>a</p><p>b</p></blockquote>`},
		{"table", `<table border=1><caption>T</caption><tr><th>a<td>b<tr><td><td><p>c</p></table>`,
			`<table><caption>T</caption><tbody><tr><th>a</th><td>b</td></tr><tr><td></td><td>c</td></tr></tbody></table>`},
		{"empty table", `<table><tr><td> </td></tr></table>x`, `<p>x</p>`},
		{"misnested", `<b><p>a<i>b</b>c</p></i>`, `<p><b>a<i>b</i></b><i>c</i></p>`},
		{"unbalanced", `<p>a<em>b<p>c</em>`, `<p>a<em>b</em></p><p><em>c</em></p>`},
		{"stray ends", `</div></svg>a<svg><text>x</text></svg>b</p>`, `<p>ab</p>`},
		{"frame without end", `<p>a</p><object data=x><p>b</p>`, `<p>a</p><p>b</p>`},
		{"entities", `<p>a &lt;b&gt; &amp;amp; "q" it's</p>`, `<p>a &lt;b&gt; &amp;amp; &#34;q&#34; it&#39;s</p>`},
		{"controls", "<p>a\x00\x07b\ufeff\u200cc</p>", "<p>ab\u200cc</p>"},
		{"pre", "<pre>a\nb</pre>", "<p>a<br/>b</p>"},
		{"rule", "a<hr>b", "<p>a</p><p>b</p>"},
		{"whole page", "<!doctype html><html><head><title>T</title><style>p{}</style></head><body><!-- c --><p>x</p></body></html>", "<p>x</p>"},
		{"deep", strings.Repeat("<blockquote>", 600) + "x", "<p>x</p>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Story(c.in)
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			check(t, c.in, got)
		})
	}
}

func TestText(t *testing.T) {
	long := strings.Repeat("word ", 12)
	for _, c := range []struct{ name, in, want string }{
		{"empty", " \n ", ""},
		{"lines", "One.\nTwo.\r\nThree.", "<p>One.</p><p>Two.</p><p>Three.</p>"},
		{"blank lines", "One.\n\n\nTwo.\nThree.\n", "<p>One.</p><p>Two.<br/>Three.</p>"},
		{"wrapped", long + "\nend.\n\nTwo.", "<p>" + long + "end.</p><p>Two.</p>"},
		{"markup", `<script>a</script> & "b"`, `<p>&lt;script&gt;a&lt;/script&gt; &amp; &#34;b&#34;</p>`},
		{"not UTF-8", "a\xffb", "<p>a\ufffdb</p>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Text(c.in)
			if got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
			if again := Story(got); again != got {
				t.Errorf("Story changes it to %s", again)
			}
		})
	}
}

func TestDropped(t *testing.T) {
	got := Dropped(`<p>a<img src=x><iframe src=y></iframe><IMG/><script>"<video>"</script><b>c</b></p>`)
	if want := []string{"iframe", "img"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := Dropped("<p>a</p>"); got != nil {
		t.Errorf("got %v", got)
	}
}

// A hostile text may neither take minutes nor come out many times as long.
func TestHostileSize(t *testing.T) {
	for name, in := range map[string]string{
		"marks opened anew": "<p><b><i><em><strong>" + strings.Repeat("<p>x", 40_000),
		"links opened anew": `<a href="https://north.example/` + strings.Repeat("x", 1500) + `">` + strings.Repeat("<p>x", 20_000),
		"tags":              strings.Repeat("<i><b>", maxTags),
		"frames":            strings.Repeat("<svg>", 50_000),
		"quotes":            strings.Repeat("<q>", 400) + strings.Repeat("<p>x", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			got := Story(in)
			if len(got) > 4*len(in)+64<<10+len(in) {
				t.Errorf("%d bytes became %d", len(in), len(got))
			}
			check(t, "", got)
		})
	}
}

func TestDOMPurifyVectors(t *testing.T) {
	shared := os.Getenv("NEWSPOOL_SHARED")
	if shared == "" {
		t.Log("NEWSPOOL_SHARED is not set: the DOMPurify vectors are left out")
		return
	}
	f, err := os.Open(filepath.Join(shared, "testdata/html/dompurify/vectors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 4<<20)
	n := 0
	for ; lines.Scan(); n++ {
		var v struct{ Title, Payload string }
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		t.Run(v.Title, func(t *testing.T) { check(t, v.Payload, Story(v.Payload)) })
	}
	if n < 100 {
		t.Errorf("only %d vectors", n)
	}
}

func TestReadabilityPages(t *testing.T) {
	shared := os.Getenv("NEWSPOOL_SHARED")
	if shared == "" {
		t.Log("NEWSPOOL_SHARED is not set: the real pages are left out")
		return
	}
	pages, err := filepath.Glob(filepath.Join(shared, "testdata/html/readability/test/test-pages/*/expected.html"))
	if err != nil || len(pages) == 0 {
		t.Fatal("no pages", err)
	}
	for _, page := range pages[:min(len(pages), 40)] {
		b, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(filepath.Dir(page)), func(t *testing.T) {
			got := Story(string(b))
			check(t, string(b), got)
			if got == "" {
				t.Errorf("too little is left: %.200s", got)
			}
		})
	}
}

// check holds a story against everything that this package promises.
func check(t *testing.T, in, got string) {
	t.Helper()
	if again := Story(got); again != got {
		t.Errorf("twice is not once for %.300q:\n once %.600s\ntwice %.600s", in, got, again)
	}
	nodes, err := html.ParseFragment(strings.NewReader(got), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatalf("%.600q does not parse: %v", got, err)
	}
	var out strings.Builder
	for _, n := range nodes {
		if n.Type == html.TextNode {
			t.Errorf("loose text %q", n.Data)
		}
		checkNode(t, n)
		if err := html.Render(&out, n); err != nil {
			t.Fatal(err)
		}
	}
	if out.String() != got {
		t.Errorf("not balanced:\n   is %.600s\nparse %.600s", got, out.String())
	}
}

func checkNode(t *testing.T, n *html.Node) {
	t.Helper()
	allowed := map[string]string{"p": "lang dir", "h2": "lang dir", "h3": "lang dir", "h4": "lang dir", "ul": "lang dir", "ol": "lang dir", "li": "lang dir",
		"blockquote": "lang dir", "a": "href rel", "em": "", "strong": "", "b": "", "i": "", "br": "", "table": "lang dir", "thead": "lang dir",
		"tbody": "lang dir", "tr": "lang dir", "th": "lang dir", "td": "lang dir", "caption": "lang dir", "sub": "", "sup": "", "q": "lang dir",
		"cite": "lang dir", "bdi": "lang dir", "span": "lang dir"}
	switch n.Type {
	case html.TextNode:
		return
	case html.ElementNode:
	default:
		t.Errorf("a node of type %d: %q", n.Type, n.Data)
		return
	}
	attrs, ok := allowed[n.Data]
	if !ok || n.Namespace != "" {
		t.Errorf("element %s %s", n.Namespace, n.Data)
	}
	for _, a := range n.Attr {
		if !strings.Contains(" "+attrs+" ", " "+a.Key+" ") || a.Namespace != "" {
			t.Errorf("attribute %s on %s", a.Key, n.Data)
		}
		if a.Key == "href" && !strings.HasPrefix(a.Val, "http://") && !strings.HasPrefix(a.Val, "https://") && !strings.HasPrefix(a.Val, "mailto:") {
			t.Errorf("link to %q", a.Val)
		}
	}
	if n.Data == "p" && n.FirstChild == nil {
		t.Error("an empty paragraph")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		checkNode(t, c)
	}
}

func FuzzStory(f *testing.F) {
	for _, s := range []string{"<p>a</p>", `<a href="http://x/"><b>x</a></b>`, "<table><tr><td><ul><li>x", "a<br><br>b", "<svg><p>x", "<h2><table><td>x", "<ul>x<li><p>y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { check(t, s, Story(s)) })
}

// What is taken for clean at a glance is what the long way leaves as it is.
func FuzzPlain(f *testing.F) {
	f.Add("<p>One &amp; two, \u00abthree\u00bb.</p><p>یک\u200cدو 1</p>")
	f.Add("<p>O&#39;Brien a</p><p>&#34;b&#34; &lt;c&gt;</p>")
	f.Add("<p>é e\u0301 x</p>")
	f.Add("<p> a</p>")
	f.Add("<p>a</p>\n<p>b</p>")
	f.Fuzz(func(t *testing.T, s string) {
		if isPlain(s) && story(s) != s {
			t.Fatalf("%q becomes %q", s, story(s))
		}
	})
}

func TestPlain(t *testing.T) {
	for s, want := range map[string]bool{
		"": true, "<p>One &amp; two, “three”.</p><p>یک\u200cدو 1</p>": true, "<p>O&#39;Brien</p>": true,
		"a": false, "<p>a": false, "<p></p>": false, "<p>a </p>": false, "<p>a  b</p>": false, "<p>a&nbsp;b</p>": false, "<p>a\u00a0b</p>": false,
		"<p>a<br/>b</p>": false, "<p>a & b</p>": false, "<p class=\"x\">a</p>": false, "<p>a</p> <p>b</p>": false, "<p>\u200c</p>": false,
		"<p>a\u202eb</p>": false, "<p>a\xff</p>": false, "<p>a>b</p>": false, "<P>a</P>": false, "<p>…</p>": false, "<p>\u3164</p>": false,
	} {
		if got := isPlain(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
		if want && story(s) != s {
			t.Errorf("%q becomes %q", s, story(s))
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("a\n\nb\nc")
	f.Fuzz(func(t *testing.T, s string) { check(t, s, Text(s)) })
}

// A story as long as a content may be takes no minutes, however it is written: every reader would wait, and the node with them.
func TestLongStories(t *testing.T) {
	for name, src := range map[string]string{
		"one paragraph":       "<p>" + strings.Repeat("ferry late ", 90_000) + "</p>",
		"many spaces":         "<p>" + strings.Repeat("a  ", 300_000) + "</p>",
		"emphasis, again":     "<p><b>" + strings.Repeat("<b>x</b>", 120_000) + "</b></p>",
		"marks and spaces":    "<p>" + strings.Repeat("<i>a</i> ", 110_000) + "</p>",
		"a line break a word": "<p>" + strings.Repeat("a<br>", 180_000) + "</p>",
	} {
		began := time.Now()
		if out := Story(src); out == "" {
			t.Errorf("%s: nothing is left", name)
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %v", name, took)
		}
	}
}

package sanitize

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"golang.org/x/net/html"
)

// rel is what each link of a foreign text carries.
const rel = "noopener nofollow"

var (
	langTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,6}$`)
	dirWord = regexp.MustCompile(`^(ltr|rtl|auto)$`)
	relWord = regexp.MustCompile(`^` + rel + `$`)
)

// policy is the last door: what leaves this package has gone through it. It is made once, never changes, and serves many
// at a time.
var policy = newPolicy()

func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "table", "caption", "thead", "tbody", "tr", "th", "td",
		"a", "em", "strong", "b", "i", "br", "sub", "sup", "q", "cite", "bdi", "span")
	// The marks of emphasis say no lang and dir: a parser opens them again in each paragraph, and with attributes of
	// their own there would be no end to how many stay open.
	with := []string{"p", "h2", "h3", "h4", "ul", "ol", "li", "blockquote", "table", "caption", "thead", "tbody", "tr", "th", "td",
		"q", "cite", "bdi", "span"}
	p.AllowAttrs("lang").Matching(langTag).OnElements(with...)
	p.AllowAttrs("dir").Matching(dirWord).OnElements(with...)
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(relWord).OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(false)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(false)
	return p
}

// sort says what becomes of an element on the way in.
type sort int

const (
	dropTag  sort = iota // the tag goes, what stands inside stays
	keepRoom             // a limit between paragraphs; becomes div
	keepTag              // stays, under the name in become
	mute                 // goes with everything inside
)

// become is the table of the first step: what each foreign element turns into. Names that are not here are dropTag.
var become = map[string]struct {
	sort sort
	name string
}{
	"p": {keepTag, "p"}, "h1": {keepTag, "h2"}, "h2": {keepTag, "h2"}, "h3": {keepTag, "h3"}, "h4": {keepTag, "h4"}, "h5": {keepTag, "h4"}, "h6": {keepTag, "h4"},
	"ul": {keepTag, "ul"}, "menu": {keepTag, "ul"}, "ol": {keepTag, "ol"}, "li": {keepTag, "li"}, "blockquote": {keepTag, "blockquote"},
	"table": {keepTag, "table"}, "caption": {keepTag, "caption"}, "thead": {keepTag, "thead"}, "tbody": {keepTag, "tbody"}, "tfoot": {keepTag, "tbody"},
	"tr": {keepTag, "tr"}, "th": {keepTag, "th"}, "td": {keepTag, "td"},
	"a": {keepTag, "a"}, "em": {keepTag, "em"}, "strong": {keepTag, "strong"}, "b": {keepTag, "b"}, "i": {keepTag, "i"}, "br": {keepTag, "br"},
	"sub": {keepTag, "sub"}, "sup": {keepTag, "sup"}, "q": {keepTag, "q"}, "cite": {keepTag, "cite"}, "bdi": {keepTag, "bdi"}, "bdo": {keepTag, "bdi"},
	"span": {keepTag, "span"},

	"address": {keepRoom, "div"}, "article": {keepRoom, "div"}, "aside": {keepRoom, "div"}, "body": {keepRoom, "div"}, "center": {keepRoom, "div"},
	"dd": {keepRoom, "div"}, "details": {keepRoom, "div"}, "div": {keepRoom, "div"}, "dl": {keepRoom, "div"}, "dt": {keepRoom, "div"},
	"fieldset": {keepRoom, "div"}, "figcaption": {keepRoom, "div"}, "figure": {keepRoom, "div"}, "footer": {keepRoom, "div"}, "form": {keepRoom, "div"},
	"header": {keepRoom, "div"}, "hgroup": {keepRoom, "div"}, "hr": {keepRoom, "div"}, "html": {keepRoom, "div"}, "legend": {keepRoom, "div"},
	"main": {keepRoom, "div"}, "nav": {keepRoom, "div"}, "pre": {keepRoom, "div"}, "section": {keepRoom, "div"}, "summary": {keepRoom, "div"},

	"script": {sort: mute}, "style": {sort: mute}, "iframe": {sort: mute}, "frameset": {sort: mute}, "object": {sort: mute}, "applet": {sort: mute},
	"noembed": {sort: mute}, "noframes": {sort: mute}, "noscript": {sort: mute}, "template": {sort: mute}, "svg": {sort: mute}, "math": {sort: mute},
	"title": {sort: mute}, "textarea": {sort: mute}, "select": {sort: mute}, "audio": {sort: mute}, "video": {sort: mute}, "canvas": {sort: mute},
	"map": {sort: mute}, "datalist": {sort: mute}, "xmp": {sort: mute}, "plaintext": {sort: mute},
}

// raw are the mute elements in which a browser sees no tags: without an end they last to the end of the text.
var raw = map[string]bool{"script": true, "style": true, "iframe": true, "noembed": true, "noframes": true, "noscript": true, "xmp": true, "plaintext": true}

// seen are the elements whose loss a reader would notice.
var seen = map[string]bool{"img": true, "picture": true, "video": true, "audio": true, "iframe": true, "object": true, "embed": true, "applet": true,
	"svg": true, "math": true, "canvas": true, "select": true, "textarea": true}

// keepAttrs gives the attributes that an element may keep, lang before dir, and false where the tag is nothing without
// them (a link that leads nowhere, a span that says nothing).
func keepAttrs(name string, attrs []html.Attribute) ([]html.Attribute, bool) {
	var lang, dir, href string
	for _, a := range attrs {
		switch {
		case a.Namespace != "":
		case a.Key == "lang" || (a.Key == "xml:lang" && lang == ""):
			lang = strings.TrimSpace(a.Val)
		case a.Key == "dir":
			dir = strings.ToLower(strings.TrimSpace(a.Val))
		case a.Key == "href":
			href = a.Val
		}
	}
	switch name {
	case "a":
		href, ok := goodURL(href)
		return []html.Attribute{{Key: "href", Val: href}, {Key: "rel", Val: rel}}, ok
	case "em", "strong", "b", "i", "sub", "sup", "br":
		return nil, true
	}
	var kept []html.Attribute
	if langTag.MatchString(lang) {
		kept = append(kept, html.Attribute{Key: "lang", Val: lang})
	}
	if dirWord.MatchString(dir) {
		kept = append(kept, html.Attribute{Key: "dir", Val: dir})
	}
	return kept, name != "span" || kept != nil
}

// maxURL is the longest address that a link may carry, in bytes.
const maxURL = 2048

func goodURL(s string) (string, bool) {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	if s == "" || len(s) > maxURL {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", false
	}
	switch u.Scheme {
	case "http", "https":
		return u.String(), u.Host != ""
	case "mailto":
		return u.String(), u.Opaque != ""
	}
	return "", false
}

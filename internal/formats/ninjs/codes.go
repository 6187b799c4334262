package ninjs

import (
	"net/url"
	"strings"

	"newspool/internal/news"
)

// The vocabularies of the IPTC that have a short name here.
var vocabularies = [...]struct{ short, long string }{
	{"medtop:", "http://cv.iptc.org/newscodes/mediatopic/"},
	{"subj:", "http://cv.iptc.org/newscodes/subjectcode/"},
	{"genre:", "http://cv.iptc.org/newscodes/genre/"},
}

// shorten gives the code for the URI of a concept: the short form where the vocabulary has one.
func shorten(uri string) string {
	s := uri
	for _, p := range [...]string{"https://cv.iptc.org/", "http://www.cv.iptc.org/", "https://www.cv.iptc.org/"} {
		if rest, ok := strings.CutPrefix(s, p); ok {
			s = "http://cv.iptc.org/" + rest
		}
	}
	for _, v := range vocabularies {
		if rest, ok := strings.CutPrefix(s, v.long); ok && rest != "" {
			return v.short + rest
		}
	}
	return uri
}

// expand is the other way; false where a code is no URI.
func expand(code string) (string, bool) {
	for _, v := range vocabularies {
		if rest, ok := strings.CutPrefix(code, v.short); ok && rest != "" && goodURI(v.long+rest) {
			return v.long + rest, true
		}
	}
	for _, scheme := range [...]string{"http://", "https://", "urn:", "tag:"} {
		if strings.HasPrefix(code, scheme) && goodURI(code) && shorten(code) == code {
			return code, true
		}
	}
	return "", false
}

func goodURI(s string) bool {
	for _, r := range s {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune("<>\"{}|\\^`", r) {
			return false
		}
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme != "" && (u.Host != "" || u.Opaque != "") && strings.Count(s, "#") <= 1
}

// concept reads the code and name of a subject or genre, in the way of any version: uri, literal, or scheme with code.
func concept(o *object) news.Subject {
	name, uri, literal := o.str("name"), o.str("uri"), o.str("literal")
	scheme, code := o.str("scheme"), o.str("code", "qcode")
	s := news.Subject{Name: name}
	switch {
	case uri != "":
		s.Code = shorten(uri)
	case literal != "":
		s.Code = literal
	case code != "" && strings.Contains(scheme, "://"):
		if !strings.HasSuffix(scheme, "/") && !strings.HasSuffix(scheme, "#") && !strings.HasSuffix(scheme, "=") {
			scheme += "/"
		}
		s.Code = shorten(scheme + code)
	case code != "" && scheme != "":
		s.Code = scheme + ":" + code
	case code != "":
		s.Code = bareCode(shorten(code))
	case name != "":
		s.Code = "word:" + strings.ReplaceAll(strings.ToLower(name), " ", "-")
	}
	return s
}

// bareCode finds the vocabulary of a code without one: eight digits are a Media Topic from 20000000 on and a Subject
// Code from 01000000 to 17999999.
func bareCode(code string) string {
	if len(code) != 8 || strings.Trim(code, "0123456789") != "" {
		return code
	}
	switch {
	case code >= "20000000" && code < "30000000":
		return "medtop:" + code
	case code >= "01000000" && code < "18000000":
		return "subj:" + code
	}
	return code
}

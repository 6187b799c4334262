package terms

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newspool/internal/fault"
	"newspool/internal/news"
)

func TestParse(t *testing.T) {
	good := exchange().Bytes()
	back, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(exchange(), back, cmpopts.IgnoreUnexported(Revision{})); d != "" {
		t.Error(d)
	}
	swap := func(old, new string) []byte {
		b := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(b, good) {
			t.Fatalf("%q is not in the revision", old)
		}
		return b
	}
	for name, c := range map[string]struct {
		bytes []byte
		key   string
	}{
		"nothing":               {nil, "terms.malformed"},
		"no object":             {[]byte(`[]`), "terms.malformed"},
		"another format":        {swap("agreement v1", "agreement v2"), "terms.malformed"},
		"no format":             {[]byte(`{}`), "terms.malformed"},
		"an unknown name":       {swap(`"number": 1`, `"number": 1, "extra": 1`), "terms.malformed"},
		"a name in capitals":    {swap(`"number"`, `"Number"`), "terms.malformed"},
		"a name said twice":     {swap(`"number": 1`, `"number": 1, "number": 1`), "terms.malformed"},
		"a language said twice": {swap(`"purpose": {`, `"purpose": {"en": "a", `), "terms.malformed"},
		"null":                  {swap(`"number": 1`, `"number": null`), "terms.malformed"},
		"a fraction":            {swap(`"number": 1`, `"number": 1.5`), "terms.malformed"},
		"an exponent":           {swap(`"number": 1`, `"number": 1e0`), "terms.malformed"},
		"beyond 2^53":           {swap(`"number": 1`, `"number": 9007199254740993`), "terms.malformed"},
		"a number as text":      {swap(`"number": 1`, `"number": "1"`), "terms.malformed"},
		"a yes as text":         {swap(`"train": false`, `"train": "no"`), "terms.malformed"},
		"invalid UTF-8":         {swap(`North Agency`, "North\xff"), "terms.malformed"},
		"a lone surrogate":      {swap(`North Agency`, `North\ud800`), "terms.malformed"},
		"a line end after it":   {append(bytes.Clone(good), '\n'), "terms.malformed"},
		"a second value":        {append(bytes.Clone(good), good...), "terms.malformed"},
		"cut off":               {good[:len(good)-1], "terms.malformed"},
		"nested":                {[]byte(strings.Repeat(`{"a":`, 20)), "terms.malformed"},
		"too large":             {bytes.Repeat([]byte{' '}, MaxRevision+1), "terms.too_large"},
	} {
		_, err := Parse(c.bytes)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid || f.Key != c.key {
			t.Errorf("%s: %v, want %s", name, err, c.key)
		}
	}
}

// TestHash keeps the hash of a revision as it is: it is over the exact bytes.
func TestHash(t *testing.T) {
	if got := Hash([]byte("abc")); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
	b := exchange().Bytes()
	if Hash(b) == Hash(append(bytes.Clone(b), ' ')) {
		t.Error("a blank more, the same hash")
	}
	if bytes.Contains(b, []byte(`\u003c`)) {
		t.Error("escaped for HTML")
	}
}

func TestCredit(t *testing.T) {
	r := exchange()
	for _, c := range []struct {
		from news.Root
		lang news.Lang
		want string
	}{
		{north, "en", "North Agency"},
		{north, "fa", "به نقل از خبرگزاری شمال"},
		{avand, "fa", "به نقل از خبرگزاری آوند"},
		{avand, "fa-AF", "به نقل از خبرگزاری آوند"},
		{avand, "ru", "Avand News"},
		{soren, "en", string(soren)},
	} {
		if got := Credit(r, c.from, c.lang); got != c.want {
			t.Errorf("%s in %s: %q, want %q", c.from[:4], c.lang, got, c.want)
		}
	}
	r.Uses.Credit = nil
	if got := Credit(r, avand, "fa"); got != "خبرگزاری آوند" {
		t.Errorf("without a credit line: %q", got)
	}
}

func FuzzParse(f *testing.F) {
	for _, name := range []string{"testdata/exchange.json", "testdata/archive.json"} {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes.TrimSpace(b))
	}
	f.Add([]byte(`{"format":"newspool agreement v1"}`))
	f.Add([]byte(`{"format":"newspool agreement v1","zone":"Local","flows":[{"clause":"2.1","archive":{"from":-1}}],"uses":{"days":9007199254740992}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Parse(b)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		r.Validate()
		Text(r, "fa")
		facts := Facts{From: r.Author, To: north, Type: news.Text, Words: WordsOf("a", "b", "c")}
		for _, act := range Acts {
			if May(r, facts, act, r.Begins()).Key == "" {
				t.Fatal("no answer")
			}
		}
		Strip(r, facts, r.Ends())
		again, err := Parse(r.Bytes())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if len(Compare(r, again)) != 0 {
			t.Fatal("writing changed the terms")
		}
	})
}

package partners

import (
	"html/template"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/protocol"
)

func TestTemplates(t *testing.T) {
	f := newDesk(t).family
	for _, c := range []struct {
		name string
		t    *template.Template
		data any
	}{
		{"list", f.list, listPage{}}, {"add", f.add, addPage{}}, {"look", f.look, lookPage{}}, {"one", f.one, onePage{}}, {"ours", f.ours, oursPage{}}, {"root key", f.rootKey, rootKeyPage{}},
	} {
		if err := templatecheck.CheckHTML(c.t, c.data); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestAllLanguages makes every page in every language.
func TestAllLanguages(t *testing.T) {
	d := newDesk(t)
	paths := []string{"/partners", "/partners/add", "/partners/us", "/partners/root-key"}
	for root := range d.known {
		paths = append(paths, "/partners/"+string(root))
	}
	for _, d.lang = range i18n.Languages {
		for _, p := range paths {
			d.contains(d.page(200, "GET", p), `<html lang="`+d.lang+`"`)
		}
		d.page(200, "POST", "/partners/look", "address", "coast.example")
		d.page(200, "POST", "/partners/root-key", "as", "words")
	}
}

func TestList(t *testing.T) {
	d := newDesk(t)
	text := d.page(200, "GET", "/partners")
	d.contains(text, "Silent", "Catching up", "Up to date", "Blocked by us", "Its clock is 3 min ahead of ours", "cannot be reached", "not compared", "1,204", "2 h ago",
		"Set aside: \u2068sport\u2069 is outside clause \u20682.1\u2069 of the agreement with \u2068Baltra Press\u2069", "record no. 18,204", "has no words for", "1 agreement",
		"Coast Radio", "Good evening from the coast", "Under this agreement we say nothing yet", "/agreements/a1", "still lies on this machine", "/partners/root-key", `action="/partners/hellos/open"`)
	if strings.Index(text, "Silent") > strings.Index(text, "Up to date") {
		t.Error("the late ones do not stand first")
	}
	part := d.send("GET", "/partners")
	if part.Header.Get("Cache-Control") == "" {
		t.Error("no cache control")
	}
	d.person.Administrator = false
	text = d.page(200, "GET", "/partners")
	d.lacks(text, "/partners/add", "/partners/root-key", "hellos/open")
	d.contains(text, "Coast Radio", "still lies on this machine")

	d.lang = "fa"
	d.contains(d.page(200, "GET", "/partners"), "کنار گذاشته شد: «\u2068ورزش\u2069»", "بالترا پرس", `dir="rtl"`)
	d.lang = "en"
	d.known, d.links, d.hellos, d.wrong, d.silent, d.wait = nil, nil, nil, nil, nil, false
	d.person.Administrator = true
	text = d.page(200, "GET", "/partners")
	d.contains(text, "No partners yet", "/partners/add")
	d.lacks(text, "still lies on this machine")
}

func TestPinnedAMomentAgo(t *testing.T) {
	d := newDesk(t)
	d.links = d.links[:1]
	d.contains(d.page(200, "GET", "/partners"), "Radio Soren", "No contact yet", "A link begins with the first agreement")
}

func TestAdd(t *testing.T) {
	d := newDesk(t)
	d.contains(d.page(200, "GET", "/partners/add"), `name="address"`)
	d.contains(d.page(403, "POST", "/partners/look", "address", "http://10.0.0.7:8700"), "not an address of the public internet", "--allow-net", `value="http://10.0.0.7:8700"`)
	d.contains(d.page(503, "POST", "/partners/look", "address", "nowhere.example"), "\u2068nowhere.example\u2069 cannot be reached")
	for _, address := range []string{"", "ftp://north.example", "https://", "https://a:b@north.example", "::::"} {
		d.contains(d.page(422, "POST", "/partners/look", "address", address), "is no address of a node")
	}
	d.page(500, "POST", "/partners/look", "address", "broken.example")
	d.contains(d.page(422, "POST", "/partners/look", "address", "north.example"), "our own identity document")
	d.contains(d.page(422, "POST", "/partners/look", "document", `{"note":"nonsense"}`), "not a newsroom&#39;s identity document", "nonsense")

	text := d.page(200, "POST", "/partners/look", "address", " news.coast.example:8700/about ")
	d.contains(text, "Coast Radio", "coast.example", "names the same root key", "You asked \u2068https://news.coast.example:8700\u2069", "Pin this newsroom", "compared the fingerprint by telephone", `<ol class="aloud" dir="ltr">`)
	for _, group := range strings.Fields(protocol.Fingerprint(d.answers["https://coast.example"].id.Root)) {
		d.contains(text, "<li>"+group+"</li>")
	}
	if len(d.said) > 0 || len(d.noted) > 0 {
		t.Errorf("looking did something: %v %v", d.said, d.noted)
	}
	d.domains["coast.example"] = d.soren
	d.contains(d.page(200, "POST", "/partners/look", "address", "coast.example"), "ANOTHER root key", "strip no")
	d.domains["coast.example"] = fault.New(fault.Unavailable, "fault.certificate", "host", "coast.example")
	d.contains(d.page(200, "POST", "/partners/look", "address", "coast.example"), "could not be asked", "certificate of \u2068coast.example\u2069 cannot be trusted")
	d.contains(d.page(200, "POST", "/partners/look", "address", "soren.example"), "pinned already", "Take this document")
	d.contains(d.page(200, "POST", "/partners/look", "document", string(d.avand.doc)), "Avand News")
}

// sent is a hidden field of the form that pins.
func sent(t *testing.T, text, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no field %s", name)
	}
	return strings.ReplaceAll(m[1], "&#43;", "+")
}

func TestPin(t *testing.T) {
	d := newDesk(t)
	text := d.page(200, "POST", "/partners/look", "address", "coast.example")
	doc, root := sent(t, text, "document"), sent(t, text, "root")
	d.goes("/partners/"+root, "/partners/pin", "document", doc, "root", root)
	d.goes("/partners/"+root, "/partners/pin", "document", doc, "root", root, "compared", "yes")
	delete(d.domains, "coast.example")
	d.goes("/partners/"+root, "/partners/pin", "document", doc, "root", root)
	if diff := cmp.Diff([]string{"pin coast.example true", "pin coast.example true", "compared coast.example by p1", "pin coast.example false"}, d.said); diff != "" {
		t.Error(diff)
	}
	d.page(422, "POST", "/partners/pin", "document", "%%", "root", root)
	d.page(422, "POST", "/partners/pin", "document", "bm8=", "root", root)
	d.contains(d.page(409, "POST", "/partners/pin", "document", doc, "root", string(d.soren.root)), "another root key")
	d.refuse = fault.New(fault.Conflict, "partner.older_identity", "domain", "coast.example")
	d.contains(d.page(409, "POST", "/partners/pin", "document", doc, "root", root), "a newer identity document before")
}

func TestOne(t *testing.T) {
	d := newDesk(t)
	soren, avand := "/partners/"+string(d.soren.root), "/partners/"+string(d.avand.root)
	text := d.page(200, "GET", soren)
	d.contains(text, "Up to date", "Compared on", "Exchange of news", "In force", "/agreements/a1", "signs what the newsroom says", "was stolen", `class="ended"`, "names the same root key", "Block this newsroom", "/agreements/new?party=")
	d.lacks(text, "/hello", "Baltra Press")
	text = d.page(200, "GET", avand)
	d.contains(text, "have compared the fingerprint by telephone", "/compared", "No agreement with this newsroom yet", "/hello", "has not been seen naming it")
	d.contains(d.page(200, "GET", "/partners/"+string(d.south.root)), "Blocked by us", "Unblock this newsroom")
	d.page(404, "GET", "/partners/nobody")

	d.goes(avand, avand+"/compared")
	d.goes(avand, avand+"/block", "on", "yes")
	d.goes(avand, avand+"/block", "on", "no")
	d.goes(avand, avand+"/hello", "words", " Good  morning ")
	d.contains(d.page(422, "POST", avand+"/hello", "words", strings.Repeat("a", 600)), "room for 500 bytes")
	want := []string{"compared avand.example by p1", "block avand.example true", "block avand.example false", "hello avand.example: Good morning"}
	if diff := cmp.Diff(want, d.said); diff != "" {
		t.Error(diff)
	}
	d.refuse = fault.New(fault.Unavailable, "partner.unreachable", "address", "avand.example")
	d.contains(d.page(503, "POST", avand+"/hello", "words", "Anybody there?"), "cannot be reached", `value="Anybody there?"`)
	for _, p := range []string{"/compared", "/block", "/hello"} {
		d.page(404, "POST", "/partners/nobody"+p, "words", "a", "on", "yes")
	}
	d.person.Administrator, d.person.Signatory = false, false
	text = d.page(200, "GET", avand)
	d.lacks(text, "/compared", "/block", "/hello", "/agreements/new")
}

func TestHellos(t *testing.T) {
	d := newDesk(t)
	root := d.hellos[0].Identity.Root
	d.goes("/partners/"+root, "/partners/hellos/open", "id", "h1")
	d.page(404, "POST", "/partners/hellos/open", "id", "h2")
	d.goes("/partners", "/partners/hellos/dismiss", "root", root)
	d.page(404, "POST", "/partners/hellos/dismiss", "root", string(d.soren.root))
	if diff := cmp.Diff([]string{"open h1", "dismiss true"}, d.said); diff != "" {
		t.Error(diff)
	}
}

func TestOurs(t *testing.T) {
	d := newDesk(t)
	d.contains(d.page(200, "GET", "/partners/us"), "https://north.example", "Our fingerprint", "/partners/us/identity")
	resp := d.send("GET", "/partners/us/identity")
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != string(d.north.doc) || resp.Header.Get("Content-Disposition") != `attachment; filename="north.example.newspool.json"` {
		t.Errorf("%v %s", resp.Header, b)
	}
	d.north.doc = nil
	d.page(404, "GET", "/partners/us/identity")
}

func TestRootKey(t *testing.T) {
	d := newDesk(t)
	text := d.page(200, "GET", "/partners/root-key")
	d.contains(text, "Show the 24 words", "Remove it from this machine")
	d.lacks(text, "<li>ferry</li>")
	resp := d.send("POST", "/partners/root-key", "as", "words")
	b, _ := io.ReadAll(resp.Body)
	if got := strings.Count(string(b), "<li>ferry</li>"); got != 6 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d words, %v", got, resp.Header)
	}
	resp = d.send("POST", "/partners/root-key", "as", "file")
	b, _ = io.ReadAll(resp.Body)
	if string(b) != "seed: 00ff\n" || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Disposition") != `attachment; filename="north.example-root-key.txt"` {
		t.Errorf("%v %s", resp.Header, b)
	}
	d.contains(d.page(422, "POST", "/partners/root-key/put"), "Confirm that the root key was put away")
	d.goes("/partners", "/partners/root-key/put", "sure", "yes")
	d.contains(d.page(200, "GET", "/partners/root-key"), "That is as it should be")
	d.page(404, "POST", "/partners/root-key", "as", "words")
	d.wait = true
	d.contains(d.page(200, "GET", "/partners/root-key"), "nobody has said that it was put away")
}

// TestWithoutRole tries every act as somebody who is no administrator.
func TestWithoutRole(t *testing.T) {
	d := newDesk(t)
	d.person.Administrator = false
	soren := "/partners/" + string(d.soren.root)
	for _, p := range []string{"/partners/add", "/partners/root-key"} {
		d.page(403, "GET", p)
	}
	for _, p := range []string{"/partners/look", "/partners/pin", "/partners/hellos/open", "/partners/hellos/dismiss", soren + "/compared", soren + "/block", soren + "/hello", "/partners/root-key", "/partners/root-key/put"} {
		d.page(403, "POST", p, "id", "h1", "on", "yes", "sure", "yes", "address", "coast.example")
	}
	if len(d.said) > 0 || len(d.noted) > 0 {
		t.Errorf("%v %v", d.said, d.noted)
	}
}

// TestAudit says every act in words.
func TestAudit(t *testing.T) {
	d := newDesk(t)
	avand, coast := "/partners/"+string(d.avand.root), d.hellos[0].Identity.Root
	d.page(200, "POST", "/partners/root-key", "as", "words")
	d.goes("/partners", "/partners/root-key/put", "sure", "yes")
	d.goes("/partners/"+coast, "/partners/hellos/open", "id", "h1")
	d.goes("/partners", "/partners/hellos/dismiss", "root", coast)
	d.goes(avand, avand+"/compared")
	d.goes(avand, avand+"/block", "on", "yes")
	d.goes(avand, avand+"/block", "on", "no")
	d.goes(avand, avand+"/hello", "words", "Hello")
	text := d.page(200, "POST", "/partners/look", "address", "coast.example")
	d.goes("/partners/"+coast, "/partners/pin", "document", sent(t, text, "document"), "root", coast)
	var acts []string
	for _, a := range d.noted {
		acts = append(acts, a.What)
		for _, lang := range []string{"en", "fa"} {
			if said := d.bundle.Printer(lang, nil).Text(a.What, a.Detail); strings.ContainsAny(said, "{«") || a.Who != "p1" || a.From != "192.0.2.7" || a.About == "" {
				t.Errorf("%+v: %s", a, said)
			}
		}
	}
	want := []string{"partner.act_root_shown", "partner.act_root_stored", "partner.act_open", "partner.act_dismiss", "partner.act_compared", "partner.act_block", "partner.act_unblock", "partner.act_hello", "partner.act_pin"}
	if diff := cmp.Diff(want, acts); diff != "" {
		t.Error(diff)
	}
}

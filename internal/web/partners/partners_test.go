package partners

import (
	"html/template"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/web/page/pagetest"
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
	for _, d.Lang = range i18n.Languages {
		for _, p := range paths {
			d.Contains(d.Page(200, "GET", p, nil), `<html lang="`+d.Lang+`"`)
		}
		d.Page(200, "POST", "/partners/look", pagetest.Form("address", "coast.example"))
		d.Page(200, "POST", "/partners/root-key", pagetest.Form("as", "words"))
	}
}

func TestList(t *testing.T) {
	d := newDesk(t)
	text := d.Page(200, "GET", "/partners", nil)
	d.Contains(text, "Silent", "Catching up", "Up to date", "Blocked by us", "Its clock is 3 min ahead of ours", "cannot be reached", "not compared", "1,204", "2 h ago",
		"Set aside: \u2068sport\u2069 is outside clause \u20682.1\u2069 of the agreement with \u2068Baltra Press\u2069", "record no. 18,204", "has no words for", "1 agreement",
		"Coast Radio", "Good evening from the coast", "Under this agreement we send nothing yet", "/agreements/a1", "is still on this machine", "/partners/root-key", `action="/partners/hellos/open"`)
	if strings.Index(text, "Silent") > strings.Index(text, "Up to date") {
		t.Error("the late ones do not stand first")
	}
	part := d.Send("GET", "/partners", nil)
	if part.Header.Get("Cache-Control") == "" {
		t.Error("no cache control")
	}
	d.person.Administrator, d.person.Signatory = false, false
	d.stalled = []exchange.Stall{{Partner: d.avand.root, Records: 7, Since: now.Add(-time.Hour)}}
	text = d.Page(200, "GET", "/partners", nil)
	d.Lacks(text, "/partners/add", "/partners/root-key", "hellos/open")
	d.Contains(text, "has confirmed nothing that we have said since", "records that wait: 7")
	d.stalled, d.links[2].Absent, d.links[2].Ended = nil, 1, 2
	d.Contains(d.Page(200, "GET", "/partners", nil), "Up to date", "a ledger that its node does not have")
	d.Contains(d.Page(200, "GET", "/partners/"+string(d.soren.root), nil), "Up to date", "Ledgers of this newsroom that have ended: 2")
	d.Contains(text, "Coast Radio", "is still on this machine")

	d.Lang = "fa"
	d.Contains(d.Page(200, "GET", "/partners", nil), "کنار گذاشته شد: «\u2068ورزش\u2069»", "بالترا پرس", `dir="rtl"`)
	d.Lang = "en"
	d.known, d.links, d.hellos, d.wrong, d.silent, d.wait = nil, nil, nil, nil, nil, false
	d.person.Administrator = true
	text = d.Page(200, "GET", "/partners", nil)
	d.Contains(text, "No partners yet", "/partners/add")
	d.Lacks(text, "is still on this machine")
}

func TestPinnedAMomentAgo(t *testing.T) {
	d := newDesk(t)
	d.links = d.links[:1]
	d.Contains(d.Page(200, "GET", "/partners", nil), "Radio Soren", "No contact yet", "A link begins with the first agreement")
}

func TestAdd(t *testing.T) {
	d := newDesk(t)
	d.Contains(d.Page(200, "GET", "/partners/add", nil), `name="address"`)
	d.Contains(d.Page(403, "POST", "/partners/look", pagetest.Form("address", "http://10.0.0.7:8700")), "not an address of the public internet", "--allow-net", "10.0.0.7/32", `value="http://10.0.0.7:8700"`)
	d.Contains(d.Page(503, "POST", "/partners/look", pagetest.Form("address", "nowhere.example")), "\u2068nowhere.example\u2069 cannot be reached")
	for _, address := range []string{"", "ftp://north.example", "https://", "https://a:b@north.example", "::::"} {
		d.Contains(d.Page(422, "POST", "/partners/look", pagetest.Form("address", address)), "is not the address of a node")
	}
	d.Page(500, "POST", "/partners/look", pagetest.Form("address", "broken.example"))
	d.Contains(d.Page(422, "POST", "/partners/look", pagetest.Form("address", "north.example")), "our own identity document")
	d.Contains(d.Page(422, "POST", "/partners/look", pagetest.Form("document", `{"note":"nonsense"}`)), "not a newsroom&#39;s identity document", "nonsense")

	text := d.Page(200, "POST", "/partners/look", pagetest.Form("address", " news.coast.example:8700/about "))
	d.Contains(text, "Coast Radio", "coast.example", "names the same root key", "You asked \u2068https://news.coast.example:8700\u2069", "Pin this newsroom", "compared the fingerprint by telephone", `<ol class="aloud" dir="ltr">`)
	for _, group := range strings.Fields(protocol.Fingerprint(d.answers["https://coast.example"].id.Root)) {
		d.Contains(text, "<li>"+group+"</li>")
	}
	if len(d.said) > 0 || len(d.noted) > 0 {
		t.Errorf("looking did something: %v %v", d.said, d.noted)
	}
	d.domains["coast.example"] = d.soren
	d.Contains(d.Page(200, "POST", "/partners/look", pagetest.Form("address", "coast.example")), "ANOTHER root key", "strip no")
	d.domains["coast.example"] = fault.New(fault.Unavailable, "fault.certificate", "host", "coast.example")
	d.Contains(d.Page(200, "POST", "/partners/look", pagetest.Form("address", "coast.example")), "could not be asked", "certificate of \u2068coast.example\u2069 cannot be trusted")
	d.Contains(d.Page(200, "POST", "/partners/look", pagetest.Form("address", "soren.example")), "pinned already", "Take this document")
	d.Contains(d.Page(200, "POST", "/partners/look", pagetest.Form("document", string(d.avand.doc))), "Avand News")
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
	text := d.Page(200, "POST", "/partners/look", pagetest.Form("address", "coast.example"))
	doc, root := sent(t, text, "document"), sent(t, text, "root")
	d.Goes("/partners/"+root, "/partners/pin", pagetest.Form("document", doc, "root", root))
	d.Goes("/partners/"+root, "/partners/pin", pagetest.Form("document", doc, "root", root, "compared", "yes"))
	delete(d.domains, "coast.example")
	d.Goes("/partners/"+root, "/partners/pin", pagetest.Form("document", doc, "root", root))
	if diff := cmp.Diff([]string{"pin coast.example true", "pin coast.example true", "compared coast.example by p1", "pin coast.example false"}, d.said); diff != "" {
		t.Error(diff)
	}
	d.Page(422, "POST", "/partners/pin", pagetest.Form("document", "%%", "root", root))
	d.Page(422, "POST", "/partners/pin", pagetest.Form("document", "bm8=", "root", root))
	d.Contains(d.Page(409, "POST", "/partners/pin", pagetest.Form("document", doc, "root", string(d.soren.root))), "a different root key")
	d.refuse = fault.New(fault.Conflict, "partner.older_identity", "domain", "coast.example")
	d.Contains(d.Page(409, "POST", "/partners/pin", pagetest.Form("document", doc, "root", root)), "a newer identity document before")
}

func TestOne(t *testing.T) {
	d := newDesk(t)
	soren, avand := "/partners/"+string(d.soren.root), "/partners/"+string(d.avand.root)
	text := d.Page(200, "GET", soren, nil)
	d.Contains(text, "Up to date", "Compared on", "Exchange of news", "In force", "/agreements/a1", "signs what the newsroom says", "was stolen", `class="ended"`, "names the same root key", "Block this newsroom", "/agreements/new?party=")
	d.Lacks(text, "/hello", "Baltra Press")
	text = d.Page(200, "GET", avand, nil)
	d.Contains(text, "have compared the fingerprint by telephone", "/compared", "No agreement with this newsroom yet", "/hello", "has not been seen naming it")
	d.Contains(d.Page(200, "GET", "/partners/"+string(d.south.root), nil), "Blocked by us", "Unblock this newsroom")
	d.Page(404, "GET", "/partners/nobody", nil)

	d.Goes(avand, avand+"/compared", nil)
	d.Goes(avand, avand+"/block", pagetest.Form("on", "yes"))
	d.Goes(avand, avand+"/block", pagetest.Form("on", "no"))
	d.Goes(avand, avand+"/hello", pagetest.Form("words", " Good  morning "))
	d.Contains(d.Page(422, "POST", avand+"/hello", pagetest.Form("words", strings.Repeat("a", 600))), "room for 500 bytes")
	d.wrong = append(d.wrong, exchange.Trouble{Partner: d.avand.root, Seq: 41, Kind: "failed", Key: "exchange.fold_failed", Args: map[string]any{"type": "item.release"}, At: now})
	d.Contains(d.Page(200, "GET", avand, nil), "/resume", "Take up again", "could not be applied here", "41")
	d.Lacks(d.Page(200, "GET", soren, nil), "/resume")
	d.Goes(avand, avand+"/resume", nil)
	want := []string{"compared avand.example by p1", "block avand.example true", "block avand.example false", "hello avand.example: Good morning", "resume avand.example"}
	if diff := cmp.Diff(want, d.said); diff != "" {
		t.Error(diff)
	}
	d.refuse = fault.New(fault.Unavailable, "partner.unreachable", "address", "avand.example")
	d.Contains(d.Page(503, "POST", avand+"/hello", pagetest.Form("words", "Anybody there?")), "cannot be reached", `value="Anybody there?"`)
	for _, p := range []string{"/compared", "/block", "/hello", "/resume"} {
		d.Page(404, "POST", "/partners/nobody"+p, pagetest.Form("words", "a", "on", "yes"))
	}
	d.person.Administrator, d.person.Signatory = false, false
	text = d.Page(200, "GET", avand, nil)
	d.Lacks(text, "/compared", "/block", "/hello", "/resume", "/agreements/new")
}

func TestHellos(t *testing.T) {
	d := newDesk(t)
	root := d.hellos[0].Identity.Root
	d.Goes("/partners/"+root, "/partners/hellos/open", pagetest.Form("id", "h1"))
	d.Page(404, "POST", "/partners/hellos/open", pagetest.Form("id", "h2"))
	d.Goes("/partners", "/partners/hellos/dismiss", pagetest.Form("root", root))
	d.Page(404, "POST", "/partners/hellos/dismiss", pagetest.Form("root", string(d.soren.root)))
	if diff := cmp.Diff([]string{"open h1", "dismiss true"}, d.said); diff != "" {
		t.Error(diff)
	}
}

func TestOurs(t *testing.T) {
	d := newDesk(t)
	d.Contains(d.Page(200, "GET", "/partners/us", nil), "https://north.example", "Our fingerprint", "/partners/us/identity")
	resp := d.Send("GET", "/partners/us/identity", nil)
	b, err := io.ReadAll(resp.Body)
	if err != nil || string(b) != string(d.north.doc) || resp.Header.Get("Content-Disposition") != `attachment; filename="north.example.newspool.json"` {
		t.Errorf("%v %s", resp.Header, b)
	}
	d.north.doc = nil
	d.Page(404, "GET", "/partners/us/identity", nil)
}

func TestRootKey(t *testing.T) {
	d := newDesk(t)
	text := d.Page(200, "GET", "/partners/root-key", nil)
	d.Contains(text, "Show the 24 words", "Remove it from this machine")
	d.Lacks(text, "<li>ferry</li>")
	resp := d.Send("POST", "/partners/root-key", pagetest.Form("as", "words"))
	b, _ := io.ReadAll(resp.Body)
	if got := strings.Count(string(b), "<li>ferry</li>"); got != 6 || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%d words, %v", got, resp.Header)
	}
	resp = d.Send("POST", "/partners/root-key", pagetest.Form("as", "file"))
	b, _ = io.ReadAll(resp.Body)
	if string(b) != "seed: 00ff\n" || resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("Content-Disposition") != `attachment; filename="north.example-root-key.txt"` {
		t.Errorf("%v %s", resp.Header, b)
	}
	d.Contains(d.Page(422, "POST", "/partners/root-key/put", nil), "Confirm that the root key was put away")
	d.Goes("/partners", "/partners/root-key/put", pagetest.Form("sure", "yes"))
	d.Contains(d.Page(200, "GET", "/partners/root-key", nil), "That is as it should be")
	d.Page(404, "POST", "/partners/root-key", pagetest.Form("as", "words"))
	d.wait = true
	d.Contains(d.Page(200, "GET", "/partners/root-key", nil), "nobody has said that it was put away")
}

// TestWithoutRole tries every act as somebody who is neither signatory nor administrator, and the root key as a signatory.
func TestWithoutRole(t *testing.T) {
	d := newDesk(t)
	d.person.Administrator = false
	d.Page(200, "GET", "/partners/add", nil)
	d.Page(403, "GET", "/partners/root-key", nil)
	d.Page(403, "POST", "/partners/root-key", pagetest.Form("as", "words"))
	d.Page(403, "POST", "/partners/root-key/put", pagetest.Form("sure", "yes"))
	d.person.Signatory = false
	soren := "/partners/" + string(d.soren.root)
	for _, p := range []string{"/partners/add", "/partners/root-key"} {
		d.Page(403, "GET", p, nil)
	}
	for _, p := range []string{"/partners/look", "/partners/pin", "/partners/hellos/open", "/partners/hellos/dismiss", soren + "/compared", soren + "/block", soren + "/hello", soren + "/resume", "/partners/root-key", "/partners/root-key/put"} {
		d.Page(403, "POST", p, pagetest.Form("id", "h1", "on", "yes", "sure", "yes", "address", "coast.example"))
	}
	if len(d.said) > 0 || len(d.noted) > 0 {
		t.Errorf("%v %v", d.said, d.noted)
	}
}

// TestAudit says every act in words.
func TestAudit(t *testing.T) {
	d := newDesk(t)
	avand, coast := "/partners/"+string(d.avand.root), d.hellos[0].Identity.Root
	d.Page(200, "POST", "/partners/root-key", pagetest.Form("as", "words"))
	d.Goes("/partners", "/partners/root-key/put", pagetest.Form("sure", "yes"))
	d.Goes("/partners/"+coast, "/partners/hellos/open", pagetest.Form("id", "h1"))
	d.Goes("/partners", "/partners/hellos/dismiss", pagetest.Form("root", coast))
	d.Goes(avand, avand+"/compared", nil)
	d.Goes(avand, avand+"/block", pagetest.Form("on", "yes"))
	d.Goes(avand, avand+"/block", pagetest.Form("on", "no"))
	d.Goes(avand, avand+"/hello", pagetest.Form("words", "Hello"))
	d.Goes(avand, avand+"/resume", nil)
	text := d.Page(200, "POST", "/partners/look", pagetest.Form("address", "coast.example"))
	d.Goes("/partners/"+coast, "/partners/pin", pagetest.Form("document", sent(t, text, "document"), "root", coast))
	var acts []string
	for _, a := range d.noted {
		acts = append(acts, a.What)
		for _, lang := range []string{"en", "fa"} {
			if said := d.bundle.Printer(lang, nil).Text(a.What, a.Detail); strings.ContainsAny(said, "{«") || a.Who != "p1" || a.From != "192.0.2.7" || a.About == "" {
				t.Errorf("%+v: %s", a, said)
			}
		}
	}
	want := []string{"partner.act_root_shown", "partner.act_root_stored", "partner.act_open", "partner.act_dismiss", "partner.act_compared", "partner.act_block", "partner.act_unblock", "partner.act_hello", "partner.act_resume", "partner.act_pin"}
	if diff := cmp.Diff(want, acts); diff != "" {
		t.Error(diff)
	}
}

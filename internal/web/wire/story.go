package wire

import (
	"cmp"
	"crypto/rand"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
	"newspool/internal/sanitize"
	"newspool/internal/web/page"
	"newspool/internal/web/page/compare"
)

// formPage is the form in which a story is written, edited and corrected.
type formPage struct {
	page.Base
	Heading string
	Action  string
	Cancel  string
	Change  bool // a new version of something that was released
	Draft   bool // a draft that is there already
	Input   input
	Wrong   []wrong // what has to be put right, in the order of the fields
	Faster  string  // what somebody else did with the item meanwhile
	Failed  string  // why it could not be kept
	Look    string  // what should be looked at before the release
	Photos  []photoLine
	Tops    []choice
	Langs   []choice
	Urgent  []choice
	ZoneIs  string
	Beside  template.HTML // what it is made from, or why it is changed
}

// wrong is one field that has to be put right.
type wrong struct{ Field, Text string }

// Problem is what is wrong with a field; "" for nothing.
func (p formPage) Problem(field string) string {
	for _, w := range p.Wrong {
		if w.Field == field {
			return w.Text
		}
	}
	return ""
}

// input is what stands in the fields.
type input struct {
	Lang, Headline, Slug, Byline, Dateline, Body string
	Marked                                       bool // Body has marks (headings, lists, links) and is edited with them
	Topics                                       []string
	More                                         string // finer subjects, by name or code, with commas between
	Genre, Service, Urgency, Embargo             string
	Credit, Copyright, Usage, Note               string
	Class, Why                                   string // of a change
	Version                                      int    // that the change was made to
	Photos                                       []photoInput
	WithPhotos                                   bool   // the form had the fields of photos
	PhotosOf                                     int    // the version that had them; 0 for none
	Key                                          string // of the form of a new item: what is sent twice with it is one item
	Fresh                                        int    // photos that came with this very form
	lost                                         error  // why one that came with it could not be kept
	Act                                          string
	Made                                         lineage.Made // from which item it is made; without a source from none
	Duty                                         int64        // that it answers; 0: none
}

const (
	maxLine = 500     // characters of a field of one line
	maxBody = 400_000 // bytes of a body

	maxCaption = 5000 // characters of what stands below a photo
)

func inputFrom(form url.Values) input {
	line := func(name string) string { return strings.Join(strings.Fields(form.Get(name)), " ") }
	in := input{
		Lang: line("lang"), Headline: line("headline"), Slug: line("slug"), Byline: line("byline"), Dateline: line("dateline"),
		Body: form.Get("body"), Marked: form.Get("marked") == "yes", Topics: form["topic"], More: line("more"),
		Genre: line("genre"), Service: line("service"), Urgency: line("urgency"), Embargo: line("embargo"),
		Credit: line("credit"), Copyright: line("copyright"), Usage: line("usage"), Note: strings.TrimSpace(form.Get("note")),
		Class: line("class"), Why: strings.TrimSpace(form.Get("why")), Act: form.Get("act"),
		Photos: photoInputs(form), WithPhotos: form.Get("photos") != "", Key: line("key"),
	}
	in.Version, _ = strconv.Atoi(line("version")) // what is no number is no version of ours, and no duty
	in.PhotosOf, _ = strconv.Atoi(line("photos"))
	in.Duty, _ = strconv.ParseInt(line("duty"), 10, 64)
	if from := line("from"); from != "" {
		in.Made.Source, in.Made.How = news.ItemOf(from), lineage.How(line("how"))
		in.Made.Version, _ = strconv.Atoi(line("source-version"))
	}
	return in
}

// inputOf fills the fields from a story.
func inputOf(s news.Story, p *i18n.Printer) input {
	zone := p.Zone()
	in := input{
		Lang: string(s.Lang), Headline: s.Headline, Slug: s.Slug, Byline: s.Byline, Dateline: s.Dateline, Genre: s.Genre, Service: s.Service,
		Credit: s.Credit, Copyright: s.Copyright, Usage: s.Usage, Note: s.Note,
	}
	if s.Urgency > 0 {
		in.Urgency = strconv.Itoa(int(s.Urgency))
	}
	if !s.Embargo.IsZero() {
		in.Embargo = s.Embargo.In(zone).Format(localTime)
	}
	in.Marked = hasMarks.MatchString(s.Body)
	in.Body = blockLines(s.Body)
	if !in.Marked {
		in.Body = plainBody(s.Body)
	}
	var more []string
	for _, subject := range s.Subjects {
		if slices.Contains(mediatopic.Top(), subject.Code) {
			in.Topics = append(in.Topics, subject.Code)
		} else {
			more = append(more, topicName(subject.Code, p.Lang()))
		}
	}
	in.More = strings.Join(more, ", ")
	return in
}

// topicName is the name of a topic, if a person who types it means that topic and no other; else its code.
func topicName(code, lang string) string {
	name := mediatopic.Name(code, lang)
	if strings.ContainsAny(name, ",،;") {
		return code
	}
	for _, found := range mediatopic.Search(name, lang) {
		if strings.EqualFold(mediatopic.Name(found, lang), name) && found != code {
			return code
		}
	}
	return name
}

// hasMarks finds what plain text cannot hold.
var hasMarks = regexp.MustCompile(`<(h[1-6]|ul|ol|li|blockquote|a|em|strong|table|bdi)[ >/]`)

// blockLines puts each block on a line of its own, so that a body can be edited with its marks.
func blockLines(body string) string {
	var out []string
	for body != "" {
		n := compare.BlockEnd(body)
		if block := strings.TrimSpace(body[:n]); block != "" {
			out = append(out, block)
		}
		body = body[n:]
	}
	return strings.Join(out, "\n")
}

const localTime = "2006-01-02T15:04"

// story puts the fields into a story, and says which have to be put right. Fields that the form does not have stay as they are
// in base, whose media are those of the form already. What is new and has photos but no text is a picture.
func (in input) story(p *i18n.Printer, base news.Story) (news.Story, []wrong) {
	var bad []wrong
	say := func(field, key string, args ...any) { bad = append(bad, wrong{field, p.T(key, args...)}) }
	s := base
	empty := strings.TrimSpace(in.Body) == ""
	if s.Type == "" {
		s.Type = news.Text
		if empty && len(s.Media) > 0 {
			s.Type = news.Picture
		}
	}
	s.Lang, s.Headline, s.Slug, s.Byline, s.Dateline = news.Lang(in.Lang), in.Headline, in.Slug, in.Byline, in.Dateline
	s.Genre, s.Service, s.Credit, s.Copyright, s.Usage, s.Note = in.Genre, in.Service, in.Credit, in.Copyright, in.Usage, in.Note
	if in.Headline == "" {
		say("headline", "item.form.headline_missing")
	}
	for _, m := range s.Media {
		for _, text := range []string{m.Caption, m.Byline, m.Credit} {
			if len([]rune(text)) > maxCaption {
				say("photo", "item.form.line_long", "limit", maxCaption)
			}
		}
	}
	for _, f := range [][2]string{{"headline", in.Headline}, {"slug", in.Slug}, {"byline", in.Byline}, {"dateline", in.Dateline}, {"credit", in.Credit}} {
		if len([]rune(f[1])) > maxLine {
			say(f[0], "item.form.line_long", "limit", maxLine)
		}
	}
	switch {
	case len(in.Body) > maxBody:
		say("body", "item.form.too_large")
	case empty && s.Type == news.Picture && len(s.Media) > 0:
		s.Body = sanitize.Text(s.Media[0].Caption)
	case in.Marked:
		s.Body = sanitize.Story(in.Body)
	default:
		s.Body = sanitize.Text(in.Body)
	}
	if s.Body == "" && s.Type == news.Text {
		say("body", "item.form.body_missing")
	}
	if in.Lang == "" {
		say("lang", "item.form.lang_missing")
	}
	s.Urgency = 0
	if n, err := strconv.Atoi(in.Urgency); err == nil && n >= 0 && n <= 9 {
		s.Urgency = news.Urgency(n)
	}
	s.Embargo = time.Time{}
	if in.Embargo != "" {
		t, err := time.ParseInLocation(localTime, in.Embargo, p.Zone())
		if err != nil {
			say("embargo", "item.form.embargo_wrong")
		}
		s.Embargo = t
	}
	var unknown []string
	s.Subjects, unknown = in.subjects(p.Lang(), base.Subjects)
	if len(unknown) > 0 {
		say("more", "item.form.subject_unknown", "names", unknown)
	}
	return s, bad
}

// subjects are those that were ticked and those that were named. One of a foreign vocabulary is known only if the story had it.
func (in input) subjects(lang string, had []news.Subject) (out []news.Subject, unknown []string) {
	add := func(s news.Subject) {
		if !slices.ContainsFunc(out, func(o news.Subject) bool { return o.Code == s.Code }) {
			out = append(out, s)
		}
	}
	topic := func(code string) { add(news.Subject{Code: code, Name: mediatopic.Name(code, "en")}) }
	for _, code := range in.Topics {
		if mediatopic.Known(code) {
			topic(code)
		}
	}
	for _, name := range strings.FieldsFunc(in.More, func(r rune) bool { return r == ',' || r == '،' || r == ';' }) {
		name = strings.TrimSpace(name)
		if name == "" {
			continue
		}
		if i := slices.IndexFunc(had, func(s news.Subject) bool { return s.Code == name }); i >= 0 {
			add(had[i])
			continue
		}
		if mediatopic.Known(name) {
			topic(name)
			continue
		}
		found := false
		for _, code := range mediatopic.Search(name, lang) {
			if strings.EqualFold(mediatopic.Name(code, lang), name) {
				topic(code)
				found = true
				break
			}
		}
		if !found {
			unknown = append(unknown, name)
		}
	}
	return out, unknown
}

// typed is a form as it came, or as it is given out.
type typed struct {
	input
	read   bool // it came, and was read
	photos []attached
	bad    []wrong
	faster string // what somebody else did meanwhile, with the item or with its source
	failed error  // why it could not be kept
	say    string // that, as a sentence
}

// formKind is what a form is for.
type formKind struct {
	key            string      // message that names it
	item           news.ItemID // "": a new one
	action, cancel string
	draft, change  bool
}

var newItem = formKind{key: "item.form.new", action: "/new", cancel: "/wire"}

func draftOf(id news.ItemID) formKind {
	return formKind{key: "item.form.edit", item: id, action: page.ItemPath(id) + "/edit", cancel: page.ItemPath(id), draft: true}
}

func changeOf(id news.ItemID) formKind {
	return formKind{key: "item.form.change", item: id, action: page.ItemPath(id) + "/correct", cancel: page.ItemPath(id), change: true}
}

// showForm sends a form, with what has to be put right if there is something.
func (f *Family) showForm(w http.ResponseWriter, r *http.Request, kind formKind, t typed) error {
	in, base := t.input, f.o.Shell.Base(r, "wire", kind.key)
	from, err := f.o.Kin.Begin(r, in.Made, kind.item, in.Duty)
	if err != nil && t.failed == nil {
		return err
	}
	if in.Made.Source != "" {
		kind.cancel, base.Title, in.Made.Version = page.ItemPath(in.Made.Source), cmp.Or(from.Title, base.Title), cmp.Or(from.Version, in.Made.Version)
	}
	if t.failed == nil {
		t.faster = cmp.Or(t.faster, from.Wrong)
	}
	if in.Lang == "" {
		in.Lang = base.P.Lang()
		if slices.Contains(i18n.Languages[:], base.Newsroom.Lang) {
			in.Lang = base.Newsroom.Lang
		}
	}
	in.Key = cmp.Or(in.Key, rand.Text())
	p := formPage{Base: base, Heading: base.Title, Action: kind.action, Cancel: kind.cancel, Draft: kind.draft, Change: kind.change, Input: in, Wrong: t.bad, Faster: t.faster, Failed: t.say, ZoneIs: base.Now.In(base.P.Zone()).Format("MST"), Beside: from.Beside}
	for _, code := range mediatopic.Top() {
		p.Tops = append(p.Tops, choice{code, mediatopic.Name(code, base.Lang), slices.Contains(in.Topics, code)})
	}
	langs := append([]string{}, i18n.Languages[:]...)
	if in.Lang != "" && !slices.Contains(langs, in.Lang) {
		langs = append(langs, in.Lang)
	}
	for _, l := range langs {
		p.Langs = append(p.Langs, choice{l, base.P.Language(l), l == in.Lang})
	}
	for _, u := range []string{"", "1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		text := base.P.T("item.urgency.none")
		if n, err := strconv.Atoi(u); err == nil {
			text = base.P.Digits(n)
			if key := "item.urgency." + u; base.P.Has(key) {
				text += " – " + base.P.T(key)
			}
		}
		p.Urgent = append(p.Urgent, choice{u, text, u == in.Urgency})
	}
	if p.Photos, err = f.photoLines(r.Context(), base.P, t.photos); err != nil && t.failed == nil {
		return err
	}
	status := http.StatusOK
	switch {
	case t.failed != nil:
		status = fault.Of(t.failed).Kind.Status()
	case t.faster != "":
		status = http.StatusConflict
	case len(t.bad) > 0:
		status = http.StatusUnprocessableEntity
	case in.Fresh > 0:
		p.Look = base.P.T("item.form.photos_look", "n", in.Fresh)
	}
	return page.Render(w, r, status, f.form, p)
}

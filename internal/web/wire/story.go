package wire

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
	"newspool/internal/sanitize"
	"newspool/internal/web/page"
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
	Tops    []choice
	Langs   []choice
	Urgent  []choice
	ZoneIs  string
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
}

const (
	maxLine = 500     // characters of a field of one line
	maxBody = 400_000 // bytes of a body
)

func readInput(r *http.Request) (input, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxBody+64<<10)
	if err := r.ParseForm(); err != nil {
		return input{}, fault.New(fault.TooLarge, "item.form.too_large").Because(err)
	}
	line := func(name string) string { return strings.Join(strings.Fields(r.PostForm.Get(name)), " ") }
	in := input{
		Lang: line("lang"), Headline: line("headline"), Slug: line("slug"), Byline: line("byline"), Dateline: line("dateline"),
		Body: r.PostForm.Get("body"), Marked: r.PostForm.Get("marked") == "yes", Topics: r.PostForm["topic"], More: line("more"),
		Genre: line("genre"), Service: line("service"), Urgency: line("urgency"), Embargo: line("embargo"),
		Credit: line("credit"), Copyright: line("copyright"), Usage: line("usage"), Note: strings.TrimSpace(r.PostForm.Get("note")),
		Class: line("class"), Why: strings.TrimSpace(r.PostForm.Get("why")),
	}
	in.Version, _ = strconv.Atoi(line("version")) // what is no number is no version of ours
	return in, nil
}

// inputOf fills the fields from a story.
func inputOf(s news.Story, zone *time.Location) input {
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
			more = append(more, subject.Code)
		}
	}
	in.More = strings.Join(more, ", ")
	return in
}

// hasMarks finds what plain text cannot hold.
var hasMarks = regexp.MustCompile(`<(h[1-6]|ul|ol|li|blockquote|a|em|strong|table|bdi)[ >/]`)

// blockLines puts each block on a line of its own, so that a body can be edited with its marks.
func blockLines(body string) string {
	var out []string
	for body != "" {
		n := blockEnd(body)
		if block := strings.TrimSpace(body[:n]); block != "" {
			out = append(out, block)
		}
		body = body[n:]
	}
	return strings.Join(out, "\n")
}

const localTime = "2006-01-02T15:04"

// story puts the fields into a story, and says which have to be put right. Fields that the form does not have stay as they are
// in base.
func (in input) story(p *i18n.Printer, base news.Story) (news.Story, []wrong) {
	var bad []wrong
	say := func(field, key string, args ...any) { bad = append(bad, wrong{field, p.T(key, args...)}) }
	s := base
	if s.Type == "" {
		s.Type = news.Text
	}
	s.Lang, s.Headline, s.Slug, s.Byline, s.Dateline = news.Lang(in.Lang), in.Headline, in.Slug, in.Byline, in.Dateline
	s.Genre, s.Service, s.Credit, s.Copyright, s.Usage, s.Note = in.Genre, in.Service, in.Credit, in.Copyright, in.Usage, in.Note
	if in.Headline == "" {
		say("headline", "item.form.headline_missing")
	}
	for _, f := range [][2]string{{"headline", in.Headline}, {"slug", in.Slug}, {"byline", in.Byline}, {"dateline", in.Dateline}, {"credit", in.Credit}} {
		if len([]rune(f[1])) > maxLine {
			say(f[0], "item.form.line_long", "limit", maxLine)
		}
	}
	switch {
	case len(in.Body) > maxBody:
		say("body", "item.form.too_large")
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

// form makes the page of a form.
func (f *Family) formOf(r *http.Request, key string, in input, bad []wrong) formPage {
	base := f.o.Shell.Base(r, "wire", key)
	p := formPage{Base: base, Heading: base.Title, Input: in, Wrong: bad, ZoneIs: base.Now.In(base.P.Zone()).Format("MST")}
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
	return p
}

func (f *Family) newStory(w http.ResponseWriter, r *http.Request) error {
	p := f.formOf(r, "item.form.new", input{Lang: page.PrinterOf(r).Lang()}, nil)
	p.Langs = selected(p.Langs, p.Newsroom.Lang)
	p.Action, p.Cancel = "/new", "/wire"
	return page.Render(w, r, http.StatusOK, f.form, p)
}

// selected chooses the newsroom's language, if it is one of the choices.
func selected(choices []choice, value string) []choice {
	if !slices.ContainsFunc(choices, func(c choice) bool { return c.Value == value }) {
		return choices
	}
	for i := range choices {
		choices[i].On = choices[i].Value == value
	}
	return choices
}

func (f *Family) saveNew(w http.ResponseWriter, r *http.Request) error {
	return f.save(w, r, "", news.Story{})
}

func (f *Family) editDraft(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Unreleased)
	if err != nil {
		return err
	}
	p := f.formOf(r, "item.form.edit", inputOf(story, page.PrinterOf(r).Zone()), nil)
	p.Action, p.Cancel, p.Draft = page.ItemPath(item.Item)+"/edit", page.ItemPath(item.Item), true
	return page.Render(w, r, http.StatusOK, f.form, p)
}

func (f *Family) saveDraft(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Unreleased)
	if err != nil {
		return err
	}
	return f.save(w, r, item.Item, story)
}

// save keeps a draft and, if that was asked for, releases it.
func (f *Family) save(w http.ResponseWriter, r *http.Request, id news.ItemID, base news.Story) error {
	in, err := readInput(r)
	if err != nil {
		return err
	}
	person := page.PersonOf(r)
	story, bad := in.story(page.PrinterOf(r), base)
	if len(bad) > 0 {
		p := f.formOf(r, "item.form.new", in, bad)
		p.Action, p.Cancel, p.Draft = "/new", "/wire", id != ""
		if id != "" {
			p.Action, p.Cancel = page.ItemPath(id)+"/edit", page.ItemPath(id)
		}
		return page.Render(w, r, http.StatusUnprocessableEntity, f.form, p)
	}
	draft := news.Draft{Story: story, Source: "desk", By: person.ID}
	if id, err = f.o.Writing.Save(r.Context(), person.ID, id, draft); err != nil {
		return err
	}
	if r.PostForm.Get("act") != "release" {
		return f.o.Shell.Done(w, r, page.ItemPath(id), "item.saved")
	}
	if err := f.o.Writing.Release(r.Context(), person.ID, id); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(id), "item.released")
}

func (f *Family) release(w http.ResponseWriter, r *http.Request) error {
	id := itemOf(r)
	if err := f.o.Writing.Release(r.Context(), page.PersonOf(r).ID, id); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(id), "item.released")
}

// ownStory is an item of ours in a state, with its newest text.
func (f *Family) ownStory(r *http.Request, state news.State) (library.Item, news.Story, error) {
	item, err := f.o.Library.Item(r.Context(), itemOf(r))
	if err != nil {
		return item, news.Story{}, err
	}
	switch {
	case !item.Own:
		return item, news.Story{}, fault.New(fault.Denied, "item.not_ours")
	case item.State != state:
		return item, news.Story{}, fault.New(fault.Conflict, "item.other_state")
	}
	story, err := f.o.Library.Version(r.Context(), item.Item, item.Version)
	return item, story, err
}

func (f *Family) changeForm(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Usable)
	if err != nil {
		return err
	}
	in := inputOf(story, page.PrinterOf(r).Zone())
	in.Class, in.Version = string(news.Correction), item.Version
	return page.Render(w, r, http.StatusOK, f.form, f.changePage(r, item, in, nil))
}

func (f *Family) changePage(r *http.Request, item library.Item, in input, bad []wrong) formPage {
	p := f.formOf(r, "item.form.change", in, bad)
	p.Action, p.Cancel, p.Change = page.ItemPath(item.Item)+"/correct", page.ItemPath(item.Item), true
	return p
}

func (f *Family) change(w http.ResponseWriter, r *http.Request) error {
	item, story, err := f.ownStory(r, news.Usable)
	if err != nil {
		return err
	}
	in, err := readInput(r)
	if err != nil {
		return err
	}
	p := page.PrinterOf(r)
	changed, bad := in.story(p, story)
	class := news.Correction
	if in.Class == string(news.Update) {
		class = news.Update
	} else if in.Why == "" {
		bad = append([]wrong{{"why", p.T("item.form.why_missing")}}, bad...)
	}
	if in.Version != item.Version {
		bad = append([]wrong{{"version", p.T("item.changed_meanwhile")}}, bad...)
		in.Version = item.Version
	}
	if len(bad) > 0 {
		return page.Render(w, r, http.StatusUnprocessableEntity, f.form, f.changePage(r, item, in, bad))
	}
	person := page.PersonOf(r).ID
	draft := news.Draft{Story: changed, Source: "desk", Class: class, By: person}
	if err := f.o.Writing.Change(r.Context(), person, item.Item, draft, in.Why); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(item.Item), "item.change_released")
}

// withdrawPage asks for the reason of a withdrawal and shows whom it reaches.
type withdrawPage struct {
	page.Base
	Item   *article
	Reason string
	Wrong  string
}

func (f *Family) withdrawForm(w http.ResponseWriter, r *http.Request) error {
	return f.showWithdraw(w, r, http.StatusOK, "", "")
}

func (f *Family) showWithdraw(w http.ResponseWriter, r *http.Request, status int, reason, bad string) error {
	if _, _, err := f.ownStory(r, news.Usable); err != nil {
		return err
	}
	base := f.o.Shell.Base(r, "wire", "item.withdraw.title")
	c, err := f.painter(r, base)
	if err != nil {
		return err
	}
	a, err := f.article(r, c, itemOf(r))
	if err != nil {
		return err
	}
	return page.Render(w, r, status, f.remove, withdrawPage{Base: base, Item: a, Reason: reason, Wrong: bad})
}

func (f *Family) withdraw(w http.ResponseWriter, r *http.Request) error {
	reason := strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" {
		return f.showWithdraw(w, r, http.StatusUnprocessableEntity, reason, page.PrinterOf(r).T("item.withdraw.reason_missing"))
	}
	item, _, err := f.ownStory(r, news.Usable)
	if err != nil {
		return err
	}
	if err := f.o.Writing.Withdraw(r.Context(), page.PersonOf(r).ID, item.Item, reason); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, page.ItemPath(item.Item), "item.withdrawn_done")
}

package ninjs

import (
	"slices"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

// MediaType is how a draft names its original bytes.
const MediaType = "application/ninjs+json"

// The roles by which Write marks what ninjs has no field for, and Parse finds it again.
const (
	roleClass    = "newspool:class"
	roleMedia    = "newspool:media"
	roleSHA256   = "sha256"
	roleService  = "service"
	roleCredit   = "credit"
	roleProvider = "provider"
)

// Parse reads one item. The error says that the bytes are no item at all (not JSON, no object, too large); everything
// else that is wrong stands in Draft.Problems, fatal ones included. The draft's Source and By are left empty.
//
// A Media without SHA256 is not here yet: its ID is the address under which the source has it.
func Parse(b []byte) (news.Draft, error) {
	v, err := decode(b)
	if err != nil {
		return news.Draft{}, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return news.Draft{}, fault.New(fault.Invalid, "ingest.json_no_object")
	}
	d := news.Draft{Original: slices.Clone(b), Format: MediaType}
	o := newObject("", m, &d.Problems)
	o.spend("standard", "$standard", "trustindicator", "trustindicators", "charcount", "wordcount", "mimetype", "profile", "guid")
	readIdentity(o, &d)
	readWords(o, &d)
	readMeta(o, &d)
	readMedia(o, &d)
	if d.Type == "" {
		d.Type = news.Text
	}
	finish(o, &d)
	return d, nil
}

func readIdentity(o *object, d *news.Draft) {
	d.SourceID = o.str("uri", "guid")
	if d.SourceID == "" {
		o.problem("uri", "ingest.uri_missing")
	}
	d.Version = o.str("version")
	for _, alt := range o.list("altids") {
		// In 1.x altids is one object with names of the sender's own.
		role, value := alt.str("role"), alt.at["value"]
		if c, ok := value.(string); ok && role == roleClass {
			switch c := news.Class(c); c {
			case news.First, news.Update, news.Correction, news.Withdrawal:
				d.Class = c
			default:
				o.problem("altIds", "ingest.class_unknown", "value", string(c))
			}
		}
	}
	switch status := strings.ToLower(o.str("pubstatus")); status {
	case "", "usable":
	case "canceled", "cancelled":
		d.Class = news.Withdrawal
	case "withheld":
		d.Class, d.Held = news.Withdrawal, true
		o.problem("pubstatus", "ingest.status_withheld")
	default: // it may say that nobody is to have it
		d.Held = true
		o.problem("pubstatus", "ingest.status_unknown", "value", status)
	}
	switch kind := o.str("type"); kind {
	case "":
	case "text", "picture", "graphic", "audio", "video", "composite":
		d.Type = news.ItemType(kind)
	default:
		o.problem("type", "ingest.type_unknown", "value", kind)
	}
	switch part := strings.ToLower(o.str("representationtype")); part {
	case "", "full", "complete":
	default:
		o.problem("representationtype", "ingest.partial")
	}
}

// readWords reads headline, body and what stands around them.
func readWords(o *object, d *news.Draft) {
	d.Headline = words(o, []string{"headlines"}, "headline", "main")
	title := o.str("title")
	if d.Headline == "" {
		d.Headline, title = title, ""
	}
	d.Slug = o.str("slugline", "slug")
	if d.Slug == "" {
		d.Slug = title
	}
	d.Byline = o.str("by", "byline")
	d.Dateline = o.str("located")
	d.Body = body(o)
}

func readMeta(o *object, d *news.Draft) {
	d.Lang = o.lang("language")
	if n := o.integer("urgency"); n >= 1 && n <= 9 {
		d.Urgency = news.Urgency(n)
	} else if n != 0 {
		o.problem("urgency", "ingest.urgency_bad", "value", n)
	}
	d.Written, _ = o.time("contentcreated", "versioncreated", "firstcreated")
	o.spend("contentcreated", "versioncreated", "firstcreated")
	if s := o.str("embargoeduntil", "embargoed"); s != "" {
		t, ok := o.time("embargoeduntil", "embargoed")
		if !ok { // published too early would be worse than not taken
			(*o.problems)[len(*o.problems)-1].Fatal = true
		}
		d.Embargo = t
	}
	d.Copyright = o.text("copyrightnotice")
	if holder := o.text("copyrightholder"); d.Copyright == "" {
		d.Copyright = holder
	} else if holder != "" && !strings.Contains(d.Copyright, holder) {
		d.Copyright = holder + ". " + d.Copyright
	}
	d.Usage, d.Note = o.text("usageterms"), o.text("ednote")
	for _, s := range o.list("subjects", "subject") {
		c := concept(s)
		if c.Code == "" {
			o.problem(strings.TrimSuffix(s.path, "."), "ingest.subject_bad")
		} else if !slices.ContainsFunc(d.Subjects, func(x news.Subject) bool { return x.Code == c.Code }) {
			d.Subjects = append(d.Subjects, c)
		}
	}
	for i, g := range o.list("genres", "genre") {
		if c := concept(g); i == 0 {
			d.Genre = strings.TrimPrefix(c.Code, "word:")
		} else {
			o.problem(strings.TrimSuffix(g.path, "."), "ingest.genre_more", "value", c.Code)
		}
	}
	readSources(o, d)
}

// readSources finds credit and service: in the information sources, or in the fields that newsroom systems add.
func readSources(o *object, d *news.Draft) {
	bare := ""
	for _, s := range o.list("infosources", "infosource") {
		name := s.str("name", "literal", "code")
		switch role := strings.ToLower(s.str("role", "rel")); {
		case role == roleService && d.Service == "":
			d.Service = name
		case (role == roleCredit || role == "creditline") && d.Credit == "":
			d.Credit = name
		case role == roleProvider:
		case role == "" && bare == "":
			bare = name
		default:
			o.problem(strings.TrimSuffix(s.path, "."), "ingest.unused", "fields", s.path+"name")
		}
	}
	for i, s := range o.list("service") {
		if c := s.str("code", "name"); i == 0 && d.Service == "" {
			d.Service = c
		} else {
			o.problem(strings.TrimSuffix(s.path, "."), "ingest.unused", "fields", s.path+"code")
		}
	}
	for _, c := range [...]string{o.str("creditline"), o.str("credit"), o.str("description_creditline"), bare, o.str("source"), o.str("provider")} {
		if d.Credit == "" {
			d.Credit = c
		}
	}
}

// finish looks at the whole: what was left over, and whether there is anything to read.
func finish(o *object, d *news.Draft) {
	if left := o.left(); len(left) > 0 {
		o.problem("", "ingest.unused", "fields", strings.Join(left, ", "))
	}
	nothing := d.Headline == "" && d.Body == "" && len(d.Media) == 0
	switch {
	case d.Class == news.Withdrawal && d.SourceID == "" && (!d.Held || nothing):
		o.fatal("uri", "ingest.withdrawal_of_nothing")
	case d.Class == news.Withdrawal && (!d.Held || nothing):
	case nothing:
		o.fatal("", "ingest.empty")
	case d.Headline == "":
		d.Headline = firstWords(d.Story)
		o.problem("headline", "ingest.headline_missing")
	}
}

// firstWords stands in for a headline: the beginning of the text, or of the first caption.
func firstWords(s news.Story) string {
	const max = 12
	text := news.PlainText(s.Body)
	if strings.TrimSpace(text) == "" && len(s.Media) > 0 {
		text = s.Media[0].Headline + " " + s.Media[0].Caption
	}
	words := strings.Fields(text)
	if len(words) > max {
		return strings.Join(words[:max], " ") + " …"
	}
	return strings.Join(words, " ")
}

// words picks the best of several wordings of a headline or description: of the list of 2.x and 3.x by role, or of the
// single fields of 1.x (headline, headline_main, …).
func words(o *object, lists []string, single string, roles ...string) string {
	best, rank := "", len(roles)+1
	for _, e := range o.list(lists...) {
		s := e.raw("value")
		if isHTML(e.str("contenttype"), "") {
			s = news.PlainText(sanitize.Story(s))
		}
		if s = line(s); s == "" {
			continue
		}
		at := slices.Index(roles, strings.ToLower(e.str("role")))
		if at < 0 {
			at = len(roles)
		}
		if at < rank {
			best, rank = s, at
		}
	}
	if best == "" {
		best = o.str(single)
	}
	for _, name := range prefixed(o, single+"_") {
		v := o.raw(name)
		if isHTML(name, "") {
			v = news.PlainText(sanitize.Story(v))
		}
		if best == "" {
			best = line(v)
		}
	}
	return best
}

// prefixed lists the fields of 1.x that extend a name, best first: main, text, html, then by alphabet.
func prefixed(o *object, prefix string) []string {
	var names []string
	for low := range o.at {
		if strings.HasPrefix(low, prefix) && low != "description_creditline" {
			names = append(names, low)
		}
	}
	order := func(n string) int {
		return slices.Index([]string{"main", "caption", "text", "html", "xhtml"}, strings.TrimPrefix(n, prefix)) & 0xff
	}
	slices.SortFunc(names, func(a, b string) int {
		if x, y := order(a), order(b); x != y {
			return x - y
		}
		return strings.Compare(a, b)
	})
	return names
}

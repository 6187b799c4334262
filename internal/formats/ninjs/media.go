package ninjs

import (
	"slices"
	"strconv"
	"strings"

	"newspool/internal/news"
)

// readMedia finds photos, sound and films: the renditions of the item itself where it is one, and its associations.
func readMedia(o *object, d *news.Draft) {
	renditions := renditions(o)
	if len(renditions) > 0 && d.Type != news.Text && d.Type != news.Composite {
		own := newObject("", nil, o.problems)
		m := news.Media{Of: d.Type, Headline: d.Headline, Caption: lines(news.PlainText(d.Body)), Byline: d.Byline, Credit: d.Credit, Rights: rights(d.Copyright, d.Usage)}
		takeRendition(own, &m, renditions)
		if m.ID == "" {
			m.ID = d.SourceID
		}
		if m.Of == "" {
			m.Of = ofType(m.Type)
		}
		if d.Type == "" {
			d.Type = m.Of
		}
		d.Media = append(d.Media, m)
	} else if len(renditions) > 0 {
		o.problem("renditions", "ingest.unused", "fields", "renditions")
	}
	for _, a := range associations(o) {
		switch kind := a.str("type"); kind {
		case "text", "composite", "event", "planning", "component":
			o.problem(strings.TrimSuffix(a.path, "."), "ingest.association_story", "name", a.str("headline", "name", "uri"))
			continue
		}
		d.Media = append(d.Media, media(a))
	}
}

// associations are a list in 2.x and 3.x and an object with names in 1.x.
func associations(o *object) []*object {
	v, as := o.take("associations", "association")
	m, named := v.(map[string]any)
	if !named {
		return o.list("associations", "association")
	}
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var all []*object
	for _, name := range names {
		path := o.path + as + "." + name
		switch e := m[name].(type) {
		case map[string]any:
			all = append(all, newObject(path+".", e, o.problems))
		case nil:
		case []any:
			for i, x := range e {
				if x, ok := x.(map[string]any); ok {
					all = append(all, newObject(path+"["+strconv.Itoa(i)+"].", x, o.problems))
				}
			}
		default:
			o.problem(as+"."+name, "ingest.field_kind", "field", path)
		}
	}
	return all
}

func media(a *object) news.Media {
	m := news.Media{
		Headline: words(a, []string{"headlines"}, "headline", "main"), Caption: caption(a), Byline: a.str("by", "byline"),
		Rights: rights(a.text("copyrightnotice", "copyrightholder"), a.text("usageterms")),
	}
	switch kind := news.ItemType(a.str("type")); kind {
	case news.Picture, news.Graphic, news.Audio, news.Video:
		m.Of = kind
	case "":
	default:
		a.problem("type", "ingest.type_unknown", "value", string(kind))
	}
	for _, s := range a.list("infosources", "infosource") {
		if name, role := s.str("name"), strings.ToLower(s.str("role", "rel")); m.Credit == "" && (role == roleCredit || role == "creditline" || role == "") {
			m.Credit = name
		}
	}
	if m.Credit == "" {
		m.Credit = a.str("creditline", "credit", "description_creditline", "source")
	}
	takeRendition(a, &m, renditions(a))
	for _, alt := range a.list("altids") {
		switch alt.str("role") {
		case roleMedia:
			m.ID = alt.str("value")
		case roleSHA256:
			m.SHA256 = alt.str("value")
		}
	}
	if m.ID == "" {
		m.ID = a.str("uri", "guid")
	}
	if m.ID == "" {
		a.problem("uri", "ingest.media_nowhere")
	}
	if m.Of == "" {
		m.Of = ofType(m.Type)
	}
	return m
}

// rights joins what may not be lost about a photo: whose it is and what may be done with it.
func rights(notice, usage string) string {
	if notice != "" && usage != "" && !strings.Contains(notice, usage) {
		return notice + "\n" + usage
	}
	if notice == "" {
		return usage
	}
	return notice
}

// A rendition is one file of a photo or film.
type rendition struct {
	name, href, kind    string
	width, height, size int64
}

// renditions are a list in 2.x and 3.x and an object with names in 1.x.
func renditions(o *object) []rendition {
	v, as := o.take("renditions")
	var all []*object
	if m, ok := v.(map[string]any); ok {
		names := make([]string, 0, len(m))
		for name := range m {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if e, ok := m[name].(map[string]any); ok {
				r := newObject(o.path+as+"."+name+".", e, o.problems)
				r.at["name"], r.names["name"] = name, "name"
				all = append(all, r)
			}
		}
	} else {
		all = o.list("renditions")
	}
	var out []rendition
	for _, r := range all {
		out = append(out, rendition{name: strings.ToLower(r.str("name")), href: r.str("href"), kind: strings.ToLower(r.str("contenttype", "mimetype")),
			width: r.integer("width"), height: r.integer("height"), size: r.integer("sizeinbytes")})
	}
	return out
}

// takeRendition chooses the file that a desk wants: the one that is called the original or main one, else the largest.
func takeRendition(o *object, m *news.Media, all []rendition) {
	best := -1
	rank := func(i int) int64 {
		at := slices.Index([]string{"original", "main", "highres", "hires", "supplied", "baseimage"}, all[i].name)
		if at >= 0 {
			return 1<<62 - int64(at)
		}
		return min(all[i].width, 1<<30) * min(all[i].height, 1<<30)
	}
	for i := range all {
		if best < 0 || rank(i) > rank(best) {
			best = i
		}
	}
	if best < 0 {
		return
	}
	r := all[best]
	m.ID, m.Type, m.Size = r.href, r.kind, r.size
	if r.width <= maxEdge && r.height <= maxEdge {
		m.Width, m.Height = int(r.width), int(r.height)
	} else {
		o.problem("renditions", "ingest.number_bad", "field", "width", "value", r.width)
	}
}

// maxEdge is the largest width or height that is believed, in pixels.
const maxEdge = 1 << 20

func ofType(mediaType string) news.ItemType {
	kind, _, _ := strings.Cut(mediaType, "/")
	return news.TypeOfMedium(kind)
}

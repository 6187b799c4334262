package terms

import (
	"slices"
	"time"
)

// Strip is what an editor is told about one received item: where it may be published and under which credit, until when, and
// what is not permitted or is owed. The lines are sentences in the order in which they are read. Facts.Channel does not count.
func Strip(r Revision, f Facts, at time.Time) []Line {
	f.Channel = ""
	q := ask(r, f, Publish, at, r.Location())
	d := q.answer()
	switch {
	case f.From == f.To && d.Answer == Yes:
		return []Line{d.Line()}
	case d.Answer == No && d.Key != "terms.no.publish":
		return closedStrip(q, d)
	}
	var lines []Line
	if d.Answer == NotYet {
		lines = append(lines, d.Line())
	}
	lines = append(lines, publishing(q)...)
	u := r.Uses
	for _, s := range []struct {
		when bool
		key  string
	}{
		{!u.Translate, "terms.strip.no_translate"},
		{!u.Shorten, "terms.strip.no_shorten"},
		{!u.Combine, "terms.strip.no_combine"},
		{!u.Syndicate, "terms.strip.no_syndicate"},
		{u.Syndicate, "terms.strip.syndicate"},
		{!u.Train, "terms.strip.no_train"},
		{!u.Keep, "terms.strip.no_keep"},
		{u.LinkBack && len(u.Publish) > 0, "terms.strip.link_back"},
		{u.Notice == NoticeBefore, "terms.strip.notice_before"},
		{u.Notice == NoticeAfter, "terms.strip.notice_after"},
	} {
		if s.when {
			lines = append(lines, line(s.key, "partner", r.names(f.From)))
		}
	}
	return lines
}

// closedStrip is for an item of which nothing may be used: why, and whether it may still be read.
func closedStrip(q question, why Decision) []Line {
	lines := []Line{why.Line()}
	q.act = Read
	if why.Key != "terms.no.search_only" && q.answer().Answer == Yes {
		lines = append(lines, line("terms.strip.read_only"))
	}
	return lines
}

// publishing says on which channels, under which credit, until when and where, and on which channels not.
func publishing(q question) []Line {
	r, f, u := q.r, q.f, q.r.Uses
	if len(u.Publish) == 0 {
		return []Line{line("terms.strip.no_publish")}
	}
	args := []any{"channels", listValue(valueChannel, u.Publish), "credit", r.credits(f.From)}
	key := "terms.strip.publish"
	until, _ := q.end()
	if end := r.usesEnd(f.Released, q.zone); !end.IsZero() && (until.IsZero() || end.Before(until)) {
		until = end
	}
	if !until.IsZero() {
		key = "terms.strip.publish_until"
		args = append(args, "until", q.lastDay(until))
	}
	lines := []Line{line(key, args...)}
	if len(u.Regions) > 0 {
		lines = append(lines, line("terms.strip.regions", "regions", listValue(valueRegion, u.Regions)))
	}
	for _, channel := range Channels {
		if !slices.Contains(u.Publish, channel) {
			lines = append(lines, line(notOn(channel)))
		}
	}
	return lines
}

func notOn(c Channel) string {
	switch c {
	case Print:
		return "terms.strip.no_print"
	case Web:
		return "terms.strip.no_web"
	case Radio:
		return "terms.strip.no_radio"
	case TV:
		return "terms.strip.no_tv"
	}
	return "terms.strip.no_social"
}

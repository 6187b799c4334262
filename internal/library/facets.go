package library

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/news"
)

// The facets of a row, by their first letters.
const (
	facetAll       = "all"
	facetOwn       = "own"
	facetReceived  = "in"
	facetOrigin    = "o:"
	facetAgreement = "a:"
	facetLang      = "l:"
	facetType      = "t:"
	facetSubject   = "s:"
	facetState     = "st:"
	facetUrgency   = "u:"
	facetDay       = "d:"
)

// facets gives the facets of the row, sorted, each once; none for a row that is not shown.
func (l *Library) facets(it *item) []string {
	if it.N == 0 {
		return nil
	}
	out := make([]string, 0, 24)
	out = append(out, facetAll, facetOrigin+string(it.Origin), facetState+string(it.State),
		facetDay+it.Arrived.In(l.o.Zone).Format(time.DateOnly))
	if it.Type != "" {
		out = append(out, facetType+string(it.Type))
	}
	if it.Own {
		out = append(out, facetOwn)
	} else {
		out = append(out, facetReceived)
	}
	for _, a := range it.Agreements {
		out = append(out, facetAgreement+string(a))
	}
	if lang := langFacet(it.Lang); lang != "" {
		out = append(out, lang)
		if base, _, found := strings.Cut(lang, "-"); found {
			out = append(out, base)
		}
	}
	if it.Urgency > 0 {
		out = append(out, facetUrgency+strconv.Itoa(int(it.Urgency)))
	}
	for _, s := range it.Subjects {
		if s.Code == "" {
			continue
		}
		out = append(out, facetSubject+s.Code)
		for _, a := range l.o.Ancestors(s.Code) {
			out = append(out, facetSubject+a)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func langFacet(lang news.Lang) string {
	if lang == "" {
		return ""
	}
	return facetLang + strings.ToLower(string(lang))
}

// facets gives the facets that a row must have, all of them.
func (f Filter) facets() []string {
	out := []string{}
	add := func(kind, value string) {
		if value != "" {
			out = append(out, kind+value)
		}
	}
	add(facetOrigin, string(f.Origin))
	add(facetAgreement, string(f.Agreement))
	add("", langFacet(f.Lang))
	add(facetType, string(f.Type))
	add(facetSubject, f.Subject)
	add(facetState, string(f.State))
	add(facetDay, f.Day)
	if f.Urgency != 0 {
		add(facetUrgency, strconv.Itoa(int(f.Urgency)))
	}
	if f.Own && !f.Received {
		out = append(out, facetOwn)
	}
	if f.Received && !f.Own {
		out = append(out, facetReceived)
	}
	if len(out) == 0 {
		out = append(out, facetAll)
	}
	return out
}

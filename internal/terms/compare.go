package terms

import (
	"reflect"
	"slices"

	"newspool/internal/news"
)

// Change is one clause in which two revisions differ.
type Change struct {
	Clause   string
	Heading  Line
	Key      string // "clause.change.changed", "clause.change.added" or "clause.change.removed"
	Old, New []Line // the sentences of the clause before and after; one of them is empty where it was added or removed
}

// Line says in words what happened to the clause.
func (c Change) Line() Line { return line(c.Key, "clause", c.Clause) }

// Compare gives the clauses in which a revision differs from an older one, in the order of the new document, removed clauses
// in their old places. It looks at everything that is agreed, free texts in all their languages, but not at what names the
// revision itself: its number, its predecessor and the hashes of its texts. A sentence that did not change stands on both
// sides.
func Compare(older, newer Revision) []Change {
	langs := languagesOf(older, newer)
	was, is := clausesOf(older, langs), clausesOf(newer, langs)
	var changes []Change
	i := 0
	removed := func(until int) {
		for ; i < until; i++ {
			if !slices.ContainsFunc(is, func(c Clause) bool { return c.Number == was[i].Number }) {
				changes = append(changes, Change{was[i].Number, was[i].Heading, "clause.change.removed", was[i].Sentences, nil})
			}
		}
	}
	for _, c := range is {
		j := slices.IndexFunc(was, func(o Clause) bool { return o.Number == c.Number })
		if j < 0 {
			changes = append(changes, Change{c.Number, c.Heading, "clause.change.added", nil, c.Sentences})
			continue
		}
		removed(j)
		if !reflect.DeepEqual(was[j], c) {
			changes = append(changes, Change{c.Number, c.Heading, "clause.change.changed", was[j].Sentences, c.Sentences})
		}
	}
	removed(len(was))
	return changes
}

// clausesOf is the document without what names the revision; clauses of one number are taken together.
func clausesOf(r Revision, langs []news.Lang) []Clause {
	r.Number, r.Predecessor = 0, ""
	var list []Clause
	for _, c := range document(r, langs) {
		if i := slices.IndexFunc(list, func(o Clause) bool { return o.Number == c.Number }); i >= 0 {
			list[i].Sentences = append(slices.Clone(list[i].Sentences), c.Sentences...)
			continue
		}
		list = append(list, c)
	}
	return list
}

// languagesOf is every language in which one of the revisions has a text, in the order of the alphabet.
func languagesOf(revisions ...Revision) []news.Lang {
	seen := map[news.Lang]bool{}
	for _, r := range revisions {
		texts := []InLanguages{r.Purpose, r.Confidentiality.Text}
		for _, p := range r.Parties {
			texts = append(texts, p.Names)
		}
		for _, c := range r.Commitments {
			texts = append(texts, c.Text)
		}
		for _, t := range texts {
			for lang := range t {
				seen[lang] = true
			}
		}
		seen[r.Prevails] = true
	}
	var list []news.Lang
	for lang := range seen {
		list = append(list, lang)
	}
	slices.Sort(list)
	return list
}

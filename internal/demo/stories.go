package demo

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed stories/*.jsonl
var files embed.FS

// Newsroom is one of the invented newsrooms.
type Newsroom struct {
	Key       string            // short name in commands and file names: "north", "soren", "avand"
	Domain    string            // under .example, which never leads anywhere
	Names     map[string]string // what it is called, by language: en ru fa ar fr es
	Kind      string            // kind of outlet, as agreements write it: "agency", "radio"
	Languages []string          // in which it writes, its own first
	Zone      string            // IANA time zone
	Stories   func() ([]Line, error)
}

// Line is one version of one story, as the newsroom hands it to its node.
type Line struct {
	Seq            int             // place in the newsroom's day, from 1
	After          int             // Seq of the version before this one; 0: this is the first
	EmbargoMinutes int             // how long after sending it may not be used; 0: no embargo
	Item           json.RawMessage // one ninjs 3.1 object without dates: who sends it sets versionCreated and embargoedUntil
}

// Newsrooms lists the three of them, in the order in which they meet people. The caller owns the answer.
func Newsrooms() []Newsroom {
	all := []Newsroom{
		{
			Key: "north", Domain: "north.example", Kind: "agency", Languages: []string{"en", "fr", "es", "ar"}, Zone: "Etc/GMT-1",
			Names: map[string]string{"en": "North Agency", "ru": "Агентство «Север»", "fa": "خبرگزاری شمال", "ar": "وكالة الشمال",
				"fr": "Agence du Nord", "es": "Agencia del Norte"},
		},
		{
			Key: "soren", Domain: "soren.example", Kind: "radio", Languages: []string{"ru", "ar", "es", "fr"}, Zone: "Etc/GMT-3",
			Names: map[string]string{"en": "Radio Soren", "ru": "Радио Сорен", "fa": "رادیو سورن", "ar": "إذاعة سورين",
				"fr": "Radio Soren", "es": "Radio Soren"},
		},
		{
			Key: "avand", Domain: "avand.example", Kind: "agency", Languages: []string{"fa", "ar", "fr", "es"}, Zone: "Etc/GMT-4",
			Names: map[string]string{"en": "Avand News", "ru": "Агентство «Аванд»", "fa": "خبرگزاری آوند", "ar": "وكالة أنباء آوند",
				"fr": "Agence Avand", "es": "Agencia Avand"},
		},
	}
	for i := range all {
		key := all[i].Key
		all[i].Stories = func() ([]Line, error) { return Lines(key) }
	}
	return all
}

// wrapped is a line of a story file.
type wrapped struct {
	After          int             `json:"after"`
	EmbargoMinutes int             `json:"embargo_minutes"`
	Item           json.RawMessage `json:"item"`
}

// Lines gives the stories of a newsroom in the order in which it sends them: new ones, updates, corrections and withdrawals.
// Versions of a story have the same uri and count up. A key that no newsroom has is an error.
func Lines(key string) ([]Line, error) {
	raw, err := files.ReadFile("stories/" + key + ".jsonl")
	if err != nil {
		return nil, fmt.Errorf("demo: no newsroom %q: %w", key, err)
	}
	var lines []Line
	for one := range bytes.Lines(raw) {
		var w wrapped
		if err := json.Unmarshal(one, &w); err != nil {
			return nil, fmt.Errorf("demo: line %d of the stories of %s: %w", len(lines)+1, key, err)
		}
		lines = append(lines, Line{Seq: len(lines) + 1, After: w.After, EmbargoMinutes: w.EmbargoMinutes, Item: w.Item})
	}
	return lines, nil
}

// Package i18n puts the words of the program into the reader's language: messages by key, plural forms, numbers, dates,
// spans of time.
//
// The messages stand in catalog/<language>/<family>.json, one flat object a file. A key is dotted and lower-case; its first
// segment is its family and the name of its file. A message is a text, or an object with one text for each plural category of
// the language (CLDR names). {name} in a text is the place of a value:
//
//	{"wire.title": "Wire", "wire.new": {"one": "{n} new", "other": "{n} new"}}
//
// The plural form is chosen by the value "n", or by the one that the object names: {"by": "count", "one": …}.
//
// What it promises: a Bundle does not change after Load and may be used by all goroutines at once, and so may a Printer. A
// message that a language lacks is said in English; one that no language has shows as «key». Nothing here fails while a page
// is being made.
package i18n

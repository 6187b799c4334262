package i18n

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed catalog
var catalogs embed.FS

// Languages lists the languages of the program. The first is the one that everything else falls back to.
var Languages = [...]string{"en", "ru", "fa", "ar", "fr", "es"}

// Pseudo is the tag of an English that is half as long again and full of marks: for looking at pages, never offered to
// a reader.
const Pseudo = "en-x-pseudo"

// Bundle is all messages in all languages. It does not change; all goroutines may use it.
type Bundle struct {
	locales map[string]*locale
	matcher language.Matcher
}

// Load reads the catalogs that are compiled in. An error means that a catalog is malformed.
func Load() (*Bundle, error) {
	sub, err := fs.Sub(catalogs, "catalog")
	if err != nil {
		return nil, err
	}
	return load(sub)
}

func load(fsys fs.FS) (*Bundle, error) {
	b := &Bundle{locales: make(map[string]*locale)}
	var tags []language.Tag
	for _, lang := range Languages {
		tag := language.MustParse(lang)
		messages, err := loadLanguage(fsys, lang, tag)
		if err != nil {
			return nil, err
		}
		tags = append(tags, tag)
		b.locales[lang] = newLocale(lang, tag, messages)
	}
	english := b.locales[Languages[0]]
	for _, l := range b.locales {
		l.fallback = english
	}
	b.locales[Pseudo] = english.pseudo()
	b.matcher = language.NewMatcher(tags)
	return b, nil
}

func loadLanguage(fsys fs.FS, lang string, tag language.Tag) (map[string]*entry, error) {
	messages := make(map[string]*entry)
	files, err := fs.Glob(fsys, lang+"/*.json")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		raw, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		family := strings.TrimSuffix(path.Base(name), ".json")
		if err := readCatalog(raw, family, tag, messages); err != nil {
			return nil, fmt.Errorf("catalog %s: %w", name, err)
		}
	}
	return messages, nil
}

// readCatalog adds the messages of one file. Keys of another family, keys said twice and categories that do not exist are
// errors.
func readCatalog(raw []byte, family string, tag language.Tag, into map[string]*entry) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return err
	}
	for key, value := range values {
		if !strings.HasPrefix(key, family+".") {
			return fmt.Errorf("key %q is not of the family %q", key, family)
		}
		if into[key] != nil {
			return fmt.Errorf("key %q stands here twice", key)
		}
		m, err := readMessage(value, tag)
		if err != nil {
			return fmt.Errorf("key %q: %w", key, err)
		}
		into[key] = m
	}
	return nil
}

func readMessage(raw json.RawMessage, tag language.Tag) (*entry, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		p, err := parse(text)
		if err != nil {
			return nil, err
		}
		return &entry{other: p}, nil
	}
	var forms map[string]string
	if err := json.Unmarshal(raw, &forms); err != nil {
		return nil, fmt.Errorf("neither a text nor plural forms")
	}
	m := &entry{by: "n", tag: tag, forms: make(map[plural.Form]pattern)}
	for name, text := range forms {
		if name == "by" {
			m.by = text
			continue
		}
		form, ok := categories[name]
		if !ok {
			return nil, fmt.Errorf("%q is no plural category", name)
		}
		p, err := parse(text)
		if err != nil {
			return nil, err
		}
		m.forms[form] = p
	}
	other, ok := m.forms[plural.Other]
	if !ok {
		return nil, fmt.Errorf("the form \"other\" is missing")
	}
	m.other = other
	return m, nil
}

var categories = map[string]plural.Form{
	"zero": plural.Zero, "one": plural.One, "two": plural.Two, "few": plural.Few, "many": plural.Many, "other": plural.Other,
}

// Match chooses one of Languages for a reader. Each preference is a language tag or a whole Accept-Language header; earlier
// ones count more. Nothing that fits: English.
func (b *Bundle) Match(preferred ...string) string {
	for _, p := range preferred {
		tags, _, err := language.ParseAcceptLanguage(p)
		if err != nil || len(tags) == 0 {
			continue
		}
		if _, i, confidence := b.matcher.Match(tags...); confidence > language.No {
			return Languages[i]
		}
	}
	return Languages[0]
}

// Printer speaks one language, with times in one zone (nil: UTC). lang is one of Languages, with extensions if wanted:
// "ar-u-nu-latn" has Latin digits, "fa-u-ca-gregory" the Gregorian calendar. Anything else is matched.
func (b *Bundle) Printer(lang string, zone *time.Location) *Printer {
	if zone == nil {
		zone = time.UTC
	}
	if l, ok := b.locales[lang]; ok {
		return &Printer{locale: l, zone: zone}
	}
	l := b.locales[b.Match(lang)]
	if tag, err := language.Parse(lang); err == nil && slices.ContainsFunc(tag.Extensions(), isUnicode) {
		l = l.with(tag)
	}
	return &Printer{locale: l, zone: zone}
}

func isUnicode(e language.Extension) bool { return e.Type() == 'u' }

// Keys lists the keys of a language, sorted.
func (b *Bundle) Keys(lang string) []string {
	l, ok := b.locales[lang]
	if !ok {
		return nil
	}
	keys := make([]string, 0, len(l.messages))
	for k := range l.messages {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package terms

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

// Line is a sentence: the key of a message with its values by name. It can be kept as JSON and said later, in any language.
//
// A value is a number; a text; a list of texts; a text in several languages (InLanguages, after JSON a map); or a text that
// begins with @ and stands for a word that depends on the reader: "@subject:medtop:15000000", "@lang:fa", "@region:IR",
// "@type:video", "@channel:tv", "@role:editor", "@kind:agency", "@years:1960:2020", "@day:" and "@time:" with a time of RFC 3339.
type Line struct {
	Key  string         `json:"key"`
	Args map[string]any `json:"args,omitempty"`
}

const (
	valueSubject  = "@subject:"
	valueLanguage = "@lang:"
	valueRegion   = "@region:"
	valueType     = "@type:"
	valueChannel  = "@channel:"
	valueRole     = "@role:"
	valueKind     = "@kind:"
	valueDay      = "@day:"
	valueTime     = "@time:"
	valueYears    = "@years:"
)

func timeValue(t time.Time) string { return valueTime + t.UTC().Format(time.RFC3339Nano) }

// dayValue is a day as a time that has the same date in nearly all zones, so that the reader's zone does not move it.
func dayValue(d Date, zone *time.Location) string {
	t := d.noon(zone)
	if t.IsZero() {
		return string(d)
	}
	return valueDay + t.Format(time.RFC3339)
}

func yearsValue(a Archive) string {
	return valueYears + strconv.Itoa(a.From) + ":" + strconv.Itoa(a.To)
}

func listValue[T ~string](prefix string, items []T) []string {
	list := make([]string, 0, len(items))
	for _, item := range items {
		list = append(list, prefix+string(item))
	}
	return list
}

// line makes a Line; args alternate name and value.
func line(key string, args ...any) Line {
	l := Line{Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if l.Args == nil {
			l.Args = map[string]any{}
		}
		l.Args[args[i].(string)] = args[i+1]
	}
	return l
}

// Printer puts a message into the words of a reader. Its zone is the reader's; for the text of an agreement it is that of the
// agreement, so that everybody gets the same text.
type Printer interface {
	Lang() string                                // of the reader, one of the six
	Has(key string) bool                         // whether there is such a message
	Text(key string, args map[string]any) string // the message with its values: numbers, texts, lists of texts, times
	Date(t time.Time) string                     // the day of a time
	Language(lang string) string                 // the name of a language
	Numeral(text string) string                  // a text with the digits of the language
}

// Say gives the sentence of a line in the words of a reader. It accepts lines that were kept as JSON.
func Say(p Printer, l Line) string {
	args := make(map[string]any, len(l.Args))
	for name, value := range l.Args {
		args[name] = spoken(p, value)
		if clause, ok := value.(string); ok && name == "clause" {
			args[name] = p.Numeral(clause)
		}
	}
	return p.Text(l.Key, args)
}

// Sentence says an error to a reader. What is no fault, or a fault whose message no catalog has, is said as a mistake of the
// program itself; its text stays in the log.
func Sentence(p Printer, err error) string {
	f := fault.Of(err)
	if f.Kind == fault.Internal || !p.Has(f.Key) {
		return p.Text("fault.internal", nil)
	}
	return Say(p, Line{Key: f.Key, Args: f.Args}) // a refusal of the terms has coded values
}

// SayAll gives several lines as one text, with a blank between sentences.
func SayAll(p Printer, lines []Line) string {
	said := make([]string, 0, len(lines))
	for _, l := range lines {
		said = append(said, Say(p, l))
	}
	return strings.Join(said, " ")
}

func spoken(p Printer, value any) any {
	switch v := value.(type) {
	case string:
		return word(p, v)
	case []string:
		list := make([]string, 0, len(v))
		for _, item := range v {
			list = append(list, listed(p, fmt.Sprint(word(p, item))))
		}
		return list
	case []any:
		list := make([]string, 0, len(v))
		for _, item := range v {
			list = append(list, listed(p, fmt.Sprint(spoken(p, item))))
		}
		return list
	case InLanguages:
		return v.In(news.Lang(p.Lang()))
	case map[string]any:
		texts := InLanguages{}
		for lang, text := range v {
			if s, ok := text.(string); ok {
				texts[news.Lang(lang)] = s
			}
		}
		return texts.In(news.Lang(p.Lang()))
	}
	return value
}

// listed is an entry of a list: in quotation marks if it has a comma of its own.
func listed(p Printer, s string) string {
	if strings.ContainsAny(s, ",،") {
		return p.Text("terms.quoted", map[string]any{"text": s})
	}
	return s
}

// word is what a text of a line says to a reader: mostly itself.
func word(p Printer, s string) any {
	kind, rest, coded := strings.Cut(s, ":")
	if !coded || !strings.HasPrefix(s, "@") {
		return s
	}
	switch kind + ":" {
	case valueSubject:
		return mediatopic.Name(rest, p.Lang())
	case valueLanguage:
		return p.Language(rest)
	case valueRegion:
		return regionName(rest, p.Lang())
	case valueType, valueChannel, valueRole, valueKind:
		if key := wordKey(s); key != "" {
			return p.Text(key, nil)
		}
		return rest
	case valueDay:
		if t, err := time.Parse(time.RFC3339, rest); err == nil {
			return p.Date(t)
		}
		return rest
	case valueTime:
		if t, err := time.Parse(time.RFC3339, rest); err == nil {
			return t
		}
		return rest
	case valueYears:
		from, to, _ := strings.Cut(rest, ":")
		if to == "0" {
			return p.Text("terms.years_since", map[string]any{"from": from})
		}
		return p.Text("terms.years", map[string]any{"from": from, "to": to})
	}
	return s
}

// wordKey is the message of a word that the terms themselves define; "" for one that they do not.
func wordKey(s string) string {
	switch s {
	case "@type:text":
		return "terms.type.text"
	case "@type:picture":
		return "terms.type.picture"
	case "@type:graphic":
		return "terms.type.graphic"
	case "@type:audio":
		return "terms.type.audio"
	case "@type:video":
		return "terms.type.video"
	case "@type:composite":
		return "terms.type.composite"
	case "@channel:print":
		return "terms.channel.print"
	case "@channel:web":
		return "terms.channel.web"
	case "@channel:radio":
		return "terms.channel.radio"
	case "@channel:tv":
		return "terms.channel.tv"
	case "@channel:social":
		return "terms.channel.social"
	case "@role:chief":
		return "terms.role.chief"
	case "@role:editor":
		return "terms.role.editor"
	case "@role:producer":
		return "terms.role.producer"
	case "@role:checker":
		return "terms.role.checker"
	case "@kind:agency":
		return "terms.outlet.agency"
	case "@kind:newspaper":
		return "terms.outlet.newspaper"
	case "@kind:radio":
		return "terms.outlet.radio"
	case "@kind:television":
		return "terms.outlet.television"
	case "@kind:online":
		return "terms.outlet.online"
	case "@kind:other":
		return "terms.outlet.other"
	}
	return ""
}

func regionName(code, lang string) string {
	region, err := language.ParseRegion(code)
	if err != nil {
		return code
	}
	namer := display.Regions(language.Make(lang))
	if namer == nil {
		return code
	}
	if name := namer.Name(region); name != "" {
		return name
	}
	return code
}

// PlainText is the readable document of a revision in one language, as it is hashed and printed: for each clause a line with
// number and heading, then its sentences, one a line, then an empty line.
func PlainText(r Revision, lang news.Lang, p Printer) string {
	var b strings.Builder
	for _, c := range Text(r, lang) {
		b.WriteString(strings.TrimSpace(c.Number + " " + Say(p, c.Heading)))
		b.WriteByte('\n')
		for _, l := range c.Sentences {
			b.WriteString(Say(p, l))
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// HashTexts gives the SHA-256, in hex, of the readable document in each language of the revision: what its field TextHashes
// holds. The printers must use the zone of the agreement (Location).
//
// Another edition of the program may word a sentence differently. The author therefore sends the documents along with the
// revision, and who signs reads those; MismatchedTexts says for which languages this node would word it otherwise.
func HashTexts(r Revision, printer func(lang news.Lang) Printer) map[news.Lang]string {
	hashes := map[news.Lang]string{}
	for _, lang := range r.Languages {
		h := sha256.Sum256([]byte(PlainText(r, lang, printer(lang))))
		hashes[lang] = hex.EncodeToString(h[:])
	}
	return hashes
}

// MismatchedTexts gives the languages, in the order of the revision, in which the document that this node makes is not the one
// that the revision names.
func MismatchedTexts(r Revision, printer func(lang news.Lang) Printer) []news.Lang {
	hashes := HashTexts(r, printer)
	return slices.DeleteFunc(slices.Clone(r.Languages), func(lang news.Lang) bool { return hashes[lang] == r.TextHashes[lang] })
}

package terms

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

// TestDecisions reads testdata/decisions.tsv: facts in words, the answer, the clause, and the sentence that an editor sees.
func TestDecisions(t *testing.T) {
	file, err := os.Open("testdata/decisions.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	agreements := map[string]Revision{"exchange": exchange(), "archive": opened()}
	p := newPrinter("en", time.UTC)
	lines := bufio.NewScanner(file)
	for n, header := 1, true; lines.Scan(); n++ {
		if text := lines.Text(); text == "" || strings.HasPrefix(text, "#") {
			continue
		} else if header {
			header = false
			continue
		}
		c := strings.Split(lines.Text(), "\t")
		if len(c) != 8 {
			t.Fatalf("line %d has %d columns", n, len(c))
		}
		r, ok := agreements[c[0]]
		if !ok {
			t.Fatalf("line %d: agreement %q", n, c[0])
		}
		d := May(r, factsInWords(t, n, c[0], c[3]), Act(c[1]), moment(t, n, c[2]))
		until := ""
		if !d.Until.IsZero() {
			until = d.Until.UTC().Format("2006-01-02 15:04")
		}
		if got := Say(p, d.Line()); string(d.Answer) != c[4] || d.Clause != c[5] || until != c[6] || got != c[7] {
			t.Errorf("line %d: %s (%s)\n got %s\t%s\t%s\t%s\nwant %s\t%s\t%s\t%s", n, c[1], c[3], d.Answer, d.Clause, until, got, c[4], c[5], c[6], c[7])
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
}

func moment(t *testing.T, line int, s string) time.Time {
	t.Helper()
	for _, form := range []string{"2006-01-02 15:04", "2006-01-02"} {
		if at, err := time.Parse(form, s); err == nil {
			return at
		}
	}
	t.Fatalf("line %d: time %q", line, s)
	return time.Time{}
}

// factsInWords makes facts of phrases that semicolons part.
func factsInWords(t *testing.T, line int, agreement, words string) Facts {
	t.Helper()
	f := Facts{From: north, To: avand, Type: news.Text, Lang: "en", Released: time.Date(2026, 5, 1, 10, 0, 0, 0, time.UTC)}
	if agreement == "archive" {
		f.From, f.To = soren, north
	}
	subjects := []news.Subject{{Code: "medtop:11000000"}}
	given := false
	roots := map[string]news.Root{"North Agency": north, "Avand News": avand, "Radio Soren": soren}
	langs := map[string]news.Lang{"English": "en", "Persian": "fa", "Russian": "ru", "French": "fr"}
	types := map[string]news.ItemType{"text": news.Text, "photo": news.Picture, "video": news.Video, "package": news.Composite}
	number := func(s string) int64 {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatalf("line %d: number %q", line, s)
		}
		return n
	}
	for _, phrase := range strings.Split(words, ";") {
		phrase = strings.TrimSpace(phrase)
		w := strings.Fields(phrase)
		if len(w) == 0 {
			continue
		}
		rest := strings.TrimSpace(strings.TrimPrefix(phrase, w[0]))
		last := w[len(w)-1]
		switch {
		case w[0] == "from":
			f.From = roots[rest]
		case w[0] == "to":
			f.To = roots[rest]
		case phrase == "a correction":
			f.Class = news.Correction
		case phrase == "a withdrawal":
			f.Class = news.Withdrawal
		case phrase == "an update":
			f.Class = news.Update
		case w[0] == "a" && len(w) == 4 && w[2] == "in":
			f.Type, f.Lang = types[w[1]], langs[last]
			if f.Lang == "" {
				f.Lang = news.Lang(last)
			}
		case w[0] == "about":
			if !given {
				subjects, given = nil, true
			}
			if rest != "nothing" {
				subjects = append(subjects, topic(t, line, rest))
			}
		case w[0] == "urgency":
			f.Urgency = news.Urgency(number(last))
		case w[0] == "service":
			f.Service = last
		case w[0] == "headline":
			f.Words = WordsOf(rest, "", "")
		case phrase == "sent before":
			f.Sent = true
		case phrase == "suspended":
			f.Suspended = true
		case phrase == "withdrawn":
			f.State = news.Withdrawn
		case phrase == "set aside":
			f.State = news.SetAside
		case phrase == "closed":
			f.State = news.Closed
		case phrase == "out of the archive":
			f.Archive = true
		case w[0] == "written":
			f.Written = moment(t, line, rest)
		case w[0] == "embargo":
			f.Embargo = moment(t, line, strings.Join(w[2:], " "))
		case w[0] == "notice":
			f.Ends = moment(t, line, strings.Join(w[2:], " "))
		case w[0] == "on":
			f.Channel = Channel(last)
		case w[0] == "in":
			f.Region = last
		case w[0] == "seen":
			f.Roles = []Role{Role(last)}
		case w[0] == "record":
			f.Today.Records = number(w[1])
		case strings.HasSuffix(phrase, "bytes of media today"):
			f.Today.Media = number(w[0])
		case strings.HasSuffix(phrase, "bytes today"):
			f.Today.Bytes = number(w[0])
		default:
			t.Fatalf("line %d: what does %q mean?", line, phrase)
		}
	}
	f.Subjects = Subjects(subjects)
	return f
}

func topic(t *testing.T, line int, name string) news.Subject {
	t.Helper()
	if strings.Contains(name, ":") {
		return news.Subject{Code: name, Name: "Our sports desk"}
	}
	codes := mediatopic.Search(name, "en")
	i := slices.IndexFunc(codes, func(code string) bool { return mediatopic.Name(code, "en") == name })
	if i < 0 {
		t.Fatalf("line %d: no subject %q", line, name)
	}
	return news.Subject{Code: codes[i]}
}

// TestStoryFacts sees that everything a story says reaches the decision.
func TestStoryFacts(t *testing.T) {
	written := time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	f := StoryFacts(news.Story{
		Type: news.Text, Lang: "fa", Headline: "نوروز", Slug: "NOWRUZ-TOURS", Body: "<p>The new</p><p>year <em>begins</em></p>",
		Subjects: []news.Subject{{Code: "medtop:20001065"}, {Code: "desk:x", Name: "X"}}, Urgency: 2, Genre: "g", Service: "s",
		Embargo: written.Add(time.Hour), Written: written,
	})
	switch {
	case f.Type != news.Text || f.Lang != "fa" || f.Urgency != 2 || f.Genre != "g" || f.Service != "s":
		t.Error("a plain field is lost")
	case !f.Embargo.Equal(written.Add(time.Hour)) || !f.Written.Equal(written):
		t.Error("a time is lost")
	case len(f.Subjects) != 2 || !slices.Equal(f.Subjects[0].Within, []string{"medtop:20001065", "medtop:20000822", "medtop:15000000"}):
		t.Errorf("subjects: %v", f.Subjects)
	case !f.Words.Has("نوروز") || !f.Words.Has("tours") || !f.Words.Has("new year") || f.Words.Has("em"):
		t.Error("words are lost")
	}
}

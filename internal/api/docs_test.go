package api_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"newspool/internal/api"
	"newspool/internal/deliver"
	"newspool/internal/fault"
	"newspool/internal/nodetest"
	"newspool/internal/people"
)

const guide = "../../docs/api.md"

// TestGuide runs the examples of the guide, in their order, against a real node.
func TestGuide(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, m := range regexp.MustCompile("`([a-z]+\\.json)`:\n\n```json\n([^`]+)```").FindAllStringSubmatch(string(text), -1) {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte(m[2]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h := nodetest.Start(t, nodetest.Avand())
	ctx := context.Background()
	ada, err := h.People.Create(ctx, people.Operator(), people.NewPerson{Login: "cms", Name: "CMS", Roles: []people.Role{people.Editor}, Password: "a harbour in the fog"})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := h.People.CreateToken(ctx, people.By{Person: ada}, "cms", people.ScopeWrite)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Library.Accept(ctx, nodetest.Story(1)); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"DESK": strings.Replace(h.Base(), "https://", "http://", 1), "TOKEN": token, "CURSOR": "", "ITEM": ""}
	examples := regexp.MustCompile("```sh\n([^`]+)\n```").FindAllStringSubmatch(string(text), -1)
	if len(examples) != 8 {
		t.Errorf("%d examples", len(examples))
	}
	for _, m := range examples {
		r := curl(t, dir, m[1], env)
		if r.status != http.StatusOK && r.status != http.StatusCreated {
			t.Fatalf("%s\n%d %s", m[1], r.status, r.body)
		}
		if c := r.header.Get("Newspool-Cursor"); c != "" {
			env["CURSOR"] = c
		}
		var line api.Line
		var brought api.Brought
		switch {
		case r.body == "":
		case json.Unmarshal([]byte(strings.SplitN(r.body, "\n", 2)[0]), &line) == nil && line.Newspool.ID != "":
			env["ITEM"] = line.Newspool.ID
		case json.Unmarshal([]byte(r.body), &brought) == nil && brought.ID != "":
			env["ITEM"] = brought.ID
			if len(brought.Problems) > 0 {
				t.Errorf("the story of the guide has problems: %+v", brought.Problems)
			}
		}
	}
	page := curl(t, dir, `curl -H "Authorization: Bearer $TOKEN" "$DESK/api/v1/items?after=$CURSOR"`, env)
	var states []deliver.State
	for _, l := range page.lines(t) {
		states = append(states, l.Newspool.State)
	}
	if len(states) != 3 || states[2] != deliver.Withdrawn {
		t.Errorf("the story of the guide ends as %v", states)
	}
}

// curl does what the command line of an example says.
func curl(t *testing.T, dir, command string, env map[string]string) reply {
	t.Helper()
	words := split(t, command, env)
	if words[0] != "curl" {
		t.Fatalf("not an example of curl: %s", command)
	}
	var url, body string
	header, method := http.Header{}, http.MethodGet
	for i := 1; i < len(words); i++ {
		switch w := words[i]; w {
		case "-i":
		case "-H", "-d", "--data-binary":
			i++
			if w == "-H" {
				name, value, _ := strings.Cut(words[i], ": ")
				header.Set(name, value)
				continue
			}
			method, body = http.MethodPost, words[i]
			header.Set("Content-Type", "application/x-www-form-urlencoded")
			if name, ok := strings.CutPrefix(body, "@"); ok {
				b, err := os.ReadFile(filepath.Join(dir, name))
				if err != nil {
					t.Fatal(err)
				}
				body = string(b)
			}
		default:
			url = w
		}
	}
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// split cuts a command line into words as a shell does, as far as the examples need it.
func split(t *testing.T, command string, env map[string]string) []string {
	t.Helper()
	var words []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|'([^']*)'|(\S+)`).FindAllStringSubmatch(command, -1) {
		word := m[2]
		if word == "" {
			word = os.Expand(m[1]+m[3], func(name string) string {
				value, ok := env[name]
				if !ok || value == "" {
					t.Fatalf("%s: $%s is not known yet", command, name)
				}
				return value
			})
		}
		words = append(words, word)
	}
	return words
}

// TestGuideIsWhole looks for everything that a program can be told.
func TestGuideIsWhole(t *testing.T) {
	b, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []deliver.State{
		deliver.Usable, deliver.Embargo, deliver.NotYet, deliver.NotPermitted, deliver.SetAside, deliver.Closed, deliver.Withdrawn, deliver.Erased, deliver.Draft,
	} {
		if !strings.Contains(string(b), "`"+string(s)+"`") {
			t.Errorf("the guide does not say what the state %s is", s)
		}
	}
	for _, k := range []fault.Kind{
		fault.Invalid, fault.NotFound, fault.Denied, fault.Conflict, fault.Gone, fault.TooLarge, fault.RateLimited, fault.Unavailable, fault.Fork, fault.Internal,
	} {
		if !strings.Contains(string(b), "`"+string(k)+"`") {
			t.Errorf("the guide does not name the kind %s", k)
		}
	}
}

package people

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/secure/precis"

	"newspool/internal/fault"
	"newspool/internal/news"
)

// Role is something that a person is trusted with. Roles add up; none contains another.
type Role string

// The roles.
const (
	Administrator Role = "administrator" // people, settings, connections
	Editor        Role = "editor"        // items: use, write, release, correct
	Signatory     Role = "signatory"     // signs agreements for the newsroom
)

// Roles lists all roles in the order in which they are shown and stored.
var Roles = [...]Role{Administrator, Editor, Signatory}

// Preferences are what a person chose for their own pages.
type Preferences struct {
	Language news.Lang `json:"language,omitempty"` // "": what the browser asks for
	Theme    Theme     `json:"theme,omitempty"`
	Compact  bool      `json:"compact,omitempty"` // one line a row on the wire
	KeysOff  bool      `json:"keysOff,omitempty"` // no keyboard shortcuts
}

// Theme is light or dark; "" follows the machine.
type Theme string

// The themes.
const (
	ThemeAuto  Theme = ""
	ThemeLight Theme = "light"
	ThemeDark  Theme = "dark"
)

// Person is somebody with an account at this node.
type Person struct {
	ID       news.PersonID
	Login    string // in the form in which logins are compared
	Name     string
	Roles    []Role
	Disabled bool
	Preferences
	Made   time.Time
	Signed time.Time // last sign-in; zero: never

	// Session is the session by which the person came; "" if they came by a token or are only spoken of.
	Session SessionID
}

// Has reports whether the person has the role. Nobody and the disabled have none.
func (p Person) Has(r Role) bool {
	return p.ID != "" && !p.Disabled && slices.Contains(p.Roles, r)
}

// By says who acts and from where. It must name a person, or say that the operator of the machine acts.
type By struct {
	Person   Person
	Remote   string // address, as the caller believes it
	Operator bool   // somebody at the command line of this node; no person is needed
}

// Operator is the one who works at the command line of the node.
func Operator() By { return By{Operator: true, Remote: "console"} }

// administer refuses those who may not look after other people.
func (b By) administer() error {
	if b.Operator || b.Person.Has(Administrator) {
		return nil
	}
	return fault.New(fault.Denied, "people.administrators_only")
}

func (b By) act(what string, about news.PersonID, detail map[string]any) Act {
	return Act{Who: b.Person.ID, What: what, About: string(about), From: b.Remote, Detail: detail}
}

const (
	maxLogin = 100 // characters
	maxName  = 120 // characters
)

// loginForm brings a login to the form in which logins are compared: case folded, widths and compositions made one.
func loginForm(login string) (string, error) {
	form, err := precis.UsernameCaseMapped.String(strings.TrimSpace(login))
	if err != nil || form == "" || utf8.RuneCountInString(form) > maxLogin {
		return "", fault.New(fault.Invalid, "people.login_form", "limit", maxLogin)
	}
	return form, nil
}

// nameForm takes out what no name has: line ends, control characters, marks that turn the direction of the page.
func nameForm(name string) (string, error) {
	name = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r == utf8.RuneError, r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			return -1
		}
		return r
	}, name)), " ")
	if name == "" {
		return "", fault.New(fault.Invalid, "people.name_missing")
	}
	if utf8.RuneCountInString(name) > maxName {
		return "", fault.New(fault.Invalid, "people.name_long", "limit", maxName)
	}
	return name, nil
}

// rolesForm puts roles in their order, each once, and refuses unknown ones.
func rolesForm(given []Role) ([]Role, error) {
	var list []Role
	for _, r := range Roles {
		if slices.Contains(given, r) {
			list = append(list, r)
		}
	}
	for _, r := range given {
		if !slices.Contains(Roles[:], r) {
			return nil, fault.New(fault.Invalid, "people.role_unknown", "role", string(r))
		}
	}
	return list, nil
}

func (p Preferences) check() error {
	switch p.Theme {
	case ThemeAuto, ThemeLight, ThemeDark:
	default:
		return fault.New(fault.Invalid, "people.theme_unknown", "theme", string(p.Theme))
	}
	if p.Language == "" {
		return nil
	}
	if _, err := language.Parse(string(p.Language)); err != nil {
		return fault.New(fault.Invalid, "people.language_unknown", "language", string(p.Language))
	}
	return nil
}

// joinRoles is the stored form of roles; splitRoles reads it.
func joinRoles(roles []Role) string {
	texts := make([]string, len(roles))
	for i, r := range roles {
		texts[i] = string(r)
	}
	return strings.Join(texts, ",")
}

func splitRoles(stored string) []Role {
	var list []Role
	for _, r := range Roles {
		if slices.Contains(strings.Split(stored, ","), string(r)) {
			list = append(list, r)
		}
	}
	return list
}

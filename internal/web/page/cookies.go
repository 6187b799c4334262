package page

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"newspool/internal/news"
)

// Cookie is the name of a cookie of this newsroom: the session for "", else what the name says.
func (s *Shell) Cookie(name string) string {
	id := sessionCookie(s.o.Root)
	if name == "" {
		return id
	}
	return id + "-" + name
}

func sessionCookie(root news.Root) string { return "newspool-" + string(root[:min(8, len(root))]) }

func cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// SetCookie keeps a value in the browser until a time; the zero time is the end of the browser's session, an empty value takes
// the cookie away. Scripts do not see it, other sites do not send it, and by https it stays on https.
func (s *Shell) SetCookie(w http.ResponseWriter, r *http.Request, name, value string, until time.Time) {
	setCookie(w, r, s.Cookie(name), value, until)
}

// SetSession is SetCookie of a session, for a newsroom that has no Shell yet.
func SetSession(w http.ResponseWriter, r *http.Request, root news.Root, token string, until time.Time) {
	setCookie(w, r, sessionCookie(root), token, until)
}

func setCookie(w http.ResponseWriter, r *http.Request, name, value string, until time.Time) {
	c := &http.Cookie{
		Name:     name,
		Value:    value,
		Path:     "/",
		Expires:  until,
		HttpOnly: true,
		Secure:   IsSecure(r),
		SameSite: http.SameSiteLaxMode,
	}
	if value == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// flash is a message that waits for the next page.
type flash struct {
	Key  string         `json:"k"`
	Args map[string]any `json:"a,omitempty"`
}

// Done ends an act: the browser goes to a page of ours, which shows the message of the key once. Values are texts
// and numbers. An empty key shows nothing.
func (s *Shell) Done(w http.ResponseWriter, r *http.Request, to, key string, args ...any) error {
	if key != "" {
		f := flash{Key: key, Args: map[string]any{}}
		for i := 0; i+1 < len(args); i += 2 {
			if name, ok := args[i].(string); ok {
				f.Args[name] = args[i+1]
			}
		}
		raw, err := json.Marshal(f)
		if err != nil {
			return err
		}
		s.SetCookie(w, r, "flash", base64.RawURLEncoding.EncodeToString(raw), s.o.Clock().Add(time.Minute))
	}
	http.Redirect(w, r, Local(to), http.StatusSeeOther)
	return nil
}

// takeFlash reads the message that waits for a whole page, and takes it away.
func (s *Shell) takeFlash(w http.ResponseWriter, r *http.Request, v *visit) {
	value := cookieValue(r, s.Cookie("flash"))
	if value == "" || r.Method != http.MethodGet || r.Header.Get(partHeader) != "" || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		return
	}
	var f flash
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err == nil && json.Unmarshal(raw, &f) == nil && v.printer.Has(f.Key) {
		v.flash = v.printer.Text(f.Key, f.Args)
	}
	s.SetCookie(w, r, "flash", "", time.Time{})
}

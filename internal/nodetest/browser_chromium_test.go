package nodetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserWanted reports whether the tests with a browser are to run, and says what is left out if they are not.
func browserWanted(t *testing.T) bool {
	if os.Getenv("NEWSPOOL_TEST_BROWSER") == "" {
		t.Log("left out: the pages in a real browser. NEWSPOOL_TEST_BROWSER=1 runs them; they need Chromium")
		return false
	}
	return true
}

// chromium starts a browser that is closed at the end of the test. Its profile is empty.
func chromium(t *testing.T) context.Context {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Fatal("there is no Chromium: apt-get install --no-install-recommends chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 900))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return ctx
}

// visitor makes a person's browser: cookies and cache of their own. Tabs of it share them.
func visitor(t *testing.T, browser context.Context) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// patience is how long something on a page may take.
const patience = 10 * time.Second

// tab is a page in a browser. What the page complains of fails the test when the tab is closed.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string // address of the desk
	name string // in messages and pictures

	found   map[string]bool   // by look
	schemes map[string]string // in which colours look examines a page, and by which rules

	mu       sync.Mutex
	noise    []string // what the page and the browser complained of
	expected []int    // statuses that this test asks for
	types    map[network.RequestID]network.ResourceType
	weight   float64 // bytes that came since the last visit, fonts apart
	fonts    float64
}

// open opens a tab on a desk.
func open(t *testing.T, who context.Context, h *House, name string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(who)
	b := &tab{t: t, ctx: ctx, base: "http://" + h.addr, name: name, types: map[network.RequestID]network.ResourceType{}, found: map[string]bool{}}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		b.report()
		if t.Failed() {
			b.picture("failed")
		}
		cancel()
	})
	call(b, network.Enable, network.EnableParams{})
	b.size(1280, 900)
	return b
}

func call[P, R any](b *tab, cmd cdp.Command[P, R], p P) R {
	b.t.Helper()
	r, err := chromedp.Call(b.ctx, cmd, p)
	if err != nil {
		b.t.Fatalf("%s: %s: %v", b.name, cmd.Method, err)
	}
	return r
}

// hear listens to the page. It is called by the loop that reads the browser's messages.
func (b *tab) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		b.complain("a script failed: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			var text []string
			for _, a := range e.Args {
				text = append(text, string(a.Value)+a.Description)
			}
			b.complain("console: " + strings.Join(text, " "))
		}
	case *log.EventEntryAdded:
		if l := e.Entry.Level; (l == "error" || l == "warning") && !b.forgiven(e.Entry.Text) {
			b.complain(fmt.Sprintf("the browser complains (%s): %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL))
		}
	case *network.EventResponseReceived:
		b.mu.Lock()
		b.types[e.RequestID] = e.Type
		b.mu.Unlock()
	case *network.EventLoadingFinished:
		b.mu.Lock()
		if b.types[e.RequestID] == network.ResourceTypeFont {
			b.fonts += e.EncodedDataLength
		} else {
			b.weight += e.EncodedDataLength
		}
		b.mu.Unlock()
	}
}

func (b *tab) complain(text string) {
	b.mu.Lock()
	b.noise = append(b.noise, text)
	b.mu.Unlock()
}

// report fails the test for what was complained of since it was called last.
func (b *tab) report() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, text := range b.noise {
		b.t.Errorf("%s: %s", b.name, text)
	}
	b.noise = nil
}

// forgiven takes the complaint of the browser about a status that the test asked for.
func (b *tab) forgiven(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.expected, func(status int) bool { return strings.Contains(text, fmt.Sprintf("status of %d", status)) })
}

// expect says that the next answers may have these statuses, without this being a fault of the page.
func (b *tab) expect(statuses ...int) {
	b.mu.Lock()
	b.expected = statuses
	b.mu.Unlock()
}

func do[T any](b *tab, what string, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	r, err := chromedp.Run(ctx, a)
	if err != nil {
		b.picture("stuck")
		b.t.Fatalf("%s: %s: %v %s", b.name, what, err, b.where())
	}
	return r
}

// visit loads a page of the desk.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.mu.Lock()
	b.weight, b.fonts = 0, 0
	b.mu.Unlock()
	do(b, "visiting "+path, chromedp.Navigate(b.base+path))
}

// eval evaluates an expression on the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	return do(b, expression[:min(len(expression), 200)], chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// wait waits until the page is there and an expression is true; a page that is being changed for another one is waited for too.
func (b *tab) wait(what, expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState === 'complete' && !!("+expression+")"))
		if ok {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.picture("waiting")
	b.t.Fatalf("%s: not in %v: %s (%v)\nthe page is %s", b.name, patience, what, last, b.where())
}

// where says which page the tab shows, and how its text begins, for messages.
func (b *tab) where() string {
	s, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.querySelector("main")?.innerText ?? "").slice(0, 300)`))
	return s
}

// click presses the mouse on the first element of a selector.
func (b *tab) click(selector string) {
	b.t.Helper()
	do(b, "clicking "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// follow presses the mouse on an element that leads to another page, and waits for that page.
func (b *tab) follow(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		b.picture("stuck")
		b.t.Fatalf("%s: following %s: %v\nthe page is %s", b.name, selector, err, b.where())
	}
}

// fill puts a text into a field as a person would.
func (b *tab) fill(selector, text string) {
	b.t.Helper()
	eval[string](b, "document.querySelector("+quoted(selector)+").value = ''")
	do(b, "filling "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// set gives a field its value at once: a choice, a date, a long text.
func (b *tab) set(selector, value string) {
	b.t.Helper()
	do(b, "setting "+selector, chromedp.SetValue(chromedp.CSS(selector), value))
}

// press types a key on the page.
func (b *tab) press(key string) {
	b.t.Helper()
	do(b, "pressing "+key, chromedp.KeyEvent(key))
}

// pressKey types what a key in a place of the keyboard gives in another layout.
func (b *tab) pressKey(code, letter string) {
	b.t.Helper()
	for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
		call(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Key: letter, Code: code, Text: letter})
	}
}

// text is what a reader sees of the first element of a selector; "" where there is none.
func (b *tab) text(selector string) string {
	b.t.Helper()
	return clean(eval[string](b, "document.querySelector("+quoted(selector)+")?.innerText ?? ''"))
}

// count is how many elements a selector has that can be seen.
func (b *tab) count(selector string) int {
	b.t.Helper()
	return eval[int](b, "[...document.querySelectorAll("+quoted(selector)+")].filter((e) => e.getClientRects().length > 0).length")
}

// shows fails the test unless the element of a selector has a text in it.
func (b *tab) shows(selector, text string) {
	b.t.Helper()
	if got := b.text(selector); !strings.Contains(got, clean(text)) {
		b.t.Errorf("%s: %s shows %q, want %q in it", b.name, selector, got, clean(text))
	}
}

// clean takes out what is not seen: isolates of direction, and one blank or another.
func clean(s string) string {
	s = strings.NewReplacer("\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "", "\u00a0", " ", "\u202f", " ").Replace(s)
	return strings.Join(strings.Fields(s), " ")
}

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can be written
	}
	return string(raw)
}

func (b *tab) size(width, height int64) {
	b.t.Helper()
	do(b, "sizing", chromedp.EmulateViewport(width, height))
}

// prefers answers the page which colours the machine prefers: light or dark.
func (b *tab) prefers(scheme string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// withoutScripts switches the scripts of the next pages off. The test still can look at them.
func (b *tab) withoutScripts() {
	b.t.Helper()
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
}

// picture keeps what the page looks like, for who looks into a failure.
func (b *tab) picture(what string) {
	dir := os.Getenv("NEWSPOOL_PICTURES")
	if dir == "" {
		dir = b.t.ArtifactDir() // go test -artifacts keeps it
	}
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	raw, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		name := strings.NewReplacer("/", "-", " ", "-").Replace(b.t.Name() + "-" + b.name + "-" + what + ".png")
		err = errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, name), raw, 0o644))
	}
	if err != nil {
		b.t.Logf("%s: no picture: %v", b.name, err)
	}
}

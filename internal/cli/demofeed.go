package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"newspool/internal/demo"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ingest"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// release releases one line of the sample stories. In later rounds the same stories come again as new ones. It reports
// whether the line was new to the node.
func (h *house) release(ctx context.Context, l demo.Line, round int) (bool, error) {
	d, err := ninjs.Parse(l.Item)
	if err != nil {
		return false, fmt.Errorf("sample story %d of %s: %w", l.Seq, h.Key, err)
	}
	if round > 0 {
		d.SourceID = fmt.Sprintf("%s#%d", d.SourceID, round+1)
	}
	d.Source, d.Original, d.Format = "demo", l.Item, "application/ninjs+json"
	now := h.Clock()
	d.Written = now
	if l.EmbargoMinutes > 0 {
		d.Embargo = now.Add(time.Duration(l.EmbargoMinutes) * time.Minute).Truncate(time.Minute)
	}
	acc, err := h.Library.Accept(ctx, d)
	if fault.Is(err, fault.Gone) { // a version of a story that was withdrawn before a restart
		return false, nil
	}
	return err == nil && !acc.Duplicate, err
}

// reader reads the files of --wire.
func (c demoCmd) reader(a *app) (func(io.Reader, func(line int, d news.Draft, err error) error) error, error) {
	if c.Mapping == "" {
		return ninjs.ReadLines, nil
	}
	m, err := mapping(a, c.Mapping)
	if err != nil {
		return nil, err
	}
	return m.ReadLines, nil
}

// replay replays a real wire: each story is released by the newsroom that works in its language, else by the first.
func (c demoCmd) replay(ctx context.Context, a *app, houses []*house) error {
	read, err := c.reader(a)
	if err != nil {
		return err
	}
	pause := time.Duration(float64(time.Second) / max(c.Rate, 0.001))
	next := time.NewTicker(pause)
	defer next.Stop()
	for _, name := range c.Wire {
		w := wire{app: a, name: filepath.Base(name)}
		f, err := os.Open(name)
		if err != nil {
			return fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
		}
		defer f.Close()
		in, err := ninjs.Unzip(f, ingest.MaxFile)
		if err != nil {
			return err
		}
		err = read(in, func(line int, d news.Draft, err error) error {
			for _, p := range d.Problems {
				if p.Fatal && err == nil {
					err = &fault.Error{Kind: fault.Invalid, Key: p.Key, Args: p.Args}
				}
			}
			if err != nil {
				w.pass(line, err)
				return ctx.Err()
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-next.C:
			}
			ingest.ItemOptions{Source: w.name}.Complete(&d, houses[0].Clock())
			w.warn(line, d.Problems)
			_, err = speaker(houses, d.Lang).Library.Accept(ctx, d)
			if err != nil && ctx.Err() == nil && !fault.Is(err, fault.Internal) {
				w.pass(line, err)
				return nil
			}
			return err
		})
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		if w.passed > 1 {
			w.say()
		}
		fmt.Fprintf(a.out, "%s is through.\n", w.name)
	}
	<-ctx.Done()
	return nil
}

// wire is a file that is replayed, and what of it was passed over.
type wire struct {
	*app
	name   string
	warned bool
	passed int
	line   int    // of the first
	why    string // of the first
}

// warn says what is left out of the first item: a file that needs a mapping shows it there.
func (w *wire) warn(line int, all []news.Problem) {
	if w.warned {
		return
	}
	w.warned = true
	for _, p := range all {
		fmt.Fprintf(w.errOut, "%s: warning: %s:%d: %s\n", w.name, w.name, line, plain(terms.Say(w.printer(), terms.Line{Key: p.Key, Args: p.Args})))
	}
}

// pass notes an item that cannot be released. The first is said at once.
func (w *wire) pass(line int, err error) {
	if w.passed++; w.passed == 1 {
		w.line, w.why = line, terms.Sentence(w.printer(), err)
		w.say()
	}
}

func (w *wire) say() {
	fmt.Fprintln(w.errOut, strip(w.printer().T("cli.wire_passed", "file", w.name, "n", w.passed, "line", w.line, "why", w.why)))
}

// speaker is the newsroom whose main language a story is in.
func speaker(houses []*house, lang news.Lang) *house {
	for _, h := range houses {
		if strings.HasPrefix(string(lang), h.Languages[0]) {
			return h
		}
	}
	return houses[0]
}

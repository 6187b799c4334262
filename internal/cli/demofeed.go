package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"newspool/internal/demo"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ingest"
	"newspool/internal/news"
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

// replay replays a real wire: each story is released by the newsroom that works in its language, else by the first.
func (c demoCmd) replay(ctx context.Context, a *app, houses []*house) error {
	parse := ninjs.ReadLines
	if c.Mapping != "" {
		m, err := mapping(a, c.Mapping)
		if err != nil {
			return err
		}
		parse = m.ReadLines
	}
	pause := time.Duration(float64(time.Second) / max(c.Rate, 0.001))
	next := time.NewTicker(pause)
	defer next.Stop()
	for _, name := range c.Wire {
		f, err := os.Open(name)
		if err != nil {
			return fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
		}
		defer f.Close()
		in, err := ninjs.Unzip(f, ingest.MaxFile)
		if err != nil {
			return err
		}
		err = parse(in, func(line int, d news.Draft, err error) error {
			if err != nil {
				fmt.Fprintf(a.errOut, "%s, line %d was passed over: %v\n", filepath.Base(name), line, err)
				return nil
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-next.C:
			}
			d.Source = filepath.Base(name)
			_, err = speaker(houses, d.Lang).Library.Accept(ctx, d)
			if err != nil && ctx.Err() == nil && !fault.Is(err, fault.Internal) {
				fmt.Fprintf(a.errOut, "%s, line %d was passed over: %v\n", filepath.Base(name), line, err)
				return nil
			}
			return err
		})
		if err != nil {
			return ignoreEnd(ctx, err)
		}
		fmt.Fprintf(a.out, "%s is through.\n", filepath.Base(name))
	}
	<-ctx.Done()
	return nil
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

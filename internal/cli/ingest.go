package cli

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/ingest"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
)

type ingestCmd struct {
	From    []string `arg:"" placeholder:"FILE|FOLDER|-" help:"Files, folders, or - for standard input: ninjs 2 and 3 (one item, a list, or lines; also gzip), RSS and Atom."`
	Source  string   `help:"Name of the source; items of one source are told apart by their URI."`
	Lang    string   `help:"Language of items that name none."`
	Service string   `help:"Service under which items are released."`
	Mapping string   `placeholder:"NAME" help:"Mapping for other JSON lines: a file, or news-multilingual."`
}

// Run brings stories in and says for each that was not taken why.
func (c ingestCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		o := ingest.ItemOptions{Source: c.Source, Lang: news.Lang(c.Lang), Service: c.Service}
		if c.Mapping != "" {
			m, err := mapping(a, c.Mapping)
			if err != nil {
				return err
			}
			o.Mapping = m
		}
		tell := a.progress()
		o.Progress = func(r ingest.Report) { tell("cli.progress_items", "n", r.Taken+r.Duplicates+r.Refused) }
		refused := false
		for _, name := range c.From {
			r, err := c.one(a, n, name, o)
			if kind := fault.Of(err).Kind; err != nil && (kind == fault.Invalid || kind == fault.TooLarge) {
				f := fault.Of(err) // one file that cannot be read, or not to its end, stops no other
				r.Problems = append(r.Problems, ingest.ItemProblem{Where: filepath.Base(name), Key: f.Key, Args: f.Args, Fatal: true})
				refused, err = true, nil
			}
			if err == nil || r.Taken+r.Duplicates+r.Refused > 0 { // also of a run that ended before its end
				a.report(name, r)
				refused = refused || r.Refused > 0
				noted := a.note(n, "sources.act_file_done", "", map[string]any{"name": filepath.Base(name), "taken": r.Taken, "known": r.Duplicates, "refused": r.Refused})
				err = cmp.Or(err, noted)
			}
			if err != nil && r.Taken > 0 && a.ctx.Err() == nil { // its own sentence may be that nothing was stored
				fmt.Fprintf(a.errOut, "newspool: %s\n  (%v)\n", strip(a.printer().T("cli.ingest_kept")), err)
				return errSaid
			}
			if err != nil {
				return err
			}
		}
		if refused {
			return errSaid
		}
		return nil
	})
}

func (c ingestCmd) one(a *app, n *node.Node, name string, o ingest.ItemOptions) (ingest.Report, error) {
	if name == "-" {
		return n.Ingest.File(a.ctx, "-", a.in, o)
	}
	path := a.path(name)
	info, err := os.Stat(path)
	if err != nil {
		return ingest.Report{}, fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
	}
	if info.IsDir() {
		return n.Ingest.Folder(a.ctx, os.DirFS(path), o)
	}
	f, err := os.Open(path)
	if err != nil {
		return ingest.Report{}, fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
	}
	defer f.Close()
	return n.Ingest.File(a.ctx, filepath.Base(path), f, o)
}

// report says what became of a file or folder.
func (a *app) report(name string, r ingest.Report) {
	p := a.printer()
	for _, x := range r.Problems {
		what := "warning"
		if x.Fatal {
			what = "refused"
		}
		if about := strings.TrimSpace(x.Name + " " + x.Where); about != "" {
			what += ": " + about
		}
		fmt.Fprintf(a.errOut, "%s: %s: %s\n", name, plain(what), plain(terms.Say(p, terms.Line{Key: x.Key, Args: x.Args})))
	}
	if r.More > 0 {
		fmt.Fprintf(a.errOut, "%s: and %d more problems of the same kinds\n", name, r.More)
	}
	fmt.Fprintf(a.out, "%s: %d taken, %d already here, %d refused\n", name, r.Taken, r.Duplicates, r.Refused)
}

type sourceCmd struct {
	Add    sourceAddCmd    `cmd:"" help:"Poll an RSS or Atom feed."`
	List   sourceListCmd   `cmd:"" help:"List the feeds that are polled, and what is wrong with any."`
	Remove sourceRemoveCmd `cmd:"" help:"Poll a feed no more."`
}

type sourceAddCmd struct {
	URL     string `arg:"" help:"Address of the feed."`
	Name    string `required:"" help:"Name of the source."`
	Lang    string `help:"Language of items that name none."`
	Service string `help:"Service under which its items are released."`
	Every   int    `default:"300" help:"Seconds between two polls."`
}

// Run adds a feed.
func (c sourceAddCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		s, err := ingest.NewSource(ingest.Source{URL: c.URL, Name: c.Name, Lang: news.Lang(c.Lang), Service: c.Service, Every: time.Duration(c.Every) * time.Second, Enabled: true})
		if err != nil {
			return err
		}
		if u, err := url.Parse(s.URL); err == nil {
			if err := n.Door.Refuses(a.ctx, u.Hostname()); err != nil {
				return err
			}
		}
		if _, err := n.Ingest.AddSource(a.ctx, s, noted(n, "sources.act_add_on", s)); err != nil {
			return err
		}
		fmt.Fprintln(a.out, s.ID)
		return nil
	})
}

type sourceListCmd struct{}

// Run lists the feeds.
func (sourceListCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		all, err := n.Ingest.Sources(a.ctx)
		for _, s := range all {
			fmt.Fprintf(a.out, "%s  %s  %s", s.ID, s.Name, s.URL)
			if s.Trouble != nil {
				fmt.Fprintf(a.out, "  %s", strip(terms.Say(a.printer(), *s.Trouble)))
			}
			if s.Refusals > 0 {
				fmt.Fprintf(a.out, "  %s", strip(a.printer().T("sources.read.stand", "n", s.Refusals)))
			}
			fmt.Fprintln(a.out)
		}
		return err
	})
}

type sourceRemoveCmd struct {
	ID string `arg:"" help:"Id of the feed."`
}

// Run removes a feed.
func (c sourceRemoveCmd) Run(a *app) error {
	return a.withDesk(func(n *node.Node) error {
		s, err := n.Ingest.Source(a.ctx, ingest.SourceID(c.ID))
		if err != nil {
			return err
		}
		return n.Ingest.RemoveSource(a.ctx, s.ID, noted(n, "sources.act_remove", s))
	})
}

// noted writes an act on a source into the audit, in the transaction that does it.
func noted(n *node.Node, what string, s ingest.Source) func(*store.Tx) error {
	return with(n, what, string(s.ID), map[string]any{"name": s.Name, "url": s.URL})
}

package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"newspool/internal/bench"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ingest"
	"newspool/internal/news"
)

type benchCmd struct {
	Exchange benchExchangeCmd `cmd:"" help:"Measure the exchange between two newsrooms on this machine. --database may be given twice: one empty PostgreSQL database for each."`
}

type benchExchangeCmd struct {
	Items   string `type:"path" placeholder:"FILE" help:"Send these stories in place of invented ones: ninjs lines, also gzip."`
	Mapping string `placeholder:"NAME" help:"Mapping for --items that are no ninjs: a file, or news-multilingual."`
	Seconds int    `default:"45" help:"About how long it lasts."`
	JSON    bool   `name:"json" help:"Write the figures as one JSON object."`
}

// maxBenchItems is how many stories of a file are kept in memory.
const maxBenchItems = 20_000

// Run measures and prints.
func (c benchExchangeCmd) Run(a *app) error {
	o := bench.Options{Seconds: c.Seconds, Progress: a.errOut, Databases: databases(a.args)}
	if a.set.Dir != defaultDir {
		o.Dir = a.path(a.set.Dir)
	}
	var err error
	if c.Items != "" {
		if o.Items, err = c.items(a); err != nil {
			return err
		}
	}
	r, err := bench.Exchange(a.ctx, o)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(a.out).Encode(r)
	} else {
		err = r.Print(a.out)
	}
	if err == nil && (r.Lost > 0 || r.Duplicated > 0 || !r.LedgersAgree) {
		return fault.New(fault.Internal, "bench.not_whole", "lost", r.Lost, "duplicated", r.Duplicated)
	}
	return err
}

// databases are all values of --database, of which the settings keep the last one.
func databases(args []string) (out []string) {
	for i, arg := range args {
		if v, ok := strings.CutPrefix(arg, "--database="); ok {
			out = append(out, v)
		} else if arg == "--database" && i+1 < len(args) {
			out = append(out, args[i+1])
		}
	}
	return out
}

var errEnough = errors.New("enough")

func (c benchExchangeCmd) items(a *app) (drafts []news.Draft, err error) {
	parse := ninjs.ReadLines
	if c.Mapping != "" {
		m, err := mapping(a, c.Mapping)
		if err != nil {
			return nil, err
		}
		parse = m.ReadLines
	}
	f, err := os.Open(a.path(c.Items))
	if err != nil {
		return nil, fault.New(fault.NotFound, "cli.file", "file", c.Items).Because(err)
	}
	defer f.Close()
	in, err := ninjs.Unzip(f, ingest.MaxFile)
	if err != nil {
		return nil, err
	}
	err = parse(in, func(line int, d news.Draft, err error) error {
		if err != nil {
			fmt.Fprintf(a.errOut, "%s, line %d was passed over: %v\n", c.Items, line, err)
			return nil
		}
		drafts = append(drafts, d)
		if len(drafts) == maxBenchItems {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return drafts, err
}

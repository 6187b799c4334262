// Package cli is the command line of Newspool: one struct for each command. A command that works on a node's data folder works
// also while the node is running: it is then carried out by the running node, over a socket in that folder.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"github.com/alecthomas/kong"

	"newspool/internal/config"
	"newspool/internal/fault"
	"newspool/internal/folder"
	"newspool/internal/i18n"
	"newspool/internal/node"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// commands is the command line.
type commands struct {
	config.Settings

	Demo      demoCmd      `cmd:"" help:"Run three invented newsrooms on this machine that exchange stories."`
	Init      initCmd      `cmd:"" help:"Make the data folder the node of a newsroom."`
	Serve     serveCmd     `cmd:"" help:"Run the node: pages, API and exchange."`
	Ingest    ingestCmd    `cmd:"" help:"Bring stories in from files, folders or standard input."`
	Source    sourceCmd    `cmd:"" help:"Feeds that are polled."`
	Key       keyCmd       `cmd:"" help:"Working keys of the node."`
	Person    personCmd    `cmd:"" help:"People who may sign in."`
	Token     tokenCmd     `cmd:"" help:"Tokens for programs."`
	Partner   partnerCmd   `cmd:"" help:"Newsrooms that we know."`
	Agreement agreementCmd `cmd:"" help:"Agreements: list, propose, sign."`
	Item      itemCmd      `cmd:"" help:"Items of the wire."`
	Proof     proofCmd     `cmd:"" help:"Write the proof file of an item."`
	Verify    verifyCmd    `cmd:"" help:"Check a proof file, the ledgers of the data folder, or a partner's running node."`
	Doctor    doctorCmd    `cmd:"" help:"Say in words what is wrong with this node."`
	Rebuild   rebuildCmd   `cmd:"" help:"Fold the wire again from its versions."`
	Bench     benchCmd     `cmd:"" help:"Measure what the exchange costs on this machine."`
	Version   versionCmd   `cmd:"" help:"Say which version this is."`
}

// app is what a command works with.
type app struct {
	ctx    context.Context
	args   []string
	cwd    string
	in     io.Reader
	out    io.Writer
	errOut io.Writer
	set    *commands
	lang   string     // of whoever gave the command; "": what the environment says
	node   *node.Node // the running node, when the command is carried out inside it
}

// Main runs the command that the arguments name and gives the exit code: 0 done, 1 refused or failed, 2 wrong usage.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cwd, err := os.Getwd()
	if err != nil {
		cwd = "."
	}
	return (&app{ctx: ctx, args: args, cwd: cwd, in: in, out: out, errOut: errOut}).run()
}

// errUsage: the arguments make no sense; kong has said so.
var errUsage = errors.New("usage")

func (a *app) run() (code int) {
	a.set = &commands{}
	args, out, nothing := a.args, a.out, len(a.args) == 0
	if nothing {
		args, out = []string{"--help"}, a.errOut
	} else if args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	exited := -1
	parser, err := kong.New(a.set, kong.Name("newspool"), kong.Description("The exchange between newsrooms that have agreed to work together."),
		kong.Writers(out, a.errOut), kong.Exit(func(c int) { exited = c; panic(errUsage) }),
		kong.Configuration(config.Load), kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(a.errOut, err)
		return 2
	}
	defer func() {
		if r := recover(); r != nil {
			if r != error(errUsage) {
				panic(r)
			}
			if code = exited; nothing {
				code = 2
			}
		}
	}()
	k, err := parser.Parse(args)
	if err != nil {
		if missing := (*fs.PathError)(nil); errors.As(err, &missing) {
			err = fault.New(fault.NotFound, "cli.file", "file", missing.Path).Because(missing.Err)
		}
		a.say(err)
		return 2
	}
	if a.node != nil {
		a.set.Settings = a.node.Settings
	}
	if err := k.Run(a); err != nil {
		stopped := a.ctx.Err() != nil && errors.Is(err, context.Canceled) // by Ctrl-C: who pressed it knows
		if !errors.Is(err, errSaid) && !stopped {
			a.say(err)
		}
		return 1
	}
	return 0
}

// errSaid is the failure of a command that has said itself what was wrong.
var errSaid = errors.New("said")

// say writes an error as a sentence in the language of the console, and its cause for the operator.
func (a *app) say(err error) {
	f := fault.Of(err)
	sentence := err.Error()
	if f.Key != "fault.internal" {
		sentence = terms.Say(a.printer(), terms.Line{Key: f.Key, Args: f.Args})
		if f.Err != nil {
			sentence += "\n  (" + f.Err.Error() + ")"
		}
	}
	fmt.Fprintln(a.errOut, "newspool: "+strip(sentence))
}

// printer is for the language of whoever gave the command.
func (a *app) printer() *i18n.Printer {
	b, err := i18n.Load()
	if err != nil {
		panic(err) // the catalogs are compiled in, and a test reads them
	}
	return b.Printer(b.Match(cmp.Or(a.lang, consoleLang())), a.set.Zone())
}

// consoleLang is the language of the console, by LC_ALL, LC_MESSAGES or LANG.
func consoleLang() string {
	lang, _, _ := strings.Cut(cmp.Or(os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"), "en"), "_")
	return lang
}

// strip takes the bidi isolates out of a sentence: consoles show them as boxes.
func strip(s string) string {
	return strings.NewReplacer("\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "").Replace(s)
}

// plain makes text of others fit for a console: nothing in it moves the cursor, colours or turns what stands after it.
func plain(s string) string {
	return strip(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, s))
}

// path resolves a file name against the folder that the command was given in.
func (a *app) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(a.cwd, name)
}

// read reads a file that a command names.
func (a *app) read(name string) ([]byte, error) {
	b, err := os.ReadFile(a.path(name))
	if err != nil {
		return nil, fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
	}
	return b, nil
}

func (a *app) log(prefix string) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	var h slog.Handler = slog.NewTextHandler(a.errOut, o)
	if a.set.LogFormat == "json" {
		h = slog.NewJSONHandler(a.errOut, o)
	}
	l := slog.New(h)
	if prefix != "" {
		l = l.With("node", prefix)
	}
	return l
}

// withNode carries a command out on the node of the data folder: on the running one if there is one, else on the folder.
func (a *app) withNode(fn func(n *node.Node) error) error { return a.withNodeFor("", fn) }

// withNodeFor is withNode with a node whose key of a role will be replaced.
func (a *app) withNodeFor(replacing string, fn func(n *node.Node) error) error {
	if a.node != nil {
		return fn(a.node)
	}
	if _, err := os.Stat(a.set.Dir); err != nil {
		return fault.New(fault.NotFound, "cli.no_folder", "folder", a.set.Dir).Because(err)
	}
	n, err := openNode(a.ctx, node.Options{Settings: a.set.Settings, Log: slog.New(slog.DiscardHandler), Replacing: replacing})
	if errors.Is(err, folder.ErrInUse) {
		return a.forward()
	}
	if err != nil {
		return err
	}
	return errors.Join(fn(n), n.Close())
}

// withDesk is withNode for what only a newsroom that is set up can do.
func (a *app) withDesk(fn func(n *node.Node) error) error {
	return a.withNode(func(n *node.Node) error {
		if n.Library == nil {
			return fault.New(fault.NotFound, "setup.not_done")
		}
		return fn(n)
	})
}

// with writes into the audit what is done at the console, together with it.
func with(n *node.Node, what, about string, detail map[string]any) func(*store.Tx) error {
	return func(tx *store.Tx) error { return n.People.Audit(tx, atConsole(what, about, detail)) }
}

// note writes into the audit what was done at the console.
func (a *app) note(n *node.Node, what, about string, detail map[string]any) error {
	return n.People.Note(a.ctx, atConsole(what, about, detail))
}

func atConsole(what, about string, detail map[string]any) people.Act {
	return people.Act{What: what, About: about, From: people.Operator().Remote, Detail: detail}
}

type versionCmd struct{}

func (versionCmd) Run(a *app) error {
	_, err := fmt.Fprintln(a.out, "newspool", node.Version)
	return err
}

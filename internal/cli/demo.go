package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/config"
	"newspool/internal/demo"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// demoCmd runs three newsrooms in one process. They are real nodes with folders of their own, and know of each other only what
// crosses.
type demoCmd struct {
	Port    int           `default:"8801" help:"First of three ports on 127.0.0.1; the next free ones are taken."`
	Every   time.Duration `default:"4s" help:"Time between two stories."`
	Wire    []string      `type:"path" placeholder:"FILE" help:"Replay these files in place of the sample stories: ninjs lines, also gzip."`
	Mapping string        `placeholder:"NAME" help:"Mapping for --wire files that are no ninjs: a file, or news-multilingual."`
	Rate    float64       `default:"1" help:"Stories a second of --wire."`
	Keep    bool          `hidden:"" help:"Keep the folder of a demo without --dir."`
}

// defaultDir is the data folder where none is named.
const defaultDir = "newspool-data"

// demoPassword is for everybody in the demo: its nodes listen on this machine only.
const demoPassword = "orran-sea-2026"

// house is one newsroom of the demo.
type house struct {
	demo.Newsroom
	*node.Node
	url string
}

// Run runs the demo until it is stopped.
func (c demoCmd) Run(a *app) error {
	for _, name := range c.Wire { // before anything is promised
		f, err := os.Open(name)
		if err != nil {
			return fault.New(fault.NotFound, "cli.file", "file", name).Because(err)
		}
		f.Close()
	}
	if _, err := c.reader(a); err != nil {
		return err
	}
	dir, kept := a.set.Dir, true
	if dir == defaultDir {
		tmp, err := os.MkdirTemp("", "newspool-demo-")
		if err != nil {
			return err
		}
		if dir, kept = tmp, c.Keep; !kept {
			defer os.RemoveAll(tmp)
		}
	}
	ctx, cancel := context.WithCancel(a.ctx)
	defer cancel()
	houses, err := c.open(ctx, a, dir)
	defer func() {
		for _, h := range houses {
			h.Close()
		}
	}()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	failed := make(chan error, len(houses)+1) // the nodes, and who feeds them
	for _, h := range houses {
		wg.Go(func() { failed <- h.Node.Run(ctx) })
	}
	stop := func(err error) error {
		cancel()
		wg.Wait()
		return err
	}
	if err := c.introduce(ctx, houses); err != nil {
		return stop(err)
	}
	c.print(a, dir, kept, houses)
	wg.Go(func() { failed <- c.feed(ctx, a, houses) })
	select {
	case <-ctx.Done():
		if kept {
			fmt.Fprintln(a.out, "\nStopping: what was released is kept, what is on its way goes on at the next start.")
		} else {
			fmt.Fprintln(a.out, "\nStopping: the three newsrooms and all that they released are removed.")
		}
		return stop(nil)
	case err := <-failed:
		return stop(err)
	}
}

// open opens the three nodes, and sets them up where that was not done before.
func (c demoCmd) open(ctx context.Context, a *app, dir string) (houses []*house, err error) {
	port := c.Port
	for _, room := range demo.Newsrooms() {
		l, next, err := listenFrom(port)
		if err != nil {
			return houses, err
		}
		port = next
		set := config.Settings{Dir: filepath.Join(dir, room.Key), Listen: l.Addr().String(), AllowNet: []string{"127.0.0.0/8"}, ZoneName: room.Zone}
		n, err := openNode(ctx, node.Options{Settings: set, Log: a.log(room.Key), Listener: l})
		if err != nil {
			return houses, err
		}
		h := &house{room, n, "http://" + l.Addr().String()}
		houses = append(houses, h)
		if err := h.setUp(ctx); err != nil {
			return houses, err
		}
		if err := a.control(ctx, n); err != nil {
			return houses, err
		}
	}
	return houses, nil
}

// listenFrom opens the first free port from one on.
func listenFrom(port int) (net.Listener, int, error) {
	var err error
	for p := port; p < port+50; p++ {
		var l net.Listener
		if l, err = net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(p)); err == nil {
			return l, p + 1, nil
		}
	}
	return nil, 0, fault.New(fault.Unavailable, "cli.ports", "from", port).Because(err)
}

func (h *house) setUp(ctx context.Context) error {
	profile := partner.Profile{Domain: h.Domain, Base: h.Base(), Names: h.Names, Kind: h.Kind, Languages: h.Languages, Contact: "desk@" + h.Domain}
	if self := h.Exchange.Self(); self.Root != "" {
		if self.Base == profile.Base {
			return nil
		}
		return h.Exchange.Describe(ctx, profile) // another port than last time
	}
	if _, err := h.SetUp(ctx, profile); err != nil {
		return err
	}
	if err := h.RootStored(ctx); err != nil { // nobody needs the root of an invented newsroom
		return err
	}
	lang := news.Lang(h.Languages[0])
	for login, role := range map[string]people.Role{"editor": people.Editor, "chief": people.Signatory, "admin": people.Administrator} {
		roles := []people.Role{role}
		if role != people.Editor {
			roles = append(roles, people.Editor)
		}
		_, err := h.People.Create(ctx, people.Operator(), people.NewPerson{Login: login, Name: login, Language: lang, Roles: roles, Password: demoPassword})
		if err != nil {
			return err
		}
	}
	return nil
}

// introduce has the three newsrooms pin each other and sign their agreements: the Anselm wire of two, the Nilo wire of two,
// and the sea pool of all three.
func (c demoCmd) introduce(ctx context.Context, houses []*house) error {
	for _, x := range houses {
		for _, y := range houses {
			if x == y {
				continue
			}
			p, err := x.Exchange.Pin(ctx, y.Exchange.Document(), false)
			if err != nil {
				return err
			}
			if p.Compared.IsZero() {
				if err := x.Exchange.Compared(ctx, p.Root, ""); err != nil {
					return err
				}
			}
		}
	}
	if len(houses[0].Agreements.List()) > 0 {
		return nil
	}
	for _, d := range c.agreements(houses) {
		if err := sign(ctx, d.rev, d.parties); err != nil {
			return err
		}
	}
	return nil
}

type demoAgreement struct {
	rev     terms.Revision
	parties []*house
}

func (c demoCmd) agreements(houses []*house) []demoAgreement {
	make := func(kind terms.Kind, parties ...*house) demoAgreement {
		var ps []terms.Party
		for _, h := range parties {
			ps = append(ps, signed(terms.PartyOf(h.Exchange.Self()), chiefs[h.Key], "Editor in chief"))
		}
		rev := draft(kind, time.Now().AddDate(0, 0, 30), ps...)
		rev.Zone = parties[0].Zone
		return demoAgreement{rev, parties}
	}
	north, soren, avand := houses[0], houses[1], houses[2]
	first := make(terms.Wire, north, soren)
	first.rev.Flows = []terms.Flow{{Clause: "2.1", Except: []string{"medtop:15000000"}}}
	first.rev.Uses.Publish = []terms.Channel{terms.Print, terms.Web, terms.Radio}
	first.rev.Uses.Days = 90
	second := make(terms.Wire, north, avand)
	second.rev.Uses.Syndicate = false
	pool := make(terms.Pool, north, soren, avand)
	pool.rev.Flows = []terms.Flow{
		{Clause: "2.1", Subjects: []string{"medtop:01000000", "medtop:13000000", "medtop:17000000"}},
		{Clause: "2.2", UrgencyMin: 1, UrgencyMax: 2},
	}
	return []demoAgreement{first, second, pool}
}

// chiefs are the people who sign in the demo.
var chiefs = map[string]string{"north": "Agnes Thorley", "soren": "Вера Лозина", "avand": "مهران نیلی"}

// sign has the first party propose and the others sign, and waits until all have gone over to it.
func sign(ctx context.Context, rev terms.Revision, parties []*house) error {
	hash, err := parties[0].Agreements.Propose(ctx, rev, agreement.Signer{Name: chiefs[parties[0].Key], Office: "Editor in chief"})
	if err != nil {
		return err
	}
	for _, h := range parties[1:] {
		if err := until(ctx, func() bool { _, ok := h.Agreements.Revision(hash); return ok }); err != nil {
			return err
		}
		if err := h.Agreements.Sign(ctx, hash, agreement.Signer{Name: chiefs[h.Key], Office: "Editor in chief"}); err != nil {
			return err
		}
	}
	for _, h := range parties {
		err := until(ctx, func() bool {
			for _, s := range h.Agreements.Active() {
				if s.Hash == hash {
					return true
				}
			}
			return false
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// until waits for something, for at most half a minute.
func until(ctx context.Context, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			return fault.New(fault.Unavailable, "cli.demo_slow")
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

func (c demoCmd) print(a *app, dir string, kept bool, houses []*house) {
	fmt.Fprint(a.out, "\nThree newsrooms exchange stories. Open a desk in a browser:\n\n")
	for _, h := range houses {
		fmt.Fprintf(a.out, "  %-14s %s\n", h.Names["en"], h.url)
	}
	fmt.Fprintf(a.out, `
Sign in as editor, chief (signs agreements) or admin. The password is %s

Try this:
  · open two desks side by side and watch a story arrive
  · at North Agency, open a story of its own: to whom it went, when each had it, and by which clause it did not go
  · correct or withdraw one of your own stories, and look at the other desk
  · open the proof of a story that came in, and verify it again
  · at Radio Soren, look for a sports story of North Agency: the agreement leaves sport out

The newsrooms live in %s
`, demoPassword, dir)
	if kept {
		fmt.Fprintf(a.out, "Ctrl-C stops them; «newspool demo --dir %s» goes on.\n\n", dir)
	} else {
		fmt.Fprint(a.out, "Ctrl-C stops them and removes the folder. To keep it, name one: «newspool demo --dir FOLDER».\n\n")
	}
}

var errNoStories = errors.New("no stories")

// feed lets the newsrooms release stories, one after the other, until ctx ends.
func (c demoCmd) feed(ctx context.Context, a *app, houses []*house) error {
	if len(c.Wire) > 0 {
		return c.replay(ctx, a, houses)
	}
	lines := map[string][]demo.Line{}
	longest := 0
	for _, h := range houses {
		l, err := h.Stories()
		if err != nil {
			return err
		}
		lines[h.Key] = l
		longest = max(longest, len(l))
	}
	if longest == 0 {
		return errNoStories
	}
	for round := 0; ; round++ {
		for i := range longest {
			for _, h := range houses {
				if i >= len(lines[h.Key]) {
					continue
				}
				fresh, err := h.release(ctx, lines[h.Key][i], round)
				if err != nil {
					return ignoreEnd(ctx, err)
				}
				// The first stories come at once, so that no desk is empty; what was released before a restart is passed over.
				if !fresh || (round == 0 && i < 4) {
					continue
				}
				select {
				case <-ctx.Done():
					return nil
				case <-time.After(c.Every):
				}
			}
		}
	}
}

func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
		return nil
	}
	return err
}

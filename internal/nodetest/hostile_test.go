package nodetest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// victim starts the newsroom that the fakes of this file try their ways on. Two kinds of records cannot be folded at it.
func victim(t *testing.T) *House {
	spec := Soren()
	spec.LogLevel = silent
	spec.Before = func(n *node.Node) {
		n.Exchange.Times.Silence = 400 * time.Millisecond
		n.Exchange.Fold = func(_ *store.Tx, d ledger.Said) (bool, error) {
			switch d.Record.Type {
			case "test.fails":
				return false, errors.New("test: this record cannot be folded")
			case "test.panics":
				panic("test: this record brings the code down")
			}
			return false, nil
		}
	}
	return Start(t, spec)
}

// What does not have the form of the protocol, or is not signed, is not stored; it is shown in a sentence, and the link comes back by
// itself as soon as the partner behaves.
func TestBrokenStreams(t *testing.T) {
	b := victim(t)
	for i, c := range []struct {
		name   string
		stream func(f *fake, w io.Writer, from int64)
	}{
		{"garbage", func(f *fake, w io.Writer, _ int64) { w.Write(bytes.Repeat([]byte("no frame at all"), 1000)) }},
		{"a frame of four gigabytes", func(f *fake, w io.Writer, _ int64) { w.Write([]byte{'r', 0xff, 0xff, 0xff, 0xff, 1, 2, 3}) }},
		{"a frame that breaks off", func(f *fake, w io.Writer, _ int64) {
			b := protocol.AppendFrame(nil, f.heartbeat())
			w.Write(b[:len(b)/2])
		}},
		{"more records than a frame may have", func(f *fake, w io.Writer, from int64) {
			x := f.frame(from)
			for len(x.Records) <= protocol.FrameRecords {
				x.Records = append(x.Records, x.Records...)
			}
			w.Write(protocol.AppendFrame(protocol.AppendFrame(nil, f.heartbeat()), x))
		}},
		{"another key", func(f *fake, w io.Writer, from int64) {
			cp, _ := f.checkpoint(len(f.entries))
			signed, _ := protocol.SignCheckpoint(cp, newKey(t))
			w.Write(protocol.AppendFrame(nil, f.beat(cp, signed)))
		}},
		{"a heartbeat by the log key", func(f *fake, w io.Writer, from int64) {
			cp, signed := f.checkpoint(len(f.entries))
			x := f.beat(cp, signed)
			x.Heartbeat = protocol.Cosign(protocol.CosignerName(f.domain), f.log, cp, time.Now().Unix()).Line(public(f.cosign))
			w.Write(protocol.AppendFrame(nil, x))
		}},
		{"records before the first heartbeat", func(f *fake, w io.Writer, from int64) { w.Write(protocol.AppendFrame(nil, f.frame(from))) }},
		{"a frame from another place", func(f *fake, w io.Writer, from int64) {
			x := f.frame(from)
			x.From++
			w.Write(protocol.AppendFrame(protocol.AppendFrame(nil, f.heartbeat()), x))
		}},
		{"the origin of another ledger", func(f *fake, w io.Writer, from int64) {
			cp, _ := f.checkpoint(len(f.entries))
			cp.Origin = protocol.Origin(f.domain, protocol.NewID())
			w.Write(protocol.AppendFrame(nil, f.beat(f.signed(cp))))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, string(rune('a'+i))+".quay.example", b)
			f.agree(nil)
			f.folded()
			size := f.copy().Size
			f.misbehave(func(w io.Writer, from int64) {
				f.mu.Lock()
				defer f.mu.Unlock()
				c.stream(f, w, from)
			})
			f.release(1)
			was := f.asked()
			Wait(t, "it was tried three times, and is shown", func() bool {
				l := f.link()
				return f.asked() > was+2 && l.State == exchange.LinkLate && l.Error != nil &&
					(l.Error.Key == "exchange.broken" || l.Error.Key == "partner.unreachable")
			})
			if i := f.copy(); i.Size != size || i.State != ledger.Open {
				t.Errorf("the copy has %d records and is %s, want %d", i.Size, i.State, size)
			}
			f.misbehave(nil)
			f.folded()
			Wait(t, "the link is alive again", func() bool { return f.link().State == exchange.LinkLive })
		})
	}
}

// A ledger that says two things is followed no further. Both texts are kept, it is shown, also after a start, and nobody else is
// touched by it.
func TestForks(t *testing.T) {
	b := victim(t)
	other := newFake(t, "harbour.example", b)
	other.agree(nil)
	other.folded()
	var fakes []*fake
	for i, c := range []struct {
		name   string
		stream func(f *fake, w io.Writer, from int64)
	}{
		{"another root of the same size", func(f *fake, w io.Writer, _ int64) {
			cp, _ := f.checkpoint(len(f.entries))
			cp.Root[0] ^= 1
			w.Write(protocol.AppendFrame(nil, f.beat(f.signed(cp))))
		}},
		{"a size that shrinks", func(f *fake, w io.Writer, _ int64) {
			w.Write(protocol.AppendFrame(nil, f.beat(f.checkpoint(len(f.entries)-2))))
		}},
		{"a root that does not follow", func(f *fake, w io.Writer, from int64) {
			first := f.entries[0].Record
			f.entries[0].Record = append([]byte(nil), first...)
			f.entries[0].Record[0] ^= 1 // it said something else in the beginning than it told us
			w.Write(protocol.AppendFrame(protocol.AppendFrame(nil, f.heartbeat()), f.frame(from)))
			f.entries[0].Record = first
		}},
	} {
		f := newFake(t, string(rune('a'+i))+".fork.example", b)
		fakes = append(fakes, f)
		f.agree(nil)
		f.folded()
		size := f.copy().Size
		f.misbehave(func(w io.Writer, from int64) {
			f.mu.Lock()
			defer f.mu.Unlock()
			if from == int64(len(f.entries)) && i == 2 {
				return
			}
			c.stream(f, w, from)
		})
		if i == 2 {
			f.release(1)
		}
		Wait(t, c.name+" stops the ledger", func() bool { return f.copy().State == ledger.Stopped && f.link().State == exchange.LinkStopped })
		l := f.link()
		if l.Error == nil || l.Error.Kind != fault.Fork || l.Error.Key != "exchange.fork" || l.Error.Args["domain"] != f.domain {
			t.Errorf("%s is shown as %v", c.name, l.Error)
		}
		if n := f.copy().Size; n != size {
			t.Errorf("%s: %d records, want %d", c.name, n, size)
		}
		var kind string
		var ours, theirs []byte
		err := b.DB.Read(context.Background(), func(r store.Reader) error {
			return r.QueryRow(`SELECT kind, ours, theirs FROM ledger_evidence WHERE ledger = $1`, f.ledger).Scan(&kind, &ours, &theirs)
		})
		if err != nil || kind != "fork" {
			t.Fatalf("%s: evidence %q (%v)", c.name, kind, err)
		}
		for what, text := range map[string][]byte{"ours": ours, "theirs": theirs} {
			if _, err := protocol.OpenCheckpoint(text, f.origin, public(f.log)); err != nil {
				t.Errorf("%s: the evidence that is %s does not hold: %v", c.name, what, err)
			}
		}
		f.misbehave(nil)
	}
	b.Restart(b.spec)
	for _, f := range fakes {
		Wait(t, "it is shown after a start", func() bool { l := f.link(); return l.State == exchange.LinkStopped && l.Error != nil })
	}
	other.release(2)
	other.folded()
	if n := fakes[0].asked(); n == 0 || fakes[0].copy().State != ledger.Stopped {
		t.Error("a ledger that was stopped goes on")
	}
}

// Records that make no sense, are not the partner's to say or bring our code down are kept and marked, and the ledger goes on.
func TestBadRecords(t *testing.T) {
	b := victim(t)
	a := Start(t, North())
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	theirs := send(t, a, b, 1)[0]
	ours := accept(t, b, Story(2))
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	mine, _ := f.release(3)
	waitState(t, b, mine, news.Usable)

	elsewhere, content := f.record(exchange.TypeRelease, f.item(), exchange.ItemBody{Class: news.First, Version: 1}, f.story(Story(4).Story))
	elsewhere.Ledger = protocol.NewID()
	twice := []byte(`{"type":"item.release","type":"item.release","id":"` + uuid(t) + `","ledger":"` + f.ledger + `","time":1}`)
	cases := []struct {
		name string
		seq  int64
		kind string
	}{
		{"a record of another ledger", f.put(elsewhere, content), "malformed"},
		{"a key twice", f.append(protocol.Entry{Record: twice}), "malformed"},
		{"no JSON", f.append(protocol.Entry{Record: []byte{0xff, 0xfe, 0}}), "malformed"},
		{"an item without a version", f.say(exchange.TypeRelease, f.item(), exchange.ItemBody{Class: news.First}, f.story(Story(5).Story)), "malformed"},
		{"a class that there is not", f.say(exchange.TypeRelease, f.item(), exchange.ItemBody{Class: "flash", Version: 1}, f.story(Story(5).Story)), "malformed"},
		{"an unknown type", f.say("weather.report", "", nil), "unknown"},
		{"an unknown thing about an item of another newsroom", f.say("item.praise", string(theirs), nil), "unknown"},
		{"an unknown thing about its own item", f.say("item.praise", string(mine), nil), "unknown"},
		{"a version of an item of another newsroom", f.say(exchange.TypeRelease, string(theirs), exchange.ItemBody{Class: news.Update, Version: 2}, f.story(Story(6).Story)), "not-theirs"},
		{"a withdrawal of it", f.say(exchange.TypeWithdraw, string(theirs), exchange.ItemBody{Class: news.Withdrawal, Version: 3}, f.story(Story(6).Story)), "not-theirs"},
		{"a version of our own item", f.say(exchange.TypeCorrect, string(ours), exchange.ItemBody{Class: news.Correction, Version: 2}, f.story(Story(6).Story)), "not-theirs"},
		{"a new item in the name of a newsroom that we know", f.say(exchange.TypeRelease, "newspool://north.example/item/"+uuid(t), exchange.ItemBody{Class: news.First, Version: 1}, f.story(Story(6).Story)), "not-theirs"},
		{"a new item in our own name", f.say(exchange.TypeRelease, "newspool://soren.example/item/"+uuid(t), exchange.ItemBody{Class: news.First, Version: 1}, f.story(Story(6).Story)), "not-theirs"},
		{"a record that cannot be folded", f.say("test.fails", "", nil), "failed"},
		{"a record that brings the code down", f.say("test.panics", "", nil), "failed"},
		{"a report about a ledger of another newsroom", f.say(exchange.TypeActed, "", exchange.ItemBody{What: "set-aside", Ledger: string(followed(t, b, a).ID), Seq: 1}), "malformed"},
		{"a report about our ledger in another agreement", f.say(exchange.TypeMissing, "", exchange.ItemBody{Ledger: string(own(t, b, terms.AgreementID(own(t, a, "").Agreement)).ID), Seq: 1}), "malformed"},
		{"a new epoch in the middle", f.say(exchange.TypeEpoch, "", exchange.EpochBody{Continues: f.ledger, Size: 1}), "malformed"},
	}
	good, _ := f.release(7)
	waitState(t, b, good, news.Usable)
	f.folded()
	for _, c := range cases {
		if got := f.trouble(c.seq); got != c.kind {
			t.Errorf("%s: marked as %q, want %q", c.name, got, c.kind)
		}
	}
	if it := waitState(t, b, mine, news.Closed); it.Why.Key != "exchange.unknown_type" {
		t.Errorf("closed because of %+v", it.Why)
	}
	if it, err := b.Library.Item(context.Background(), theirs); err != nil || it.State != news.Usable || it.Version != 1 {
		t.Errorf("the item of another newsroom is %s in version %d (%v)", it.State, it.Version, err)
	}
	if it, err := b.Library.Item(context.Background(), ours); err != nil || it.State != news.Usable || it.Version != 1 {
		t.Errorf("our own item is %s in version %d (%v)", it.State, it.Version, err)
	}
	if n := shown(t, b); n != 4 {
		t.Errorf("the wire has %d rows, want 4", n)
	}
	if l := f.link(); l.State != exchange.LinkLive {
		t.Errorf("the link is %s", l.State)
	}
	f.mu.Lock()
	f.hints = []protocol.Hint{{Index: 1000, About: string(theirs)}, {Index: 1001, About: string(ours)}, {Index: 1002, About: string(good)}}
	f.mu.Unlock()
	f.release(8)
	waitState(t, b, good, news.Closed)
	if s := stateAt(b, theirs); s != news.Usable {
		t.Errorf("a hint of one newsroom made the item of another %s", s)
	}
	verifyRows(t, b, f.copy())
}

// A text that does not come, or is not the one that the record names, closes the version and is told back. One that was withdrawn
// further on is not asked for.
func TestMissingContents(t *testing.T) {
	b := victim(t)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	f.folded()
	say := func(change func(e *protocol.Entry)) (news.ItemID, int64) {
		id := f.item()
		rec, e := f.record(exchange.TypeRelease, id, exchange.ItemBody{Class: news.First, Version: 1}, f.story(Story(1).Story))
		change(&e)
		return news.ItemID(id), f.put(rec, e)
	}
	for name, change := range map[string]func(e *protocol.Entry){
		"nothing":          func(e *protocol.Entry) { e.Contents = nil },
		"another text":     func(e *protocol.Entry) { e.Contents[0].Bytes = f.story(Story(2).Story) },
		"another salt":     func(e *protocol.Entry) { e.Contents[0].Salt[0] ^= 1 },
		"held back":        func(e *protocol.Entry) { e.Contents[0] = protocol.Content{State: protocol.Withheld} },
		"withdrawn before": func(e *protocol.Entry) { e.Contents[0] = protocol.Content{State: protocol.Withdrawn, Index: 0} },
	} {
		id, seq := say(change)
		it := waitState(t, b, id, news.Closed)
		if it.Why.Key != "exchange.content_missing" || f.trouble(seq) != "missing" {
			t.Errorf("%s: closed because of %+v, marked as %q", name, it.Why, f.trouble(seq))
		}
		if _, err := b.Library.Version(context.Background(), id, 0); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: the text is %v", name, err)
		}
		told := false
		for _, rec := range records(t, b, own(t, b, f.agreement).ID) {
			told = told || (rec.Type == exchange.TypeMissing && rec.About == string(id))
		}
		if !told {
			t.Errorf("%s was not told back", name)
		}
	}
	before := own(t, b, f.agreement).Size
	id, seq := say(func(e *protocol.Entry) { e.Contents[0] = protocol.Content{State: protocol.Withdrawn, Index: 1 << 20} })
	if it := waitState(t, b, id, news.Closed); it.Why.Key != "exchange.withdrawal_ahead" || f.trouble(seq) != "" {
		t.Errorf("withdrawn further on: closed because of %+v, marked as %q", it.Why, f.trouble(seq))
	}
	good, _ := f.release(3)
	waitState(t, b, good, news.Usable)
	if n := own(t, b, f.agreement).Size; n != before {
		t.Errorf("%d records were said about what was withdrawn", n-before)
	}
}

// A clock that is far ahead is shown, and moves nothing of ours.
func TestTimeFarAhead(t *testing.T) {
	b := victim(t)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	f.folded()
	f.mu.Lock()
	f.clock = 3 * time.Hour
	f.mu.Unlock()
	rec, e := f.record("item.praise", f.item(), nil)
	rec.Time = time.Now().AddDate(3, 0, 0).UnixMicro()
	f.put(rec, e)
	f.folded()
	Wait(t, "the fault of the clock is shown", func() bool { return f.link().Skew < -2*time.Hour })
	if c := f.link().LastContact; time.Since(c) > time.Minute || time.Since(c) < -time.Minute {
		t.Errorf("the last contact was at %v", c)
	}
	if !b.Exchange.Confirmed(f.root(), b.Clock()) {
		t.Error("a link that is alive confirms nothing")
	}
	item := accept(t, b, Story(1))
	Wait(t, "our own record has our own time", func() bool {
		all := records(t, b, own(t, b, f.agreement).ID)
		last := all[len(all)-1]
		return last.About == string(item) && time.Since(time.UnixMicro(last.Time)).Abs() < time.Minute
	})
}

// What is above the ceilings of a day is set aside, whatever times the records tell; the count is the same after a start.
func TestFlood(t *testing.T) {
	b := victim(t)
	f := newFake(t, "harbour.example", b)
	f.agree(func(rev *terms.Revision) { rev.Ceilings.Records = 6 })
	states := map[news.State]int{}
	for n := range 12 {
		id := f.item()
		rec, e := f.record(exchange.TypeRelease, id, exchange.ItemBody{Class: news.First, Version: 1}, f.story(Story(n).Story))
		switch {
		case n%3 == 1:
			rec.Time = time.Now().AddDate(0, 0, -n).UnixMicro() // a new day each time, if a day could be gone back to
		case n%3 == 2:
			rec.Time = time.Now().AddDate(0, 0, n).UnixMicro() // or ahead to
		}
		seq := f.put(rec, e)
		f.folded()
		s := stateAt(b, news.ItemID(id))
		states[s]++
		if marked := f.trouble(seq) == "ceiling"; marked != (s == news.SetAside && states[s] == 1) {
			t.Errorf("record %d, %s, is marked as %q", seq, s, f.trouble(seq))
		}
		if s == news.SetAside {
			it, err := b.Library.Item(context.Background(), news.ItemID(id))
			if err != nil || it.Why.Clause != "6" || it.Why.Key != "terms.wait.records" {
				t.Errorf("record %d was set aside because of %+v (%v)", seq, it.Why, err)
			}
		}
		if n == 8 {
			b.Restart(b.spec)
		}
	}
	if states[news.Usable] != 6 || states[news.SetAside] != 6 {
		t.Errorf("states %v, want six of each", states)
	}
	said := 0
	for _, r := range records(t, b, own(t, b, f.agreement).ID) {
		if r.Type == exchange.TypeActed {
			said++
		}
	}
	if said != 1 {
		t.Errorf("%d reports were said of one flood, and it is told of once", said)
	}
}

// A partner that keeps a line open and says nothing is cut, and asked again.
func TestStallingPartner(t *testing.T) {
	b := victim(t)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	f.folded()
	stall := make(chan struct{})
	f.misbehave(func(w io.Writer, from int64) {
		f.mu.Lock()
		beat := protocol.AppendFrame(nil, f.heartbeat())
		f.mu.Unlock()
		w.Write(beat)
		<-stall
	})
	was := f.asked()
	Wait(t, "it was cut twice", func() bool { return f.asked() >= was+3 })
	close(stall)
	f.misbehave(nil)
	id, _ := f.release(1)
	waitState(t, b, id, news.Usable)
}

// An answer that claims to have seen what does not exist stalls the ledger that it stands in, and no other; everything else in that
// agreement is folded at once.
func TestSeenWhatIsNot(t *testing.T) {
	b := victim(t)
	f, g := newFake(t, "harbour.example", b), newFake(t, "quay.example", b)
	f.agree(nil)
	g.agree(nil)
	seen := []protocol.Seen{{Ledger: strings.Repeat("0", 32), Size: 7, Root: strings.Repeat("A", 43) + "="}}
	rec, e := f.record(agreement.TypeSuspend, "", nil)
	rec.Seen = seen
	f.put(rec, e)
	rec, e = f.record(agreement.TypeResume, "", nil)
	rec.Seen = seen
	f.put(rec, e)
	f.folded()
	rec, e = f.record(agreement.TypeSign, "", agreement.Body{Revision: terms.RevisionHash(strings.Repeat("a", 64))})
	rec.Seen = seen
	seq := f.put(rec, e)
	f.release(1)
	good, _ := g.release(1)
	waitState(t, b, good, news.Usable)
	Wait(t, "the ledger is stored, and folded up to there", func() bool { i := f.copy(); return i.Size == seq+2 && i.Applied == seq })
}

// A follower's receipt that cannot be for our ledger is refused and kept as evidence, once.
func TestReceiptsThatDoNotFit(t *testing.T) {
	b := victim(t)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	accept(t, b, Story(1))
	said(t, b)
	mine := own(t, b, f.agreement)
	token := f.token()
	post := func(cp protocol.Checkpoint, key []byte, size int) int {
		t.Helper()
		line := protocol.Cosign(protocol.CosignerName(f.domain), key, cp, time.Now().Unix()+int64(size)).Line(public(f.cosign))
		code, _ := request(t, "POST", b.Base()+"/exchange/v1/ledgers/"+string(mine.ID)+"/cosignatures", token, []byte(cp.Text()+"\n"+line))
		return code
	}
	good := protocol.Checkpoint{Origin: mine.Origin, Size: mine.Size, Root: mine.Root()}
	other, ahead, elsewhere := good, good, good
	other.Root[0] ^= 1
	ahead.Size += 5
	elsewhere.Origin = protocol.Origin("soren.example", protocol.NewID())
	for i := range 2 {
		for name, cp := range map[string]protocol.Checkpoint{"another root": other, "more than there is": ahead, "another ledger": elsewhere} {
			if code := post(cp, f.cosign, i); code != 400 {
				t.Errorf("%s: %d", name, code)
			}
		}
		if code := post(good, f.log, i); code != 400 {
			t.Errorf("by the log key: %d", code)
		}
	}
	if code, _ := request(t, "POST", b.Base()+"/exchange/v1/ledgers/"+string(mine.ID)+"/cosignatures", token, bytes.Repeat([]byte("x"), 4<<10)); code != 400 {
		t.Errorf("too large: %d", code)
	}
	if i := own(t, b, f.agreement); i.Confirmed != 0 {
		t.Errorf("size %d is taken for confirmed", i.Confirmed)
	}
	if n := count(t, b, `SELECT COUNT(*) FROM ledger_evidence WHERE ledger = $1 AND kind = 'ahead'`, string(mine.ID)); n != 3 {
		t.Errorf("%d pieces of evidence, want one of each kind", n)
	}
	if code := post(good, f.cosign, 0); code != 204 {
		t.Errorf("a good one: %d", code)
	}
	if i := own(t, b, f.agreement); i.Confirmed != mine.Size {
		t.Errorf("size %d is confirmed, want %d", i.Confirmed, mine.Size)
	}
}

// The evidence of a receipt that does not fit is not lost with the transaction in which it should have been kept.
func TestEvidenceAfterAFailedWrite(t *testing.T) {
	var broken atomic.Bool
	y := Soren()
	y.LogLevel = silent
	y.Fault = func(op string) error {
		if op == "commit-before" && broken.Load() {
			return errors.New("test: nothing can be written")
		}
		return nil
	}
	b := Start(t, y)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	mine := own(t, b, f.agreement)
	cp := protocol.Checkpoint{Origin: mine.Origin, Size: mine.Size + 5, Root: mine.Root()}
	line := protocol.Cosign(protocol.CosignerName(f.domain), f.cosign, cp, time.Now().Unix()).Line(public(f.cosign))
	for _, c := range []struct {
		broken   bool
		code     int
		evidence int64
	}{{true, 503, 0}, {false, 400, 1}, {false, 400, 1}} {
		broken.Store(c.broken)
		code, _ := request(t, "POST", b.Base()+"/exchange/v1/ledgers/"+string(mine.ID)+"/cosignatures", f.token(), []byte(cp.Text()+"\n"+line))
		if n := count(t, b, `SELECT COUNT(*) FROM ledger_evidence WHERE ledger = $1`, string(mine.ID)); code != c.code || n != c.evidence {
			t.Errorf("with failing storage %t: %d, %d pieces of evidence; want %d and %d", c.broken, code, n, c.code, c.evidence)
		}
	}
}

// A partner that opens one stream after the other has a few of them; the oldest end. One that announces ledgers without an end is
// followed in a thousand.
func TestTooMany(t *testing.T) {
	b := victim(t)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	token, client := f.token(), insecure()
	var streams []*http.Response
	for range 7 {
		r, err := http.NewRequest("GET", b.Base()+"/exchange/v1/ledgers/"+string(own(t, b, f.agreement).ID)+"/stream?from=0", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		s, err := client.Do(r)
		if err != nil || s.StatusCode != http.StatusOK {
			t.Fatalf("stream: %v (%v)", s, err)
		}
		defer s.Body.Close()
		streams = append(streams, s)
	}
	for _, s := range streams[:3] {
		if _, err := io.Copy(io.Discard, s.Body); err != nil {
			t.Errorf("an old stream ends with %v", err)
		}
	}
	item := accept(t, b, Story(1))
	for i, s := range streams[3:] {
		in := bufio.NewReader(s.Body)
		for found := false; !found; {
			x, err := protocol.ReadFrame(in)
			if err != nil {
				t.Fatalf("stream %d: %v", i, err)
			}
			for _, e := range x.Records {
				found = found || bytes.Contains(e.Record, []byte(item))
			}
		}
	}
	if err := b.DB.Write(context.Background(), func(tx *store.Tx) error {
		for range 999 {
			id := ledger.ID(protocol.NewID())
			if err := b.Ledgers.Create(tx, ledger.Info{ID: id, Agreement: string(f.agreement), Owner: f.root(), Origin: protocol.Origin(f.domain, string(id))}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	other := protocol.NewID()
	if err := b.Exchange.TakeHello(context.Background(), f.greetingOf(other, protocol.Origin(f.domain, other))); err == nil {
		t.Error("the thousand and first ledger of one newsroom is followed")
	}
}

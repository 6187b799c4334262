package nodetest

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"newspool/protocol"
)

// confirmed makes a follower of a house that has sent its receipt, so that the house asks it at the next start.
func confirmed(t *testing.T, b *House) *fake {
	t.Helper()
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	accept(t, b, Story(1))
	said(t, b)
	mine := own(t, b, f.agreement)
	cp := protocol.Checkpoint{Origin: mine.Origin, Size: mine.Size, Root: mine.Root()}
	line := protocol.Cosign(protocol.CosignerName(f.domain), f.cosign, cp, time.Now().Unix()).Line(public(f.cosign))
	if code, body := request(t, "POST", b.Base()+"/exchange/v1/ledgers/"+string(mine.ID)+"/cosignatures", f.token(), []byte(cp.Text()+"\n"+line)); code != http.StatusNoContent {
		t.Fatalf("a good receipt: %d %s", code, body)
	}
	return f
}

// What is not a follower's own word confirms nothing: not a 404, which any proxy may give, nor an error of its node, nor a 404 where
// tokens are given. Its word that it holds nothing does.
func TestNoAnswerConfirmsNothing(t *testing.T) {
	b := victim(t)
	f := confirmed(t, b)
	for _, code := range []int{http.StatusNotFound, http.StatusServiceUnavailable, http.StatusOK} {
		f.answer(code, 0)
		b.Restart(b.spec)
		Wait(t, "the follower was asked twice", func() bool { return f.mirrors.Load() >= 2 })
		if len(b.Exchange.Unconfirmed()) != 1 {
			t.Errorf("the answer %d confirms the ledger", code)
		}
	}
	f.answer(http.StatusNoContent, http.StatusNotFound)
	b.Restart(b.spec)
	Wait(t, "a token was asked for twice", func() bool { return f.doors.Load() >= 2 })
	if len(b.Exchange.Unconfirmed()) != 1 {
		t.Error("a 404 where tokens are given confirms the ledger")
	}
	f.answer(http.StatusNoContent, 0)
	Wait(t, "the ledger is confirmed", func() bool { return len(b.Exchange.Unconfirmed()) == 0 })
}

// A list of ledgers that is none, or one with a ledger whose checkpoint the node did not sign, is no answer. An origin that names
// nothing, or of which the follower holds nothing, changes nothing.
func TestForgedListConfirmsNothing(t *testing.T) {
	b := victim(t)
	f := confirmed(t, b)
	origin := protocol.Origin(b.Domain, protocol.NewID())
	f.forged.Store(&origin)
	for _, list := range []string{"", "[]", `{"origins":["` + origin + `"]}`} {
		f.kept.Store(&list)
		f.answer(http.StatusNoContent, 0)
		b.Restart(b.spec)
		Wait(t, "the follower was asked twice", func() bool { return f.mirrors.Load() >= 4 })
		if len(b.Exchange.Unconfirmed()) != 1 {
			t.Errorf("the list %q confirms the ledger", list)
		}
	}
	list := `{"origins":["north.example/elsewhere","` + protocol.Origin(b.Domain, protocol.NewID()) + `"]}`
	f.kept.Store(&list)
	Wait(t, "the ledger is confirmed", func() bool { return len(b.Exchange.Unconfirmed()) == 0 })
	if i := own(t, b, f.agreement); i.Continues != "" {
		t.Error("it goes on in another ledger")
	}
}

// A follower whose storage fails does not say that it holds nothing.
func TestMirrorThatCannotBeRead(t *testing.T) {
	var broken atomic.Bool
	y := Soren()
	y.LogLevel = silent
	y.Fault = func(op string) error {
		if op == "query" && broken.Load() {
			return errors.New("test: nothing can be read")
		}
		return nil
	}
	b := Start(t, y)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	f.folded()
	token := f.token()
	path := b.Base() + "/exchange/v1/mirrors/" + protocol.MirrorID(f.origin)
	broken.Store(true)
	for _, what := range []string{"/checkpoint", "/contents?from=0", "/tile/0/000.p/1"} {
		if code, _ := request(t, "GET", path+what, token, nil); code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", what, code)
		}
	}
	if code, _ := request(t, "GET", b.Base()+"/exchange/v1/ledgers/"+f.ledger+"/checkpoint", token, nil); code != http.StatusServiceUnavailable {
		t.Errorf("a ledger that cannot be read: %d", code)
	}
	broken.Store(false)
	if code, _ := request(t, "GET", path+"/checkpoint", token, nil); code != http.StatusOK {
		t.Errorf("with its storage well again: %d", code)
	}
}

package exchange

import (
	"errors"
	"testing"

	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// unreadable is a codec that can read nothing.
type unreadable struct{}

func (unreadable) Read([]byte) (news.Story, error) {
	return news.Story{}, errors.New("test: not a story")
}

// noTerms are agreements in which nothing was adopted.
type noTerms struct{ Agreements }

func (noTerms) Judging(ledger.ID, int64) (terms.Standing, bool) { return terms.Standing{}, false }

// A version that is withdrawn further on is closed, whatever came of its contents: there is nothing more to find out about it.
func TestWithdrawnFurtherOn(t *testing.T) {
	s := &Service{Options: Options{Codec: unreadable{}, Agreements: noTerms{}}}
	for what, contents := range map[string][][]byte{"nothing came": {nil, nil}, "one came that cannot be read": {[]byte("{"), nil}} {
		in := library.Incoming{Class: news.First, State: news.Usable}
		err := s.take(nil, arrival{Said: ledger.Said{Contents: contents}, ahead: true}, &in)
		if err != nil || in.State != news.Closed || in.Why.Key != "exchange.withdrawal_ahead" {
			t.Errorf("%s: %s by %q (%v)", what, in.State, in.Why.Key, err)
		}
	}
}

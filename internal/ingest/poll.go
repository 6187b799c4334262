package ingest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/formats/feed"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// polls is how many sources are asked at a time.
const polls = 4

// maxValidator is the longest ETag or Last-Modified that is kept, in bytes.
const maxValidator = 500

// PollDue polls every source that is switched on and due, some at a time. A source that fails is kept with its trouble, for
// the page, and written to the log. What goes wrong here with one stops no other: the error is all the trouble of the database or
// desk, or the end of ctx.
func (s *Service) PollDue(ctx context.Context) error {
	all, err := s.Sources(ctx)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(polls)
	now := s.clock()
	troubles := make([]error, len(all))
	for i, src := range all {
		if !src.Enabled || src.Due().After(now) {
			continue
		}
		group.Go(func() error {
			troubles[i] = s.pollClaimed(ctx, src)
			return ctx.Err()
		})
	}
	return cmp.Or(group.Wait(), errors.Join(troubles...))
}

// pollClaimed polls a source that is due, unless another instance does. The error is trouble here; where it is a mistake of ours and
// not that the database or the desk cannot do anything just now, it is the source's trouble too, so that it is asked more and more seldom.
func (s *Service) pollClaimed(ctx context.Context, src Source) error {
	if mine, err := s.claim(ctx, src); err != nil || !mine {
		return err
	}
	_, trouble, err := s.poll(ctx, src)
	if trouble != nil {
		s.log.Warn("a source cannot be read", "source", src.ID, "url", src.URL, "error", trouble.Error())
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	if f := fault.Of(err); f.Kind == fault.Internal {
		err = errors.Join(err, s.failed(ctx, src, f))
	}
	return fmt.Errorf("source %s: %w", src.ID, err)
}

// claim makes sure that of several instances on one database only one polls a source that is due.
func (s *Service) claim(ctx context.Context, src Source) (mine bool, err error) {
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecCount(sqlClaim, string(src.ID), clock.Micros(s.clock()), clock.Micros(src.Last))
		mine = n == 1
		return err
	})
	return mine, err
}

// Poll asks a source for news now, whether or not it is due or switched on. What is wrong with the source is kept with it
// and returned as a fault (Unavailable, Invalid, Denied, TooLarge).
func (s *Service) Poll(ctx context.Context, id SourceID) (Report, error) {
	src, err := s.Source(ctx, id)
	if err != nil {
		return Report{}, err
	}
	report, trouble, err := s.poll(ctx, src)
	if err == nil && trouble != nil {
		err = trouble
	}
	return report, err
}

// answer is what a server said.
type answer struct {
	feed           feed.Feed
	same           bool // nothing new since the last time
	etag, modified string
}

// poll asks, takes in and writes down how it went. trouble is what is wrong with the source, err what is wrong here.
func (s *Service) poll(ctx context.Context, src Source) (report Report, trouble *fault.Error, err error) {
	got, err := s.ask(ctx, src)
	if err != nil {
		if ctx.Err() != nil {
			return Report{}, nil, ctx.Err()
		}
		trouble = fault.Of(err)
		return Report{}, trouble, s.failed(ctx, src, trouble)
	}
	all := outcomes{}
	if !got.same {
		o := ItemOptions{Source: string(src.ID), Lang: src.Lang, Service: src.Service}
		report, err = s.run(ctx, o, all.note, func(in *intake) error {
			in.warn("", got.feed.Problems)
			return in.feed(got.feed, func(n int) string { return fmt.Sprintf("%s:%d", src.Name, n) })
		})
		if err != nil {
			return report, nil, err // asked again in full the next time
		}
	}
	now, fresh := s.clock(), 0
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecCount(sqlPolled, string(src.ID), got.etag, got.modified, clock.Micros(now))
		if err != nil || n == 0 || got.same { // 0: it was removed meanwhile
			return err
		}
		if err := read(tx, src.ID, report, now); err != nil {
			return err
		}
		fresh, err = all.save(tx, src.ID, now)
		return err
	})
	if err == nil && fresh > 0 {
		s.log.Warn("entries of a source were refused; the page of the source says why", "source", src.ID, "url", src.URL, "entries", fresh)
	}
	return report, nil, err
}

// read writes down what a poll brought. Entries that were refused are kept apart.
func read(tx *store.Tx, id SourceID, r Report, now time.Time) error {
	got := Reading{At: now, Taken: r.Taken, Known: r.Duplicates, Refused: r.Refused}
	for _, p := range r.Problems {
		if !p.Fatal {
			got.Problems = append(got.Problems, p)
		}
	}
	b, err := json.Marshal(got)
	if err != nil {
		return err
	}
	return tx.Exec(sqlReading, string(id), string(b))
}

// ask fetches the feed, unless the server says that it is the same as the last time.
func (s *Service) ask(ctx context.Context, src Source) (answer, error) {
	u, err := url.Parse(src.URL)
	if err != nil {
		return answer{}, fault.New(fault.Invalid, "ingest.source_url", "url", src.URL).Because(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src.URL, nil)
	if err != nil {
		return answer{}, fault.New(fault.Invalid, "ingest.source_url", "url", src.URL).Because(err)
	}
	req.Header.Set("Accept", "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5")
	if src.etag != "" {
		req.Header.Set("If-None-Match", src.etag)
	}
	if src.modified != "" {
		req.Header.Set("If-Modified-Since", src.modified)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, fetch.Fault(err, u.Host)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusNotModified:
		return answer{same: true, etag: src.etag, modified: src.modified}, nil
	case resp.StatusCode == http.StatusGone:
		return answer{}, fault.New(fault.Gone, "ingest.source_gone", "host", u.Host)
	case resp.StatusCode != http.StatusOK:
		return answer{}, fault.New(fault.Unavailable, "ingest.source_status", "host", u.Host, "status", fmt.Sprint(resp.StatusCode))
	}
	b, err := fetch.ReadAll(resp, feed.MaxFeed)
	if err != nil {
		return answer{}, err
	}
	f, err := feed.Parse(b)
	if err != nil {
		return answer{}, err
	}
	return answer{feed: f, etag: validator(resp.Header.Get("ETag")), modified: validator(resp.Header.Get("Last-Modified"))}, nil
}

// validator keeps what can be sent back as it came; anything else is forgotten, and the feed comes in full.
func validator(s string) string {
	if len(s) > maxValidator || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return s
}

// failed writes down what is wrong with a source. One that says that it is gone for good is switched off.
func (s *Service) failed(ctx context.Context, src Source, f *fault.Error) error {
	b, err := json.Marshal(terms.Line{Key: f.Key, Args: f.Args})
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if f.Kind == fault.Gone {
			if err := tx.Exec(sqlGone, string(src.ID)); err != nil {
				return err
			}
		}
		return tx.Exec(sqlFailed, string(src.ID), clock.Micros(s.clock()), string(b))
	})
}

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// The log of SQLite is moved into the database by a connection of its own, so that no Write waits for it. That begins when the
// log has grown by so many pages, or after a while.
const (
	walPages    = 2048            // 32 MiB
	walPagesMax = 4 * walPages    // from here on the writer waits for it: under load it would grow without end
	walEvery    = 5 * time.Second // at the latest
)

// walKeeper moves the log.
type walKeeper struct {
	path string
	log  *slog.Logger
	wake chan struct{}
	quit chan struct{}
	done chan struct{}

	since atomic.Int64 // pages written since the last time
	inLog atomic.Int64 // pages in the log, about

	mu sync.Mutex // one at a time
	c  *liteConn
}

func startWALKeeper(path string, o Options) *walKeeper {
	k := &walKeeper{path: path, log: o.Log, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
	go k.loop()
	return k
}

func (k *walKeeper) loop() {
	defer close(k.done)
	tick := time.NewTicker(walEvery)
	defer tick.Stop()
	for {
		select {
		case <-k.quit:
			return
		case <-k.wake:
		case <-tick.C:
			if k.since.Load() == 0 {
				continue
			}
		}
		k.try(false)
	}
}

func (k *walKeeper) try(quiet bool) {
	if err := k.move("PASSIVE", quiet); err != nil {
		k.log.Warn("the log of the database was not moved into it", slog.Any("error", err))
	}
}

// wrote is told by the writer, after each commit, how many pages it has written.
func (k *walKeeper) wrote(pages int) {
	since := k.since.Add(int64(pages))
	total := k.inLog.Add(int64(pages))
	switch {
	case since < walPages:
	case total >= walPagesMax:
		k.try(true)
	default:
		select {
		case k.wake <- struct{}{}:
		default:
		}
	}
}

// move moves what it can without waiting for anybody (PASSIVE), or everything, and empties the log (TRUNCATE). It is quiet when
// nothing can be written meanwhile.
func (k *walKeeper) move(how string, quiet bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.since.Store(0)
	before := k.inLog.Load()
	if k.c == nil || k.c.bad {
		if k.c != nil {
			_ = k.c.close()
			k.c = nil
		}
		c, err := connect(k.path, liteMover)
		if err != nil {
			return err
		}
		k.c = c
	}
	rows, err := k.c.query(context.Background(), "PRAGMA wal_checkpoint("+how+")", nil)
	if err != nil {
		return err
	}
	defer rows.close()
	ok, err := rows.next()
	if err != nil || !ok {
		return errors.Join(err, io.ErrUnexpectedEOF)
	}
	var busy, pages, moved int64
	if err := rows.scan([]any{&busy, &pages, &moved}); err != nil {
		return err
	}
	if moved == pages && quiet {
		pages = 0 // the next commit begins at the start of the log
	}
	k.inLog.Add(pages - before)
	if busy != 0 && how != "PASSIVE" {
		return fmt.Errorf("store: %d of %d pages of the log were moved", moved, pages)
	}
	return nil
}

// close empties the log and gives up the connection.
func (k *walKeeper) close() error {
	close(k.quit)
	<-k.done
	err := k.move("TRUNCATE", true)
	if k.c != nil {
		err = errors.Join(err, k.c.close())
	}
	return err
}

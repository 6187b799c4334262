package nodetest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// line is the network between two houses: a relay that a test can cut, close and hold up.
type line struct {
	l net.Listener

	mu     sync.Mutex
	turn   *sync.Cond
	to     string
	closed bool               // new connections are refused
	left   int                // bytes that may still come from the far end; -1: any number
	conns  map[net.Conn]bool  // both halves of each connection
	swap   func(int) net.Conn // gives another far end for connection number n; nil: there is none
	number int
}

// newLine opens a line whose far end is not known yet.
func newLine(t testing.TB) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &line{l: l, left: -1, conns: map[net.Conn]bool{}}
	w.turn = sync.NewCond(&w.mu)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.carry(c) })
		}
	})
	t.Cleanup(func() {
		w.close()
		w.l.Close()
		wg.Wait()
	})
	return w
}

// base is the URL of the near end.
func (w *line) base() string { return "https://" + w.l.Addr().String() }

// lead sets the far end.
func (w *line) lead(h *House) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.to = h.addr
}

// cut ends all connections.
func (w *line) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.Close()
	}
	clear(w.conns)
	w.turn.Broadcast()
}

// close cuts, and refuses new connections until open.
func (w *line) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.cut()
}

// open lets connections through; after so many bytes from the far end (-1: never) the line is held up.
func (w *line) open(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed, w.left = false, bytes
	w.turn.Broadcast()
}

// tries is how many connections were made.
func (w *line) tries() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.number
}

// held reports whether the line is held up.
func (w *line) held() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.left == 0
}

func (w *line) carry(near net.Conn) {
	defer near.Close()
	w.mu.Lock()
	closed, to := w.closed, w.to
	n := w.number
	w.number++
	swap := w.swap
	w.mu.Unlock()
	if closed {
		return
	}
	var far net.Conn
	if swap != nil {
		far = swap(n)
	}
	if far == nil {
		var err error
		if far, err = net.Dial("tcp", to); err != nil {
			return
		}
	}
	defer far.Close()
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return
	}
	w.conns[near], w.conns[far] = true, true
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.conns, near)
		delete(w.conns, far)
		w.turn.Broadcast()
	}()
	go func() {
		io.Copy(far, near)
		far.Close()
	}()
	b := make([]byte, 16<<10)
	for {
		n, err := far.Read(b[:w.pass(near, len(b))])
		if n > 0 {
			w.passed(n)
			if _, err := near.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits until something may come through, and says how much; as long as the line is held up the connection stands still.
func (w *line) pass(near net.Conn, most int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.left == 0 && w.conns[near] {
		w.turn.Wait()
	}
	if w.left < 0 {
		return most
	}
	return min(most, max(w.left, 1))
}

func (w *line) passed(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left > 0 {
		w.left = max(0, w.left-n)
	}
}

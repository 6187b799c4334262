package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"newspool/internal/fault"
)

func open(t *testing.T) (*FS, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs")
	f, err := OpenFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f, dir
}

func name(b []byte) Ref {
	sum := sha256.Sum256(b)
	return Ref(hex.EncodeToString(sum[:]))
}

func put(t *testing.T, f *FS, b []byte) Ref {
	t.Helper()
	ref, size, err := f.Put(t.Context(), bytes.NewReader(b))
	if err != nil || ref != name(b) || size != int64(len(b)) {
		t.Fatalf("put: %q %d %v", ref, size, err)
	}
	return ref
}

func TestPutOpenDelete(t *testing.T) {
	f, dir := open(t)
	large := bytes.Repeat([]byte("Radio Soren "), 100_000)
	for _, b := range [][]byte{nil, []byte("a"), large} {
		ref := put(t, f, b)
		put(t, f, b) // again
		in, size, err := f.Open(t.Context(), ref, Range{})
		if err != nil || size != int64(len(b)) {
			t.Fatalf("open: %d %v", size, err)
		}
		got, err := io.ReadAll(in)
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("read %d bytes of %d: %v", len(got), len(b), err)
		}
		if err := in.Close(); err != nil {
			t.Error(err)
		}
		if n, ok, err := f.Has(t.Context(), ref); !ok || n != int64(len(b)) || err != nil {
			t.Errorf("has: %d %v %v", n, ok, err)
		}
		for range 2 {
			if err := f.Delete(t.Context(), ref); err != nil {
				t.Errorf("delete: %v", err)
			}
		}
		if _, ok, err := f.Has(t.Context(), ref); ok || err != nil {
			t.Errorf("has after delete: %v %v", ok, err)
		}
		if _, _, err := f.Open(t.Context(), ref, Range{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("open after delete: %v", err)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, incoming)); err != nil || len(left) != 0 {
		t.Errorf("left over: %v %v", left, err)
	}
}

func TestRanges(t *testing.T) {
	f, _ := open(t)
	ref := put(t, f, []byte("0123456789"))
	for _, c := range []struct {
		part Range
		want string
		bad  bool
	}{
		{Range{0, 0}, "0123456789", false},
		{Range{3, 0}, "3456789", false},
		{Range{3, 4}, "3456", false},
		{Range{8, 100}, "89", false},
		{Range{0, 1}, "0", false},
		{Range{10, 0}, "", false},
		{Range{11, 0}, "", true},
		{Range{-1, 0}, "", true},
		{Range{1, -1}, "", true},
	} {
		in, size, err := f.Open(t.Context(), ref, c.part)
		if c.bad {
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%v: %v", c.part, err)
			}
			continue
		}
		if err != nil || size != 10 {
			t.Errorf("%v: %d %v", c.part, size, err)
			continue
		}
		got, err := io.ReadAll(in)
		if string(got) != c.want || err != nil {
			t.Errorf("%v: %q %v", c.part, got, err)
		}
		_ = in.Close()
	}
}

func TestNamesStayInside(t *testing.T) {
	f, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "..", "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []Ref{"", "a", "../secret", Ref(strings.Repeat("A", 64)), Ref(strings.Repeat("g", 64)), Ref("../" + strings.Repeat("a", 61))} {
		if _, _, err := f.Open(t.Context(), ref, Range{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("open %q: %v", ref, err)
		}
		if _, ok, err := f.Has(t.Context(), ref); ok || err != nil {
			t.Errorf("has %q: %v %v", ref, ok, err)
		}
		if err := f.Delete(t.Context(), ref); err != nil {
			t.Errorf("delete %q: %v", ref, err)
		}
	}
	// A link that leads out of the folder is not followed.
	ref := name([]byte("secret"))
	if err := os.Mkdir(filepath.Join(dir, ref.folder()), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../../secret", filepath.Join(dir, ref.path())); err != nil {
		t.Fatal(err)
	}
	if in, _, err := f.Open(t.Context(), ref, Range{}); err == nil {
		_ = in.Close()
		t.Error("a link out of the folder was followed")
	}
}

func TestDamage(t *testing.T) {
	f, dir := open(t)
	ref := put(t, f, []byte("what was released"))
	if err := os.WriteFile(filepath.Join(dir, ref.path()), []byte("what was Released"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func() error {
		in, _, err := f.Open(t.Context(), ref, Range{})
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(io.Discard, in)
		return err
	}
	if err := read(); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	put(t, f, []byte("what was released"))
	if err := read(); err != nil {
		t.Errorf("mended: %v", err)
	}
}

// failing gives some bytes and then an error.
type failing struct{ err error }

func (r *failing) Read(b []byte) (int, error) {
	if r.err == nil {
		return 0, io.EOF
	}
	return copy(b, "half"), r.err
}

func TestPutFails(t *testing.T) {
	f, dir := open(t)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want error
	}{
		{t.Context(), io.ErrUnexpectedEOF, io.ErrUnexpectedEOF},
		{t.Context(), fault.New(fault.TooLarge, "x.y"), nil},
		{t.Context(), syscall.ENOSPC, syscall.ENOSPC},
		{cancelled, nil, context.Canceled},
	} {
		_, _, err := f.Put(c.ctx, &failing{c.err})
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	if err := trouble(&os.PathError{Op: "write", Err: syscall.ENOSPC}); fault.Of(err).Key != "fault.disk_full" {
		t.Errorf("full: %v", err)
	}
	if _, ok, _ := f.Has(t.Context(), name([]byte("half"))); ok {
		t.Error("half a blob was kept")
	}
	if left, _ := os.ReadDir(filepath.Join(dir, incoming)); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
	// The folder has gone: an error, and it works again when the folder is back.
	if err := os.Rename(filepath.Join(dir, incoming), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Put(t.Context(), strings.NewReader("x")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without a folder: %v", err)
	}
	if err := os.Rename(filepath.Join(dir, "elsewhere"), filepath.Join(dir, incoming)); err != nil {
		t.Fatal(err)
	}
	put(t, f, []byte("x"))
}

func TestLeftOvers(t *testing.T) {
	f, dir := open(t)
	ref := put(t, f, []byte("kept"))
	for name, age := range map[string]time.Duration{"old": 2 * leftOver, "new": 0} {
		p := filepath.Join(dir, incoming, name)
		if err := os.WriteFile(p, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(p, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	again, err := OpenFS(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	left, err := os.ReadDir(filepath.Join(dir, incoming))
	if err != nil || len(left) != 1 || left[0].Name() != "new" {
		t.Errorf("left over: %v %v", left, err)
	}
	if _, ok, _ := again.Has(t.Context(), ref); !ok {
		t.Error("the blob has gone")
	}
	if _, err := OpenFS(filepath.Join(dir, "no", "parent")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a folder without a parent: %v", err)
	}
}

func TestAtOnce(t *testing.T) {
	f, _ := open(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			ref, _, err := f.Put(t.Context(), strings.NewReader(strings.Repeat("x", i%4)))
			if err != nil {
				t.Error(err)
				return
			}
			if _, ok, err := f.Has(t.Context(), ref); !ok || err != nil {
				t.Errorf("has: %v %v", ok, err)
			}
		})
	}
	wg.Wait()
}

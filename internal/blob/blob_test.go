package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
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
	ref, size, err := f.Put(t.Context(), bytes.NewReader(b), nil)
	if err != nil || ref != name(b) || size != int64(len(b)) {
		t.Fatalf("put: %q %d %v", ref, size, err)
	}
	return ref
}

// read gives the bytes of a blob from an offset on.
func read(t *testing.T, f *FS, ref Ref, from int64) (string, error) {
	t.Helper()
	in, err := f.Open(t.Context(), ref, from)
	if err != nil {
		return "", err
	}
	b, err := io.ReadAll(in)
	return string(b), errors.Join(err, in.Close())
}

// count says how many files there are in a folder and below.
func count(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPutOpen(t *testing.T) {
	f, dir := open(t)
	large := bytes.Repeat([]byte("Radio Soren "), 100_000)
	for _, b := range [][]byte{nil, []byte("a"), large} {
		if _, err := read(t, f, name(b), 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("open before put: %v", err)
		}
		ref := put(t, f, b)
		put(t, f, b) // again
		if got, err := read(t, f, ref, 0); err != nil || got != string(b) {
			t.Errorf("read %d bytes of %d: %v", len(got), len(b), err)
		}
	}
	if n := count(t, dir); n != 3 {
		t.Errorf("%d files for three blobs", n)
	}
}

func TestOffsets(t *testing.T) {
	f, _ := open(t)
	ref := put(t, f, []byte("0123456789"))
	for from, want := range map[int64]string{0: "0123456789", 3: "3456789", 10: ""} {
		if got, err := read(t, f, ref, from); got != want || err != nil {
			t.Errorf("from %d: %q %v", from, got, err)
		}
	}
	for _, from := range []int64{11, -1} {
		if _, err := read(t, f, ref, from); !fault.Is(err, fault.Invalid) {
			t.Errorf("from %d: %v", from, err)
		}
	}
}

// What a check refuses is not kept, and takes nothing away that was here before.
func TestCheck(t *testing.T) {
	f, dir := open(t)
	refused := errors.New("refused")
	no := func(r io.Reader, ref Ref, size int64) error {
		b, err := io.ReadAll(r)
		if err != nil || name(b) != ref || int64(len(b)) != size {
			t.Errorf("shown %d bytes, told %d of %s: %v", len(b), size, ref, err)
		}
		return refused
	}
	ref := put(t, f, []byte("here before"))
	for _, s := range []string{"here before", "new", ""} {
		if _, _, err := f.Put(t.Context(), strings.NewReader(s), no); !errors.Is(err, refused) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if got, err := read(t, f, ref, 0); got != "here before" || err != nil {
		t.Errorf("what was here before: %q %v", got, err)
	}
	if n := count(t, dir); n != 1 {
		t.Errorf("%d files after refusals", n)
	}
	yes := func(io.Reader, Ref, int64) error { return nil }
	if ref, size, err := f.Put(t.Context(), strings.NewReader("new"), yes); err != nil || size != 3 || ref != name([]byte("new")) {
		t.Errorf("what the check lets through: %s %d %v", ref, size, err)
	}
}

func TestNamesStayInside(t *testing.T) {
	f, dir := open(t)
	if err := os.WriteFile(filepath.Join(dir, "..", "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []Ref{"", "a", "../secret", Ref(strings.Repeat("A", 64)), Ref(strings.Repeat("g", 64)), Ref("../" + strings.Repeat("a", 61))} {
		if _, err := read(t, f, ref, 0); !fault.Is(err, fault.NotFound) {
			t.Errorf("open %q: %v", ref, err)
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
	if _, err := read(t, f, ref, 0); err == nil {
		t.Error("a link out of the folder was followed")
	}
}

func TestDamage(t *testing.T) {
	f, dir := open(t)
	ref := put(t, f, []byte("what was released"))
	if err := os.WriteFile(filepath.Join(dir, ref.path()), []byte("what was Released"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, f, ref, 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	put(t, f, []byte("what was released"))
	if _, err := read(t, f, ref, 0); err != nil {
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
		_, _, err := f.Put(c.ctx, &failing{c.err}, nil)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%v: %v", c.err, err)
		}
	}
	if err := trouble(&os.PathError{Op: "write", Err: syscall.ENOSPC}); fault.Of(err).Key != "fault.disk_full" {
		t.Errorf("full: %v", err)
	}
	if n := count(t, dir); n != 0 {
		t.Errorf("%d files were kept of half a blob", n)
	}
	// The folder has gone: an error, and it works again when the folder is back.
	if err := os.Rename(filepath.Join(dir, incoming), filepath.Join(dir, "elsewhere")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Put(t.Context(), strings.NewReader("x"), nil); !fault.Is(err, fault.Unavailable) {
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
	if _, err := read(t, again, ref, 0); err != nil {
		t.Errorf("the blob has gone: %v", err)
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
			ref, _, err := f.Put(t.Context(), strings.NewReader(strings.Repeat("x", i%4)), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := read(t, f, ref, 0); len(got) != i%4 || err != nil {
				t.Errorf("read: %q %v", got, err)
			}
		})
	}
	wg.Wait()
}

// Package blob keeps bytes under the name of their content: photos, sound, films, large originals.
//
// A blob is named by the SHA-256 of its bytes. Put returns when the bytes and their name are on disk, and never leaves half a
// blob under a name. Callers share what has the same bytes, so a blob that has its name is never taken away.
package blob

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"newspool/internal/fault"
)

// Ref names a blob: the SHA-256 of its bytes in lower-case hex, 64 characters.
type Ref string

// Valid reports whether it has the form of a name.
func (r Ref) Valid() bool {
	if len(r) != 2*sha256.Size {
		return false
	}
	for i := range len(r) {
		if c := r[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ErrDamaged is what reading a whole blob ends with when its bytes are not those that were put.
var ErrDamaged error = fault.New(fault.Unavailable, "fault.blob_damaged")

// FS keeps blobs as files in one folder: <first two characters>/<name>. It is safe for concurrent use, also by several
// processes. Nothing is read or written outside of the folder, links included.
type FS struct {
	root *os.Root
}

const (
	incoming = "incoming"     // files that are being written
	leftOver = 24 * time.Hour // after which nobody is writing them any more
)

// OpenFS opens a folder, which is made if it is missing (its parent is not), and clears away what a crash has left half-written.
func OpenFS(dir string) (*FS, error) {
	switch err := os.Mkdir(dir, 0o700); {
	case err == nil:
		if err := syncPath(filepath.Dir(filepath.Clean(dir))); err != nil {
			return nil, trouble(err)
		}
	case !errors.Is(err, fs.ErrExist):
		return nil, trouble(err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, trouble(err)
	}
	f := &FS{root: root}
	if err := errors.Join(f.folder(incoming), f.clear()); err != nil {
		_ = root.Close()
		return nil, trouble(err)
	}
	return f, nil
}

func syncPath(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close gives up the folder. Blobs that are open stay readable.
func (f *FS) Close() error { return f.root.Close() }

// Check looks at bytes that are to be kept, from their start, with their name and number. An error means that they are not kept.
type Check func(r io.Reader, ref Ref, size int64) error

// Put keeps the bytes of r, up to its end, and gives their name and number. They are durable when it returns. The same bytes
// again are written again, under the same name: that mends a damaged blob. Bytes that the check refuses leave nothing behind,
// and a blob that was here before stays; a nil check refuses nothing. An error of r or of the check is returned as it is.
func (f *FS) Put(ctx context.Context, r io.Reader, check Check) (Ref, int64, error) {
	name := path.Join(incoming, rand.Text())
	tmp, err := f.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", 0, trouble(err)
	}
	ref, size, err := f.fill(ctx, tmp, r)
	if e := tmp.Close(); err == nil {
		err = e
	}
	if err == nil && check != nil {
		err = f.look(ctx, name, ref, size, check)
	}
	if err == nil {
		err = f.settle(name, ref)
	}
	if err != nil {
		_ = f.root.Remove(name)
		return "", 0, trouble(err)
	}
	return ref, size, nil
}

// fill copies, hashes and syncs.
func (f *FS) fill(ctx context.Context, tmp *os.File, r io.Reader) (Ref, int64, error) {
	h := sha256.New()
	size, err := io.Copy(io.MultiWriter(tmp, h), source{patient{ctx, r}})
	if err != nil {
		return "", 0, err
	}
	if err := tmp.Sync(); err != nil {
		return "", 0, err
	}
	return Ref(hex.EncodeToString(h.Sum(nil))), size, nil
}

// look shows a file that is complete to a check.
func (f *FS) look(ctx context.Context, name string, ref Ref, size int64, check Check) error {
	file, err := f.root.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	return check(patient{ctx, file}, ref, size)
}

// settle gives the file its name.
func (f *FS) settle(name string, ref Ref) error {
	if err := f.folder(ref.folder()); err != nil {
		return err
	}
	if err := f.root.Rename(name, ref.path()); err != nil {
		return err
	}
	return f.sync(ref.folder())
}

func (r Ref) folder() string { return string(r[:2]) }
func (r Ref) path() string   { return path.Join(r.folder(), string(r)) }

// folder makes a folder and has its name on disk.
func (f *FS) folder(name string) error {
	switch err := f.root.Mkdir(name, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	return f.sync(".")
}

func (f *FS) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// patient stops reading when the context is done.
type patient struct {
	ctx context.Context
	r   io.Reader
}

func (p patient) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, err
	}
	return p.r.Read(b)
}

// source marks the errors of a reader that somebody else made.
type source struct{ r io.Reader }

func (s source) Read(b []byte) (int, error) {
	n, err := s.r.Read(b)
	if err != nil && err != io.EOF {
		err = &sourceError{err}
	}
	return n, err
}

type sourceError struct{ err error }

func (e *sourceError) Error() string { return e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// Open reads a blob from an offset on; one beyond the end is fault.Invalid. A blob that is read from its start is checked: the
// last Read gives ErrDamaged instead of io.EOF if its bytes have changed. A blob that is not there is fault.NotFound.
func (f *FS) Open(ctx context.Context, ref Ref, from int64) (io.ReadCloser, error) {
	if !ref.Valid() {
		return nil, missing(ref)
	}
	file, err := f.root.Open(ref.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(ref)
	}
	if err != nil {
		return nil, trouble(err)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, trouble(err)
	}
	if from < 0 || from > info.Size() {
		_ = file.Close()
		return nil, fault.New(fault.Invalid, "fault.blob_range")
	}
	if from == 0 {
		return &whole{file: file, in: patient{ctx, file}, ref: ref, sum: sha256.New()}, nil
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, trouble(err)
	}
	return &rest{Reader: patient{ctx, file}, Closer: file}, nil
}

// rest is a blob without its beginning.
type rest struct {
	io.Reader
	io.Closer
}

// whole checks what it reads.
type whole struct {
	file *os.File
	in   io.Reader
	ref  Ref
	sum  hash.Hash
}

func (w *whole) Read(b []byte) (int, error) {
	n, err := w.in.Read(b)
	w.sum.Write(b[:n])
	if err == io.EOF && hex.EncodeToString(w.sum.Sum(nil)) != string(w.ref) {
		err = fmt.Errorf("%w: %s", ErrDamaged, w.ref)
	}
	return n, err
}

func (w *whole) Close() error { return w.file.Close() }

// clear removes what was never finished.
func (f *FS) clear() error {
	entries, err := fs.ReadDir(f.root.FS(), incoming)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || time.Since(info.ModTime()) < leftOver {
			continue // gone, or at work
		}
		if err := f.root.Remove(path.Join(incoming, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func missing(ref Ref) error {
	return fault.New(fault.NotFound, "fault.blob_missing").Because(fmt.Errorf("blob %q", string(ref)))
}

// trouble makes a fault of what the disk says, and leaves the errors of others alone.
func trouble(err error) error {
	var f *fault.Error
	var theirs *sourceError
	var atPath *fs.PathError
	var atLink *os.LinkError
	var call *os.SyscallError
	switch {
	case errors.As(err, &theirs):
		return theirs.err
	case errors.As(err, &f):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.New(fault.Unavailable, "fault.disk_full").Because(err)
	case errors.As(err, &atPath), errors.As(err, &atLink), errors.As(err, &call):
		return fault.New(fault.Unavailable, "fault.disk").Because(err)
	}
	return err
}

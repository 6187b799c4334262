package ninjs

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"

	"newspool/internal/fault"
)

// Unzip gives the bytes of a stream that is plain or gzip, at most max of them: what comes after is fault.TooLarge,
// "ingest.file_large". Damage is fault.Invalid, "ingest.gzip", and what was packed twice "ingest.gzip_twice": it is unpacked
// once only.
func Unzip(r io.Reader, max int64) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	if !packed(in) {
		return bufio.NewReaderSize(&limited{in, max, max}, 64<<10), nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fault.New(fault.Invalid, "ingest.gzip").Because(err)
	}
	out := bufio.NewReaderSize(&limited{unzipped{z}, max, max}, 64<<10)
	if packed(out) {
		return nil, fault.New(fault.Invalid, "ingest.gzip_twice")
	}
	return out, nil
}

func packed(in *bufio.Reader) bool {
	magic, _ := in.Peek(2)
	return bytes.Equal(magic, []byte{0x1f, 0x8b})
}

// unzipped says of damage that it is.
type unzipped struct{ *gzip.Reader }

func (u unzipped) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fault.New(fault.Invalid, "ingest.gzip").Because(err)
	}
	return n, err
}

// limited ends with fault.TooLarge where there is more than max.
type limited struct {
	r         io.Reader
	left, max int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		if n, err := io.ReadFull(l.r, make([]byte, 1)); n == 0 {
			return 0, err
		}
		return 0, fault.New(fault.TooLarge, "ingest.file_large", "gb", l.max>>30)
	}
	n, err := l.r.Read(p[:min(int64(len(p)), l.left)])
	l.left -= int64(n)
	return n, err
}

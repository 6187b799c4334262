package photo

import (
	"bytes"
	"encoding/binary"
	"io"
)

// maxXMP is the largest XMP packet that is read out of a PNG: what fits into one segment of a JPEG.
const maxXMP = 64<<10 - 100

// pngXMP finds the XMP packet of a PNG (an uncompressed iTXt chunk), which the metadata reader does not look for.
func pngXMP(r io.ReadSeeker) []byte {
	const name = "XML:com.adobe.xmp\x00\x00\x00" // not compressed
	if _, err := r.Seek(8, io.SeekStart); err != nil {
		return nil
	}
	var head [8]byte
	for range 10_000 {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil
		}
		size, kind := int64(binary.BigEndian.Uint32(head[:4])), string(head[4:])
		if kind == "IEND" || size > 1<<31 {
			return nil
		}
		if kind != "iTXt" || size > maxXMP {
			if _, err := r.Seek(size+4, io.SeekCurrent); err != nil {
				return nil
			}
			continue
		}
		data := make([]byte, size+4)
		if _, err := io.ReadFull(r, data); err != nil {
			return nil
		}
		rest, ok := bytes.CutPrefix(data[:size], []byte(name))
		if !ok {
			continue
		}
		for range 2 { // language and translated name
			if _, rest, ok = bytes.Cut(rest, []byte{0}); !ok {
				return nil
			}
		}
		return rest
	}
	return nil
}

// asJPEG wraps an XMP packet as the reader expects it: as the only segment of a JPEG without a picture.
func asJPEG(xmp []byte) io.ReadSeeker {
	const intro = "http://ns.adobe.com/xap/1.0/\x00"
	n := len(intro) + len(xmp) + 2
	b := append([]byte{0xff, 0xd8, 0xff, 0xe1, byte(n >> 8), byte(n)}, intro...)
	b = append(b, xmp...)
	return bytes.NewReader(append(b, 0xff, 0xda, 0, 2))
}

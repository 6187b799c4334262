package photo

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bep/imagemeta"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"newspool/internal/fault"
)

// MaxPixels is the largest picture that is decoded.
const MaxPixels = 80_000_000

// maxText is the longest text that is taken out of a photo, in characters.
const maxText = 10_000

// Info is what a photo says about itself. Of several places in which it may say the same, XMP comes before IPTC and IPTC
// before Exif. Texts are trimmed and without control characters.
type Info struct {
	Type          string // media type, by the content
	Width, Height int    // in pixels, as it is to be shown
	Orientation   int    // Exif, 1 to 8; 0: not said
	Headline      string
	Caption       string
	Byline        string // several with commas
	Credit        string
	Rights        string // copyright notice
	Usage         string // rights usage terms
	Instructions  string // special instructions: what an agency forbids stands here
	City          string
	Taken         time.Time // zero: not said
	TakenZoned    bool      // false: Taken is the time of the camera's clock, its zone is not known
}

// A kind is a picture format.
type kind struct {
	mediaType string
	meta      imagemeta.ImageFormat // ImageFormatAuto: no metadata is read
	config    func(io.Reader) (image.Config, error)
	decode    func(io.Reader) (image.Image, error)
}

// Head is how much of a file tells its kind, in bytes.
const Head = 12

// Known reports whether the first bytes of a file are those of a kind of picture that Read and Thumbnail can read.
func Known(head []byte) bool {
	_, ok := kindOf(head)
	return ok
}

func kindOf(head []byte) (kind, bool) {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xd8\xff")):
		return kind{"image/jpeg", imagemeta.JPEG, jpeg.DecodeConfig, jpeg.Decode}, true
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n")):
		return kind{"image/png", imagemeta.PNG, png.DecodeConfig, png.Decode}, true
	case len(head) >= Head && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return kind{"image/webp", imagemeta.WebP, webp.DecodeConfig, webp.Decode}, true
	case bytes.HasPrefix(head, []byte("II*\x00")), bytes.HasPrefix(head, []byte("MM\x00*")):
		return kind{"image/tiff", imagemeta.TIFF, tiff.DecodeConfig, tiff.Decode}, true
	case bytes.HasPrefix(head, []byte("GIF87a")), bytes.HasPrefix(head, []byte("GIF89a")):
		return kind{"image/gif", imagemeta.ImageFormatAuto, gif.DecodeConfig, gif.Decode}, true
	}
	return kind{}, false
}

// Read reads what a photo says. Bytes that are no picture of a known kind, or whose size cannot be read, are
// fault.Invalid; metadata that is broken is left out.
func Read(r io.ReadSeeker) (info Info, err error) {
	defer recovered(&err)
	k, config, err := open(r)
	if err != nil {
		return Info{}, err
	}
	info = Info{Type: k.mediaType, Width: config.Width, Height: config.Height}
	if k.meta != imagemeta.ImageFormatAuto {
		t := readTags(r, k.meta)
		t.fill(&info)
	}
	if info.Orientation >= 5 {
		info.Width, info.Height = info.Height, info.Width
	}
	return info, nil
}

// open finds the kind and the size, and leaves r at its start.
func open(r io.ReadSeeker) (kind, image.Config, error) {
	bad := func(err error) (kind, image.Config, error) {
		return kind{}, image.Config{}, fault.New(fault.Invalid, "ingest.photo_bad").Because(err)
	}
	head := make([]byte, Head)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return bad(err)
	}
	n, err := io.ReadFull(r, head)
	if err != nil && n == 0 {
		return bad(err)
	}
	k, ok := kindOf(head[:n])
	if !ok {
		return bad(errors.New("no known kind of picture"))
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return bad(err)
	}
	config, err := k.config(r)
	if err != nil {
		return bad(err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return bad(fmt.Errorf("%d × %d pixels", config.Width, config.Height))
	}
	_, err = r.Seek(0, io.SeekStart)
	if err != nil {
		return bad(err)
	}
	return k, config, nil
}

// recovered turns a fall of a decoder that is not ours into a fault of this one picture.
func recovered(err *error) {
	if r := recover(); r != nil {
		*err = fault.New(fault.Invalid, "ingest.photo_bad").Because(fmt.Errorf("the decoder fell: %v", r))
	}
}

// tags are the metadata by source and name.
type tags map[imagemeta.Source]map[string][]string

// readTags reads all metadata. Of a PNG it reads Exif and XMP: its IPTC is compressed, and the reader would unpack it
// without a limit.
func readTags(r io.ReadSeeker, format imagemeta.ImageFormat) tags {
	t := tags{imagemeta.EXIF: {}, imagemeta.IPTC: {}, imagemeta.XMP: {}}
	if format != imagemeta.PNG {
		t.read(r, format, imagemeta.EXIF|imagemeta.IPTC|imagemeta.XMP)
		return t
	}
	t.read(r, format, imagemeta.EXIF)
	if xmp := pngXMP(r); xmp != nil {
		t.read(asJPEG(xmp), imagemeta.JPEG, imagemeta.XMP)
	}
	return t
}

func (t tags) read(r io.ReadSeeker, format imagemeta.ImageFormat, sources imagemeta.Source) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return
	}
	// An error means that the rest could not be read; what was read before counts.
	_, _ = imagemeta.Decode(imagemeta.Options{
		R: r, ImageFormat: format, Sources: sources, LimitTagSize: 32 << 10,
		HandleTag: func(ti imagemeta.TagInfo) error {
			name := ti.Tag
			if ti.Source == imagemeta.XMP {
				name = strings.ToLower(name)
			}
			all := t[ti.Source]
			switch v := ti.Value.(type) {
			case string:
				all[name] = append(all[name], v)
			case []string:
				all[name] = append(all[name], v...)
			case []any:
				for _, e := range v {
					all[name] = append(all[name], fmt.Sprint(e))
				}
			default:
				all[name] = append(all[name], fmt.Sprint(v))
			}
			return nil
		},
	})
}

// one gives the first of these tags that says something; names are "x:" XMP, "i:" IPTC, "e:" Exif.
func (t tags) one(names ...string) string {
	for _, n := range names {
		for _, v := range t.all(n) {
			return v
		}
	}
	return ""
}

// joined is one for tags that may have several values.
func (t tags) joined(names ...string) string {
	for _, n := range names {
		if all := t.all(n); len(all) > 0 {
			return strings.Join(all, ", ")
		}
	}
	return ""
}

func (t tags) all(name string) []string {
	source := map[byte]imagemeta.Source{'x': imagemeta.XMP, 'i': imagemeta.IPTC, 'e': imagemeta.EXIF}[name[0]]
	var out []string
	for _, v := range t[source][name[2:]] {
		if v = clean(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

func (t tags) fill(info *Info) {
	info.Headline = t.one("x:headline", "i:Headline", "x:title", "i:ObjectName")
	info.Caption = t.one("x:description", "i:Caption-Abstract", "e:ImageDescription")
	info.Byline = t.joined("x:creator", "i:By-line", "e:Artist")
	info.Credit = t.one("x:credit", "i:Credit")
	info.Rights = t.one("x:rights", "i:CopyrightNotice", "e:Copyright")
	info.Usage = t.one("x:usageterms")
	info.Instructions = t.one("x:instructions", "i:SpecialInstructions")
	info.City = t.one("x:city", "i:City")
	if o := t.one("e:Orientation", "x:orientation"); len(o) == 1 && o[0] >= '1' && o[0] <= '8' {
		info.Orientation = int(o[0] - '0')
	}
	info.Taken, info.TakenZoned = t.taken()
}

func (t tags) taken() (time.Time, bool) {
	said := []string{t.one("x:datecreated"), t.one("x:datetimeoriginal"), t.one("i:DateCreated") + " " + t.one("i:TimeCreated"), t.one("i:DateCreated"),
		t.one("e:DateTimeOriginal") + t.one("e:OffsetTimeOriginal", "e:OffsetTime"), t.one("e:DateTimeOriginal")}
	for _, s := range said {
		s = strings.Replace(strings.TrimSpace(s), "T", " ", 1)
		if len(s) >= 10 {
			s = strings.ReplaceAll(s[:10], ":", "-") + s[10:]
		}
		for _, layout := range []string{"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
			if at, err := time.Parse(layout, s); err == nil && at.Year() > 1 {
				return at.Round(0).UTC().Truncate(time.Microsecond), strings.HasSuffix(layout, "Z07:00")
			}
		}
	}
	return time.Time{}, false
}

// clean takes control characters and what is no UTF-8 out of a text, and cuts one that is far too long.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case r < ' ', r >= 0x7f && r < 0xa0, r == '\ufeff', r == utf8.RuneError:
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > maxText {
		s = string([]rune(s)[:maxText])
	}
	return s
}

package photo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/tiff"

	"newspool/internal/fault"
)

// picture is red above and blue below.
func picture(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if y >= h/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// jpegWith makes a JPEG with segments put in after its first marker.
func jpegWith(t testing.TB, m image.Image, segments ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	out := append([]byte{}, b.Bytes()[:2]...)
	for _, s := range segments {
		out = append(out, s...)
	}
	return append(out, b.Bytes()[2:]...)
}

func segment(marker byte, data string) []byte {
	return append([]byte{0xff, marker, byte((len(data) + 2) >> 8), byte(len(data) + 2)}, data...)
}

// exif holds an orientation and texts, as a TIFF structure.
func exif(orientation uint16, texts map[uint16]string) string {
	var b bytes.Buffer
	le := binary.LittleEndian
	n := 1
	for range texts {
		n++
	}
	b.WriteString("II*\x00\x08\x00\x00\x00")
	binary.Write(&b, le, uint16(n))
	at := 8 + 2 + 12*n + 4
	var values bytes.Buffer
	for tag := range uint16(0xffff) {
		if tag == 0x0112 {
			binary.Write(&b, le, []uint16{tag, 3, 1, 0, orientation, 0})
		}
		if s, ok := texts[tag]; ok {
			binary.Write(&b, le, []uint16{tag, 2})
			binary.Write(&b, le, []uint32{uint32(len(s) + 1), uint32(at + values.Len())})
			values.WriteString(s + "\x00")
		}
	}
	b.Write([]byte{0, 0, 0, 0})
	b.Write(values.Bytes())
	return "Exif\x00\x00" + b.String()
}

// iptc holds records of the second dataset.
func iptc(fields ...any) string {
	var data bytes.Buffer
	data.WriteString("\x1c\x01\x5a\x00\x03\x1b%G") // UTF-8
	for i := 0; i < len(fields); i += 2 {
		s := fields[i+1].(string)
		data.Write([]byte{0x1c, 2, byte(fields[i].(int)), byte(len(s) >> 8), byte(len(s))})
		data.WriteString(s)
	}
	if data.Len()%2 == 1 {
		data.WriteByte(0)
	}
	var b bytes.Buffer
	b.WriteString("Photoshop 3.0\x008BIM\x04\x04\x00\x00")
	binary.Write(&b, binary.BigEndian, uint32(data.Len()))
	b.Write(data.Bytes())
	return b.String()
}

const xmpHead = "http://ns.adobe.com/xap/1.0/\x00"
const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" photoshop:Credit="North Agency" photoshop:DateCreated="2026-11-22T13:00:00+01:00">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Snow on the pass.</rdf:li></rdf:Alt></dc:description>
<xmpRights:UsageTerms><rdf:Alt><rdf:li xml:lang="x-default">Editorial use only</rdf:li></rdf:Alt></xmpRights:UsageTerms></rdf:Description></rdf:RDF></x:xmpmeta>`

func TestReadJPEG(t *testing.T) {
	b := jpegWith(t, picture(40, 20),
		segment(0xe1, exif(6, map[uint16]string{0x010e: "CAMERA", 0x013b: "Camera owner", 0x8298: "© Exif"})),
		segment(0xed, iptc(120, "Old caption", 105, "Снег на перевале", 80, "Ann Berg", 80, "Bo Holm", 116, "© North Agency", 40, "No archives", 25, "snow", 25, "pass", 90, "Northvale", 101, "North")),
		segment(0xe1, xmpHead+xmp))
	got, err := Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	want := Info{Type: "image/jpeg", Width: 20, Height: 40, Orientation: 6, Headline: "Снег на перевале", Caption: "Snow on the pass.", Byline: "Ann Berg, Bo Holm", Credit: "North Agency",
		Rights: "© North Agency", Usage: "Editorial use only", Instructions: "No archives", City: "Northvale",
		Taken: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), TakenZoned: true}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestReadOthers(t *testing.T) {
	m := picture(30, 10)
	var p, g, tf bytes.Buffer
	if png.Encode(&p, m) != nil || gif.Encode(&g, m, nil) != nil || tiff.Encode(&tf, m, nil) != nil {
		t.Fatal("cannot encode")
	}
	withXMP := pngChunk(p.Bytes(), "iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+xmp)
	for want, b := range map[string][]byte{"image/png": withXMP, "image/gif": g.Bytes(), "image/tiff": tf.Bytes(), "image/webp": webpBytes(t)} {
		info, err := Read(bytes.NewReader(b))
		if err != nil || info.Type != want || want != "image/webp" && (info.Width != 30 || info.Height != 10) {
			t.Errorf("%s: %+v, %v", want, info, err)
		}
		if want == "image/png" && (info.Caption != "Snow on the pass." || info.Credit != "North Agency") {
			t.Errorf("%+v", info)
		}
		if w, h := small(t, b, 15); want != "image/webp" && (w != 15 || h != 5) {
			t.Errorf("%s: %d × %d", want, w, h)
		}
		if !Known(b[:Head]) {
			t.Errorf("%s is not known", want)
		}
	}
	for name, b := range map[string]string{"empty": "", "text": "hello, world", "only a head": "\xff\xd8\xff", "cut PNG": p.String()[:20]} {
		if _, err := Read(strings.NewReader(b)); fault.Of(err).Key != "ingest.photo_bad" {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Thumbnail(strings.NewReader(b), 10); fault.Of(err).Key != "ingest.photo_bad" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func pngChunk(b []byte, kind, data string) []byte {
	var c bytes.Buffer
	binary.Write(&c, binary.BigEndian, uint32(len(data)))
	c.WriteString(kind + data)
	binary.Write(&c, binary.BigEndian, crc32.ChecksumIEEE([]byte(kind+data)))
	const afterHeader = 8 + 25
	return append(append(append([]byte{}, b[:afterHeader]...), c.Bytes()...), b[afterHeader:]...)
}

// webpBytes is a lossless WebP of one pixel.
func webpBytes(t testing.TB) []byte {
	t.Helper()
	body := []byte("WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
	return append([]byte{'R', 'I', 'F', 'F', byte(len(body)), 0, 0, 0}, body...)
}

// small makes the small picture and gives its size.
func small(t *testing.T, b []byte, edge int) (w, h int) {
	t.Helper()
	thumb, err := Thumbnail(bytes.NewReader(b), edge)
	if err != nil {
		t.Fatal(err)
	}
	config, err := jpeg.DecodeConfig(bytes.NewReader(thumb))
	if err != nil {
		t.Fatal(err)
	}
	return config.Width, config.Height
}

func TestThumbnail(t *testing.T) {
	for orientation, redAt := range map[int]image.Point{0: {10, 2}, 1: {10, 2}, 2: {10, 2}, 3: {10, 7}, 4: {10, 7}, 5: {2, 10}, 6: {7, 10}, 7: {7, 10}, 8: {2, 10}} {
		b := jpegWith(t, picture(200, 100), segment(0xe1, exif(uint16(orientation), map[uint16]string{0x010e: "secret place"})))
		thumb, err := Thumbnail(bytes.NewReader(b), 20)
		if err != nil {
			t.Fatal(err)
		}
		wantW, wantH := 20, 10
		if orientation >= 5 {
			wantW, wantH = 10, 20
		}
		if bytes.Contains(thumb, []byte("secret")) || bytes.Contains(thumb, []byte("Exif")) {
			t.Errorf("orientation %d: metadata in the small picture", orientation)
		}
		m, err := jpeg.Decode(bytes.NewReader(thumb))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Bounds(); got.Dx() != wantW || got.Dy() != wantH {
			t.Errorf("orientation %d: %v", orientation, got)
		}
		if r, _, bl, _ := m.At(redAt.X, redAt.Y).RGBA(); r < 0xc000 || bl > 0x4000 {
			t.Errorf("orientation %d: no red at %v", orientation, redAt)
		}
	}
	if w, h := small(t, jpegWith(t, picture(8, 4)), 100); w != 8 || h != 4 {
		t.Errorf("enlarged to %d × %d", w, h)
	}
}

func TestTransparentIsWhite(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 10, 10))); err != nil {
		t.Fatal(err)
	}
	thumb, err := Thumbnail(&seekable{*bytes.NewReader(b.Bytes())}, 5)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := jpeg.Decode(bytes.NewReader(thumb))
	if r, g, bl, _ := m.At(2, 2).RGBA(); r < 0xf000 || g < 0xf000 || bl < 0xf000 {
		t.Errorf("%x %x %x", r, g, bl)
	}
}

type seekable struct{ bytes.Reader }

// A small file that says it is huge is refused before it is decoded.
func TestTooManyPixels(t *testing.T) {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	p := b.Bytes()
	binary.BigEndian.PutUint32(p[16:], 30_000)
	binary.BigEndian.PutUint32(p[20:], 30_000)
	binary.BigEndian.PutUint32(p[29:], crc32.ChecksumIEEE(p[12:29]))
	if _, err := Thumbnail(bytes.NewReader(p), 100); fault.Of(err).Kind != fault.TooLarge {
		t.Errorf("%v", err)
	}
	if info, err := Read(bytes.NewReader(p)); err != nil || info.Width != 30_000 {
		t.Errorf("%+v %v", info, err)
	}
}

// What an outside reader finds in the same files.
func TestOutsideFiles(t *testing.T) {
	root := os.Getenv("NEWSPOOL_SHARED")
	if root == "" {
		t.Log("NEWSPOOL_SHARED is not set: the photos of another project are left out")
		return
	}
	for name, want := range map[string]Info{
		"IPTC.jpg": {Type: "image/jpeg", Width: 8, Height: 8, Headline: "No headline", Caption: "A witty caption", Byline: "Phil Harvey", Credit: "My Credit",
			Rights: "Copyright 2004 Phil Harvey", Instructions: "What instructions", City: "Kingston", Taken: time.Date(2004, 2, 26, 0, 0, 0, 0, time.UTC)},
		"MWG.jpg": {Type: "image/jpeg", Width: 8, Height: 8, Orientation: 6, Caption: "WRONG-XMP-Description", Byline: "WRONG1of2-XMP-Creator, WRONG2of2-XMP-Creator", Rights: "RIGHT-XMP-Copyright", City: "RIGHT-XMP-City",
			Taken: time.Date(1993, 1, 1, 2, 11, 11, 311e6, time.UTC), TakenZoned: true},
		"GPS.jpg": {Type: "image/jpeg", Width: 120, Height: 80, Orientation: 1, Headline: "Communications", Caption: "Communications", Byline: "Ian Britton", Credit: "Ian Britton",
			Rights: "ian Britton - FreeFoto.com", Taken: time.Date(2002, 6, 20, 0, 0, 0, 0, time.UTC)},
	} {
		b, err := os.ReadFile(filepath.Join(root, "testdata/photo/exiftool/t/images", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := Read(bytes.NewReader(b))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(jpegWith(f, picture(2, 2), segment(0xe1, exif(3, map[uint16]string{0x010e: "x"})), segment(0xed, iptc(120, "y")), segment(0xe1, xmpHead+xmp)))
	f.Add(webpBytes(f))
	var b bytes.Buffer
	tiff.Encode(&b, picture(2, 2), nil)
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		info, err := Read(bytes.NewReader(b))
		if err == nil && (info.Width <= 0 || info.Height <= 0) {
			t.Errorf("%d × %d", info.Width, info.Height)
		}
		if err == nil && info.Width*info.Height < 1<<16 {
			Thumbnail(bytes.NewReader(b), 8)
		}
	})
}

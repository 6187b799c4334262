package photo

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"io"

	"golang.org/x/image/draw"

	"newspool/internal/fault"
)

// quality of the small pictures, on the scale of JPEG.
const quality = 82

// Thumbnail makes a JPEG whose longer edge has at most maxEdge pixels, turned the right way up, with nothing of the
// metadata; a picture that is smaller is not enlarged. One above MaxPixels is fault.TooLarge and is not decoded; bytes
// that are no picture are fault.Invalid. It needs memory for the whole picture: up to 8 bytes a pixel for some PNG, so
// callers do few at a time.
func Thumbnail(r io.ReadSeeker, maxEdge int) (b []byte, err error) {
	defer recovered(&err)
	k, config, err := open(r)
	if err != nil {
		return nil, err
	}
	if int64(config.Width)*int64(config.Height) > MaxPixels {
		return nil, fault.New(fault.TooLarge, "ingest.photo_large", "width", config.Width, "height", config.Height, "mp", MaxPixels/1_000_000)
	}
	var info Info
	readTags(r, k.meta).fill(&info)
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fault.New(fault.Invalid, "ingest.photo_bad").Because(err)
	}
	src, err := k.decode(r)
	if err != nil {
		return nil, fault.New(fault.Invalid, "ingest.photo_bad").Because(err)
	}
	small := turned(scaled(src, max(1, maxEdge)), info.Orientation)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Fit is the size that a picture has when its longer side has at most edge pixels. A smaller one stays as it is.
func Fit(width, height, edge int) (int, int) {
	if long := max(width, height); long > edge {
		return max(1, (width*edge+long/2)/long), max(1, (height*edge+long/2)/long)
	}
	return width, height
}

// scaled draws a picture into a smaller one, on white where it is transparent.
func scaled(src image.Image, edge int) *image.RGBA {
	b := src.Bounds()
	w, h := Fit(b.Dx(), b.Dy(), edge)
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(dst, dst.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.BiLinear.Scale(dst, dst.Bounds(), src, b, draw.Over, nil)
	return dst
}

// turned brings a picture the right way up, by the eight orientations of Exif.
func turned(src *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			to := [...]image.Point{2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y}, 5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x}}[orientation]
			dst.SetRGBA(to.X, to.Y, src.RGBAAt(x, y))
		}
	}
	return dst
}

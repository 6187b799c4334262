// Package photo reads what a photo says about itself (XMP, IPTC, Exif) and makes the small picture of it that pages show.
//
// It is pure and reads JPEG, PNG, WebP, TIFF and GIF. Nothing that a photo says is trusted: sizes are checked before
// anything is decoded, texts are cleaned, and a small picture carries no metadata, place or serial number.
package photo

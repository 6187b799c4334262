package ingest

import (
	"context"
	"io"
	"path"
	"strings"

	"newspool/internal/formats/photo"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

// Photos keeps the bytes of photos.
type Photos interface {
	// Add keeps a photo and gives what it says of itself. What is no photo is refused.
	Add(ctx context.Context, r io.Reader) (news.Media, photo.Info, error)
}

// photo takes in one photo as an item of its own: headline, caption, by-line and credit are what IPTC, XMP and EXIF say; where
// they say nothing the headline is the name of the file. The same photo again is a duplicate, whatever the file is called.
func (in *intake) photo(name string, r io.Reader) error {
	from := &source{Reader: r}
	m, info, err := in.s.photos.Add(in.ctx, from)
	w := work{where: name}
	switch {
	case from.err != nil:
		return from.err
	case err != nil:
		return in.fail(w, err)
	}
	w.draft = photoDraft(m, info, path.Base(name))
	in.o.Complete(&w.draft, in.s.clock())
	w.draft.Media = []news.Media{m} // Complete takes out what files claim; this one is here
	return in.send(w)
}

// source remembers why it could not be read: that is no trouble of whoever reads it.
type source struct {
	io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

// photoDraft makes an item of a photo.
func photoDraft(m news.Media, info photo.Info, name string) news.Draft {
	headline := info.Headline
	if headline == "" {
		headline, _, _ = strings.Cut(info.Caption, ". ")
	}
	if headline == "" {
		headline = name
	}
	d := news.Draft{
		Story: news.Story{
			Type: news.Picture, Headline: headline, Slug: strings.ToUpper(strings.TrimSuffix(name, path.Ext(name))), Body: sanitize.Text(info.Caption),
			Byline: info.Byline, Credit: info.Credit, Copyright: info.Rights, Usage: info.Usage, Note: info.Instructions, Dateline: info.City,
		},
		SourceID: hashID + m.SHA256, Version: m.SHA256, Format: m.Type,
	}
	if info.TakenZoned {
		d.Written = info.Taken
	}
	return d
}

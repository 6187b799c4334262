package ingest

import (
	"bytes"
	"context"
	"io"
	"path"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/formats/photo"
	"newspool/internal/news"
	"newspool/internal/sanitize"
)

// Photos keeps the bytes of photos.
type Photos interface {
	// Add keeps a photo and gives what it says of itself. What is no photo is refused.
	Add(ctx context.Context, r io.Reader) (news.Media, photo.Info, error)
}

// isPhoto looks at the first bytes of a file.
func isPhoto(head []byte) bool {
	return bytes.HasPrefix(head, []byte("\xff\xd8\xff")) || bytes.HasPrefix(head, []byte("\x89PNG\r\n")) ||
		(bytes.HasPrefix(head, []byte("RIFF")) && len(head) >= 12 && string(head[8:12]) == "WEBP") ||
		bytes.HasPrefix(head, []byte("II*\x00")) || bytes.HasPrefix(head, []byte("MM\x00*"))
}

// Photo takes in one photo as an item of its own: headline, caption, by-line and credit are what IPTC, XMP and EXIF say; where
// they say nothing the headline is the name of the file. The same photo again is a duplicate.
func (s *Service) Photo(ctx context.Context, name string, r io.Reader, o ItemOptions) (Report, error) {
	report := Report{Files: 1}
	m, info, err := s.photos.Add(ctx, r)
	if err != nil {
		if !refusal(err) {
			return report, err
		}
		report.bad(name, fault.Of(err))
		report.Refused++
		return report, nil
	}
	d := PhotoDraft(m, info, path.Base(name))
	o.Complete(&d)
	d.Media = []news.Media{m} // complete takes out what files claim; this one is here
	acc, err := s.desk.Accept(ctx, d)
	switch {
	case err != nil && refusal(err):
		report.bad(name, fault.Of(err))
		report.Refused++
		return report, nil
	case err != nil:
		return report, err
	case acc.Duplicate:
		report.Duplicates++
	default:
		report.Taken++
	}
	return report, nil
}

// PhotoDraft makes an item of a photo.
func PhotoDraft(m news.Media, info photo.Info, name string) news.Draft {
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
		SourceID: "urn:newspool:sha256:" + m.SHA256, Format: m.Type,
	}
	if info.TakenZoned {
		d.Written = info.Taken
	}
	return d
}

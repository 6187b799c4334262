package wire

import (
	"context"
	"io"
	"slices"
	"strings"

	"newspool/internal/formats/photo"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
)

// Media has the photos, sounds and films of items. media.Service is one.
type Media interface {
	// States says of media by their ids what is known of them now; an id of which nothing is known is left out.
	States(ctx context.Context, ids []string) (map[string]media.Medium, error)
	// Add keeps a photo of our own and gives what it says of itself. What is no photo is a fault of the kind Invalid.
	Add(ctx context.Context, r io.Reader) (news.Media, photo.Info, error)
}

// figure is a photo, sound or film as it is shown.
type figure struct {
	Kind    string // "Photo"
	Size    string // pixels and bytes
	Caption string
	Byline  string
	Credit  string
	Rights  string
	Href    string // the whole; "" while it is not here
	Small   string // the small picture; "" for none
	Width   int    // of the small picture; 0: not known
	Height  int
	Icon    string
	Missing string // why it is not here, as a sentence
	Waits   bool   // it is being fetched
}

// figures adds what a story has of photos, sounds and films, with what is here of each.
func (f *Family) figures(ctx context.Context, c painter, a *article, item library.Item, s news.Story) error {
	known, err := f.o.Media.States(ctx, idsOf(s.Media))
	if err != nil {
		return err
	}
	a.Lead = s.Type == news.Picture
	text := ""
	if a.Lead {
		text = strings.TrimSpace(news.PlainText(s.Body))
	}
	for _, m := range s.Media {
		one := c.figure(m, known[m.ID], a.From)
		if item.Own && one.Waits {
			one.Waits, one.Missing = false, c.p.T("item.photo_named")
		}
		if one.Caption == text {
			one.Caption = "" // it stands below as the text
		}
		a.Figures = append(a.Figures, one)
		a.Fetching = a.Fetching || one.Waits
	}
	return nil
}

func idsOf(all []news.Media) []string {
	var ids []string
	for _, m := range all {
		if m.ID != "" && m.SHA256 != "" {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// figure shows a medium that a story names. What is known under its id counts only if it has the bytes that the story names.
func (c painter) figure(m news.Media, known media.Medium, from string) figure {
	if known.SHA256 != m.SHA256 {
		known = media.Medium{}
	}
	out := figure{
		Kind: typeName(c.p, m.Of), Caption: m.Caption, Byline: m.Byline, Credit: m.Credit, Rights: m.Rights, Icon: "photo", Size: c.sizeOf(m),
	}
	if m.Of == "" {
		out.Kind = typeName(c.p, news.Picture)
	}
	if out.Caption == "" {
		out.Caption = m.Headline
	}
	if out.Credit == out.Byline {
		out.Credit = ""
	}
	out.Width, out.Height = media.ThumbSize(m.Width, m.Height)
	switch known.State {
	case media.Here:
		out.Href = mediaPath(m.ID)
		if known.Thumb {
			out.Small = out.Href + "/small"
		}
	case media.Wanted:
		out.Icon, out.Missing, out.Waits = "clock", c.p.T("item.photo_wanted", "name", from), true
	case media.Failed:
		out.Icon, out.Missing = "warn", c.p.T("item.photo_failed", "name", from)
	default:
		out.Icon, out.Missing = "photo", c.p.T("item.photo_named")
	}
	return out
}

func mediaPath(id string) string { return "/media/" + id }

// sizeOf is the pixels and bytes of a medium, as far as they are known.
func (c painter) sizeOf(m news.Media) string {
	switch {
	case m.Size <= 0:
		return ""
	case m.Width <= 0 || m.Height <= 0:
		return c.p.Bytes(m.Size)
	}
	return c.p.T("item.media_size", "width", i18n.Plain(c.p.Digits(m.Width)), "height", i18n.Plain(c.p.Digits(m.Height)), "size", i18n.Plain(c.p.Bytes(m.Size)))
}

// photoCredits are the lines that name who made the photos of a story, each once, in the language of the story.
func photoCredits(p *i18n.Printer, s news.Story) []string {
	var out []string
	for _, m := range s.Media {
		if m.Of != news.Picture && m.Of != news.Graphic && m.Of != "" {
			continue
		}
		who := m.Byline
		if m.Credit != "" && m.Credit != who {
			who = strings.TrimPrefix(who+"/"+m.Credit, "/")
		}
		if who == "" {
			continue
		}
		if line := p.T("item.photo_credit", "credit", i18n.Plain(who)); !slices.Contains(out, line) {
			out = append(out, line)
		}
	}
	return out
}

package wire

import (
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// Limits of what comes with a form.
const (
	maxText    = maxBody + 64<<10 // bytes of all fields
	maxPhotos  = 210 << 20        // bytes of the whole form with its photos
	maxDrained = 1 << 30          // what is read at all, so that who sends too much gets an answer rather than a broken connection
	maxCount   = 30               // photos of one story
)

// photoInput is what stands in the fields of one photo.
type photoInput struct {
	ID                      string // of the medium; of one that is only named: its place in the story as it was
	Caption, Byline, Credit string
	Rights, Headline        string
	Gone                    bool // to be taken out
}

// attached is a photo of a form: its fields, and the medium with what they say.
type attached struct {
	photoInput
	medium news.Media
}

// photoLine is one photo as the form shows it.
type photoLine struct {
	photoInput
	Shown figure
	N     int // its place, from 0
}

// PhotoLimit is how much photos of one form may have together, in MB.
func (formPage) PhotoLimit() int { return maxPhotos >> 20 }

// named is the ID of a photo that a story names and that has none: the place in the story.
func named(i int) string { return "named-" + strconv.Itoa(i) }

func photosOf(all []news.Media) []attached {
	var out []attached
	for i, m := range all {
		in := photoInput{m.ID, m.Caption, m.Byline, m.Credit, m.Rights, m.Headline, false}
		if in.ID == "" {
			in.ID = named(i)
		}
		out = append(out, attached{in, m})
	}
	return out
}

// unfound are the photos of a form where nobody can say what they are.
func unfound(in input) []attached {
	var out []attached
	for _, one := range in.Photos {
		if !one.Gone {
			out = append(out, attached{photoInput: one})
		}
	}
	return out
}

func mediaOf(all []attached) []news.Media {
	var out []news.Media
	for _, a := range all {
		out = append(out, a.medium)
	}
	return out
}

// readInput reads the fields of a form and keeps the photos that came with them. A photo that cannot be kept is said and leaves
// everything else as it was typed.
func (f *Family) readInput(r *http.Request) (input, []wrong, error) {
	r.Body = http.MaxBytesReader(nil, r.Body, maxDrained)
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		r.Body = http.MaxBytesReader(nil, r.Body, maxText)
		if err := r.ParseForm(); err != nil {
			return input{}, nil, fault.New(fault.TooLarge, "item.form.too_large").Because(err)
		}
		return inputFrom(r.PostForm), nil, nil
	}
	if err != nil {
		return input{}, nil, errBadRequest(err)
	}
	sent := arrival{f: f, p: page.PrinterOf(r), values: url.Values{}, text: maxText, left: maxPhotos}
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return input{}, nil, fault.New(fault.TooLarge, "item.form.photos_large", "limit", maxPhotos>>20).Because(err)
		}
		if err := sent.take(r.Context(), part); err != nil {
			return input{}, nil, err
		}
	}
	r.PostForm = sent.values
	in := inputFrom(sent.values)
	bad := sent.bad
	in.Fresh, in.lost = len(sent.fresh), sent.lost
	if room := maxCount - len(in.Photos); len(sent.fresh) > room {
		sent.fresh = sent.fresh[:max(room, 0)]
		bad = append(bad, wrong{"photo", sent.p.T("item.form.photos_many", "n", maxCount)})
	}
	for _, a := range photosOf(sent.fresh) {
		in.Photos = append(in.Photos, a.photoInput)
	}
	return in, bad, nil
}

// arrival is a form on its way in.
type arrival struct {
	f      *Family
	p      *i18n.Printer
	values url.Values
	fresh  []news.Media
	bad    []wrong
	text   int64 // bytes that fields may still have
	left   int64 // bytes that photos may still have
	lost   error // why a photo could not be kept that nothing is wrong with
}

// take takes one field or file.
func (a *arrival) take(ctx context.Context, part *multipart.Part) error {
	if part.FileName() == "" {
		b, err := io.ReadAll(io.LimitReader(part, a.text+1))
		if err != nil {
			return errBadRequest(err)
		}
		if a.text -= int64(len(part.FormName()) + len(b)); a.text < 0 {
			return fault.New(fault.TooLarge, "item.form.too_large")
		}
		a.values.Add(part.FormName(), string(b))
		return nil
	}
	if a.lost != nil {
		a.say(part.FileName(), terms.Sentence(a.p, a.lost))
		return nil
	}
	limited := &upTo{part, a.left, false}
	m, _, err := a.f.o.Media.Add(ctx, limited)
	a.left = limited.left
	switch kind := fault.Of(err).Kind; {
	case err == nil:
		a.fresh = append(a.fresh, m)
	case limited.over:
		a.say(part.FileName(), a.p.T("item.form.photos_large", "limit", maxPhotos>>20))
	case kind == fault.Invalid || kind == fault.TooLarge:
		a.say(part.FileName(), terms.Sentence(a.p, err))
	default:
		a.lost = err
		a.say(part.FileName(), terms.Sentence(a.p, err))
	}
	return nil
}

func (a *arrival) say(name, why string) {
	a.bad = append(a.bad, wrong{"photo", a.p.T("item.form.photo_bad", "name", name, "why", i18n.Plain(why))})
}

// upTo ends with an error where its limit is passed.
type upTo struct {
	io.Reader
	left int64
	over bool
}

var errOver = errors.New("more than the form may carry")

func (u *upTo) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if u.left -= int64(n); u.left < 0 {
		u.over = true
		return 0, errOver
	}
	return n, err
}

// photoInputs reads the fields of the photos.
func photoInputs(v url.Values) []photoInput {
	at := func(name string, i int) string {
		if i < len(v[name]) {
			return strings.TrimSpace(v[name][i])
		}
		return ""
	}
	var out []photoInput
	for i, id := range v["m-id"] {
		out = append(out, photoInput{id, at("m-caption", i), at("m-byline", i), at("m-credit", i), at("m-rights", i), at("m-headline", i), slices.Contains(v["m-gone"], id)})
	}
	return out
}

// attached finds the photos that the fields name: those that the story had, and those that were added here. An id that is neither
// is left out, the same bytes are taken once, and what is to be taken out is.
func (f *Family) attached(ctx context.Context, in input, story []news.Media) ([]attached, error) {
	if !in.WithPhotos {
		return photosOf(story), nil
	}
	var ids []string
	for _, one := range in.Photos {
		ids = append(ids, one.ID)
	}
	known, err := f.o.Media.States(ctx, ids)
	if err != nil {
		return nil, err
	}
	had := map[string]news.Media{}
	for _, a := range photosOf(story) {
		had[a.ID] = a.medium
	}
	var out []attached
	for _, one := range in.Photos {
		m, old := had[one.ID]
		if k, ok := known[one.ID]; !old && ok && k.Own && k.State == media.Here {
			m = news.Media{ID: k.ID, SHA256: k.SHA256, Type: k.Type, Size: k.Size, Width: k.Width, Height: k.Height, Of: news.Picture}
		} else if !old {
			continue
		}
		twice := m.SHA256 != "" && slices.ContainsFunc(out, func(o attached) bool { return o.medium.SHA256 == m.SHA256 })
		if one.Gone || twice {
			continue
		}
		m.Caption, m.Byline, m.Credit, m.Rights, m.Headline = one.Caption, one.Byline, one.Credit, one.Rights, one.Headline
		out = append(out, attached{one, m})
	}
	return out, nil
}

// photoLines shows the photos of a form. With an error it shows their fields.
func (f *Family) photoLines(ctx context.Context, p *i18n.Printer, all []attached) ([]photoLine, error) {
	known, err := f.o.Media.States(ctx, idsOf(mediaOf(all)))
	var out []photoLine
	for i, a := range all {
		shown := figure{Icon: "photo"}
		if err == nil && a.medium != (news.Media{}) {
			shown = painter{p: p}.figure(a.medium, known[a.ID], "")
		}
		out = append(out, photoLine{a.photoInput, shown, i})
	}
	return out, err
}

package sources

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"sync"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/ingest"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// How many reports stay, and how long. So many files may come at once, so that each has its report.
const (
	maxReports = 500
	keepReport = 24 * time.Hour
)

// state says how far a file is.
type state string

const (
	waits   state = "waits"
	running state = "running"
	done    state = "done"
	stopped state = "stopped" // by trouble; what the report counts was taken
)

// upload is one file that was brought here.
type upload struct {
	ID     string
	Name   string
	By     string // the name of who brought it
	Size   int64
	Read   int64 // bytes of it that were read
	Came   time.Time
	Ended  time.Time
	State  state
	Report ingest.Report
	Why    *fault.Error // of one that was stopped
}

// shelf has the reports. They are in memory: a restart forgets them, and nothing else.
type shelf struct {
	now func() time.Time
	mu  sync.Mutex
	all []*upload // newest first
}

// tidy removes what is too old or too much. The caller holds the lock.
func (s *shelf) tidy() {
	old := s.now().Add(-keepReport)
	s.all = slices.DeleteFunc(s.all, func(u *upload) bool { return !u.Ended.IsZero() && u.Ended.Before(old) })
	for i := len(s.all) - 1; i >= 0 && len(s.all) > maxReports; i-- {
		if !s.all[i].Ended.IsZero() {
			s.all = slices.Delete(s.all, i, i+1)
		}
	}
}

func (s *shelf) add(u upload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append([]*upload{&u}, s.all...)
	s.tidy()
}

// list gives copies, newest first.
func (s *shelf) list() []upload {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tidy()
	var out []upload
	for _, u := range s.all {
		out = append(out, *u)
	}
	return out
}

func (s *shelf) find(id string) (upload, bool) {
	for _, u := range s.list() {
		if u.ID == id {
			return u, true
		}
	}
	return upload{}, false
}

// change changes an upload that may be gone.
func (s *shelf) change(id string, fn func(u *upload)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range s.all {
		if u.ID == id {
			fn(u)
		}
	}
}

// receive stores the files of a form, without their notes, and gives its fields.
func (f *Family) receive(w http.ResponseWriter, r *http.Request) (files []note, v url.Values, err error) {
	defer func() {
		if err != nil {
			f.dir.drop(files)
			files = nil
		}
	}()
	r.Body = http.MaxBytesReader(w, r.Body, ingest.MaxFile+1<<20)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, fault.New(fault.Invalid, "fault.request").Because(err)
	}
	v = url.Values{}
	many, left := false, int64(maxFields)
	for {
		part, err := parts.NextPart()
		if err == io.EOF && many {
			return files, v, fault.New(fault.TooLarge, "sources.file.many", "n", maxReports)
		}
		if err == io.EOF {
			return files, v, nil
		}
		if err != nil {
			return files, v, tooLarge(err)
		}
		if part.FileName() == "" {
			b, err := io.ReadAll(io.LimitReader(part, left+1))
			if err != nil {
				return files, v, tooLarge(err)
			}
			if left -= int64(len(part.FormName()) + len(b)); left < 0 {
				return files, v, fault.New(fault.Invalid, "page.form_unreadable")
			}
			v.Add(part.FormName(), string(b))
			continue
		}
		if len(files) == maxReports {
			many = true // the rest is read, so that the answer is seen
			continue
		}
		one, err := f.dir.take(path.Base(part.FileName()), part)
		files = append(files, one)
		var over *http.MaxBytesError
		if errors.As(err, &over) {
			err = tooLarge(err)
		}
		if err != nil {
			return files, v, err
		}
	}
}

func tooLarge(err error) error {
	return fault.New(fault.TooLarge, "ingest.file_large", "gb", ingest.MaxFile>>30).Because(err)
}

// bringIn takes files and has them read one after the other. The answer comes when they are here, not when they are read.
func (f *Family) bringIn(w http.ResponseWriter, r *http.Request) error {
	files, v, err := f.receive(w, r)
	if err != nil {
		return err
	}
	p := page.PrinterOf(r)
	if len(files) == 0 {
		return f.listWith(w, r, http.StatusUnprocessableEntity, fieldsOf(nil), "", p.T("sources.file.none"))
	}
	person, typed := page.PersonOf(r), fieldsOf(v)
	for i := range files {
		n := &files[i]
		n.Came, n.Place, n.By, n.ByName, n.From = f.o.Shell.Now(), i, person.ID, person.Name, f.o.Remote(r)
		n.Source, n.Lang, n.Service = typed.Name, news.Lang(typed.Lang), typed.Service
		if err := f.dir.promise(*n); err != nil {
			f.dir.drop(files)
			return err
		}
	}
	message := "sources.file.came"
	if !f.wait(files) {
		f.dir.drop(files)
		for _, n := range files {
			f.shelf.change(n.ID, func(u *upload) {
				u.State, u.Ended, u.Why = stopped, f.o.Shell.Now(), fault.New(fault.Unavailable, "sources.file.busy")
			})
		}
		message = "sources.file.none_came"
	}
	if len(files) > 1 {
		return f.o.Shell.Done(w, r, "/sources#files", message, "n", len(files))
	}
	return f.o.Shell.Done(w, r, "/sources/files/"+files[0].ID, "")
}

// wait puts files on the shelf and has them read later; false where too much waits already.
func (f *Family) wait(files []note) bool {
	for _, n := range files {
		f.shelf.add(n.upload())
	}
	return len(files) == 0 || f.o.Later(func(ctx context.Context) {
		for _, n := range files {
			f.read(ctx, n)
		}
	})
}

// read reads one file and writes down how it goes. If the node is stopped meanwhile, the file is read at the next start: what was
// taken by then is known.
func (f *Family) read(ctx context.Context, n note) {
	if ctx.Err() != nil {
		return
	}
	report, err := f.readFile(ctx, &n)
	if err != nil && ctx.Err() != nil {
		if n.Begun > 0 {
			n.Begun = 1
			f.dir.promise(n) // else it counts as one more time
		}
		return
	}
	err = cmp.Or(err, f.o.Note(context.WithoutCancel(ctx), n.act("sources.act_file_done", report))) // also of one that was stopped: what was taken stays
	f.dir.drop([]note{n})
	f.shelf.change(n.ID, func(u *upload) {
		u.State, u.Ended, u.Report, u.Read = done, f.o.Shell.Now(), report, u.Size
		if err != nil {
			u.State, u.Why = stopped, fault.Of(err)
		}
	})
}

func (f *Family) readFile(ctx context.Context, n *note) (ingest.Report, error) {
	if n.Begun >= maxBegun {
		return ingest.Report{}, fault.New(fault.Unavailable, "sources.file.fell", "n", maxBegun)
	}
	if n.Begun == 0 {
		if err := f.o.Note(ctx, n.act("sources.act_file", ingest.Report{})); err != nil {
			return ingest.Report{}, err
		}
	}
	n.Begun++
	if err := f.dir.promise(*n); err != nil {
		return ingest.Report{}, err
	}
	file, err := os.Open(f.dir.path(n.ID))
	if err != nil {
		return ingest.Report{}, err
	}
	defer file.Close()
	f.shelf.change(n.ID, func(u *upload) { u.State = running })
	o := n.options()
	o.Progress = func(r ingest.Report) { f.shelf.change(n.ID, func(u *upload) { u.Report = r }) }
	return f.o.Ingest.File(ctx, n.Name, counted{file, func(k int) { f.shelf.change(n.ID, func(u *upload) { u.Read += int64(k) }) }}, o)
}

// counted tells how much was read.
type counted struct {
	io.Reader
	tell func(n int)
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.tell(n)
	return n, err
}

// fileLine is a file as it is shown.
type fileLine struct {
	upload
	Href    string
	Working bool
	Percent int
	Word    string
	Size    string
	Stamp   string
	Counts  string
	Trouble string
}

func fileLineOf(b page.Base, u upload) fileLine {
	line := fileLine{upload: u, Href: "/sources/files/" + u.ID, Working: u.Ended.IsZero(), Size: b.P.Bytes(u.Size), Stamp: b.P.Moment(u.Came, b.Now), Word: b.P.T("sources.file.state." + string(u.State))}
	if u.Size > 0 {
		line.Percent = int(100 * u.Read / u.Size)
	}
	if u.State != waits {
		line.Counts = b.P.T("sources.file.counts", "taken", u.Report.Taken, "known", u.Report.Duplicates, "refused", u.Report.Refused)
	}
	if u.Why != nil {
		line.Trouble = terms.Sentence(b.P, u.Why)
	}
	return line
}

// filePage is the report of one file.
type filePage struct {
	page.Base
	File     fileLine
	Problems []problemLine
}

// problemLine is one thing that is wrong with one item.
type problemLine struct {
	Where, Name, Text string
	Refused           bool
}

func (f *Family) showFile(w http.ResponseWriter, r *http.Request) error {
	u, ok := f.shelf.find(r.PathValue("file"))
	if !ok {
		return fault.New(fault.NotFound, "sources.file.forgotten")
	}
	p := filePage{Base: f.o.Shell.Base(r, "sources", "sources.file.title", "name", u.Name)}
	p.File, p.Problems = fileLineOf(p.Base, u), problemLines(p.P, u.Report.Problems)
	return page.Render(w, r, http.StatusOK, f.file, p)
}

// problemLines says what is wrong with items, what was refused first.
func problemLines(p *i18n.Printer, all []ingest.ItemProblem) []problemLine {
	var lines []problemLine
	for _, x := range all {
		lines = append(lines, problemLine{x.Where, x.Name, say(p, x.Key, x.Args), x.Fatal})
	}
	slices.SortStableFunc(lines, func(a, b problemLine) int {
		switch {
		case a.Refused == b.Refused:
			return 0
		case a.Refused:
			return -1
		}
		return 1
	})
	return lines
}

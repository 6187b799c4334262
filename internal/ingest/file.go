package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/formats/feed"
	"newspool/internal/formats/ninjs"
	"newspool/internal/formats/photo"
	"newspool/internal/news"
)

// MaxFile is how much of one file is read, unpacked; what comes after it is fault.TooLarge.
const MaxFile = 2 << 30

// File takes in one file or stream: ninjs (lines, an array, single objects), other JSON by a mapping, a feed; plain or
// gzip; or a photo. The name is for the report and helps to find the format; it may be empty.
//
// Faults: ingest.format_unknown, ingest.gzip, ingest.feed_bad … (Invalid, TooLarge) when nothing, or nothing more, can be read, trouble of the
// desk (Unavailable, Internal), and the end of ctx. The report counts what was done before.
func (s *Service) File(ctx context.Context, name string, r io.Reader, o ItemOptions) (Report, error) {
	in := bufio.NewReaderSize(r, 4096)
	report, err := s.run(ctx, o, nil, func(to *intake) error {
		if head, _ := in.Peek(photo.Head); s.photos != nil && photo.Known(head) {
			return to.photo(name, in)
		}
		return produce(ctx, name, in, to)
	})
	report.Files = 1
	if err == nil && report.Taken+report.Duplicates+report.Refused == 0 {
		report.note(ItemProblem{Where: path.Base(name), Key: "ingest.file_empty"})
	}
	return report, err
}

// produce finds the format and the items.
func produce(ctx context.Context, name string, r io.Reader, to *intake) error {
	in, err := ninjs.Unzip(ending{ctx, r}, MaxFile)
	if err != nil {
		return err
	}
	at := func(n int) string { return fmt.Sprintf("%s:%d", path.Base(name), n) }
	if name == "" {
		at = func(n int) string { return fmt.Sprintf(":%d", n) }
	}
	head, err := in.Peek(2048)
	if err != nil && err != io.EOF && len(head) == 0 {
		return err
	}
	switch kindOf(name, head) {
	case "json":
		read := ninjs.ReadLines
		if to.o.Mapping != nil {
			read = to.o.Mapping.ReadLines
		}
		last, nth := 0, 0
		return read(in, func(line int, d news.Draft, err error) error {
			if nth++; line != last {
				last, nth = line, 1
			}
			where := at(line)
			if nth > 1 {
				where += fmt.Sprintf("#%d", nth)
			}
			return to.give(where, d, err)
		})
	case "feed":
		b, err := io.ReadAll(io.LimitReader(in, feed.MaxFeed+1))
		if err != nil {
			return err
		}
		f, err := feed.Parse(b)
		if err != nil {
			return err
		}
		to.warn(path.Base(name), f.Problems)
		return to.feed(f, at)
	case "empty":
		return nil
	case "utf-16":
		return fault.New(fault.Invalid, "ingest.json_utf8")
	}
	return fault.New(fault.Invalid, "ingest.format_unknown", "name", path.Base(name))
}

// feed hands on the items of a feed, oldest first: feeds begin with the newest.
func (in *intake) feed(f feed.Feed, at func(n int) string) error {
	for i := len(f.Items) - 1; i >= 0; i-- {
		if err := in.give(at(i+1), f.Items[i], nil); err != nil {
			return err
		}
	}
	return nil
}

// kindOf finds the format by the content, and by the name where the content does not tell.
func kindOf(name string, head []byte) string {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(text) == 0:
		return "empty"
	case bytes.Contains(text, []byte("jsonfeed.org/version/")):
		return "feed"
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")), len(text) > 1 && (text[0] == 0) != (text[1] == 0):
		return "utf-16"
	case text[0] == '{' || text[0] == '[':
		return "json"
	case text[0] == '<':
		return "feed"
	}
	switch wanted(name) {
	case "json", "feed":
		return wanted(name)
	}
	return ""
}

// wanted says what a name promises; "" for files that are passed over in a folder.
func wanted(name string) string {
	name = strings.TrimSuffix(strings.ToLower(name), ".gz")
	switch path.Ext(name) {
	case ".json", ".jsonl", ".ndjson", ".ninjs":
		return "json"
	case ".xml", ".rss", ".atom":
		return "feed"
	case ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif":
		return "photo"
	}
	return ""
}

// ending ends with its context.
type ending struct {
	ctx context.Context
	io.Reader
}

func (e ending) Read(p []byte) (int, error) {
	if err := e.ctx.Err(); err != nil {
		return 0, err
	}
	return e.Reader.Read(p)
}

// Folder takes in all files below a folder that have an ending of a format (.json, .jsonl, .ndjson, .ninjs, .xml, .rss,
// .atom, each also with .gz; photos), in the order of their names. A file that cannot be read is a problem of the report and stops
// no other; files with other endings are named in a warning; the error is trouble of the desk, or the end of ctx.
func (s *Service) Folder(ctx context.Context, dir fs.FS, o ItemOptions) (Report, error) {
	var whole Report
	each := o
	var passed []string
	err := fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err != nil {
			whole.bad(name, fault.New(fault.Unavailable, "ingest.file_unreadable", "name", name).Because(err))
			return nil
		}
		if e.IsDir() {
			return nil
		}
		if wanted(name) == "" || !e.Type().IsRegular() {
			passed = append(passed, name)
			return nil
		}
		if o.Progress != nil {
			each.Progress = func(part Report) {
				sum := whole
				sum.Problems = append([]ItemProblem(nil), whole.Problems...)
				sum.add(part)
				o.Progress(sum)
			}
		}
		return s.fileOf(ctx, dir, name, each, &whole)
	})
	if whole.Passed = len(passed); whole.Passed > 0 {
		names := strings.Join(passed[:min(len(passed), maxNamed)], ", ")
		if len(passed) > maxNamed {
			names += " …"
		}
		whole.note(ItemProblem{Key: "ingest.passed", Args: map[string]any{"n": len(passed), "names": names}})
	}
	return whole, err
}

// maxNamed is how many files are named that were passed over.
const maxNamed = 20

// fileOf takes in one file of a folder. Its error ends the walk.
func (s *Service) fileOf(ctx context.Context, dir fs.FS, name string, o ItemOptions, whole *Report) error {
	f, err := dir.Open(name)
	if err != nil {
		whole.bad(name, fault.New(fault.Unavailable, "ingest.file_unreadable", "name", name).Because(err))
		return nil
	}
	defer f.Close()
	part, err := s.File(ctx, name, f, o)
	whole.add(part)
	switch {
	case err == nil:
		return nil
	case refusal(err):
		whole.bad(name, fault.Of(err))
		return nil
	}
	var ours *fault.Error // trouble of the desk, or of the disk on which photos are kept: its cause may be a path too
	var broken *fs.PathError
	if !errors.As(err, &ours) && errors.As(err, &broken) {
		whole.bad(name, fault.New(fault.Unavailable, "ingest.file_unreadable", "name", name).Because(err))
		return nil
	}
	return err
}

// bad notes a file of which nothing, or nothing more, can be read.
func (r *Report) bad(name string, f *fault.Error) {
	r.note(ItemProblem{Where: name, Key: f.Key, Args: f.Args, Fatal: true})
}

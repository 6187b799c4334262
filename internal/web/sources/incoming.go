package sources

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"newspool/internal/ingest"
	"newspool/internal/news"
	"newspool/internal/people"
)

// incoming is the folder in which files wait until they were read. Beside each lies a note of what must be known to read it; the
// note is written last and removed first: a file without one was promised to nobody, or was read.
type incoming string

// note says what a file is and who brought it.
type note struct {
	ID      string // the name in the folder, and that of the report
	Name    string // that its owner gave it
	Size    int64
	Came    time.Time
	Place   int // among those that came with it
	By      news.PersonID
	ByName  string
	From    string // address
	Source  string
	Lang    news.Lang
	Service string
	Begun   int // how often reading it was begun; 1 after the node was stopped in an orderly way
}

// maxBegun is how often a file is begun: one over which the node falls each time must not keep it from working.
const maxBegun = 3

const (
	noteEnding  = ".json"
	draftEnding = ".new"
)

func (n note) options() ingest.ItemOptions {
	return ingest.ItemOptions{Source: n.Source, By: n.By, Lang: n.Lang, Service: n.Service}
}

func (n note) upload() upload {
	return upload{ID: n.ID, Name: n.Name, By: n.ByName, Size: n.Size, Came: n.Came, State: waits}
}

func (n note) act(key string, report ingest.Report) people.Act {
	a := people.Act{Who: n.By, What: key, From: n.From, Detail: map[string]any{"name": n.Name}}
	if key == "sources.act_file_done" {
		a.Detail["taken"], a.Detail["known"], a.Detail["refused"] = report.Taken, report.Duplicates, report.Refused
	}
	return a
}

func (in incoming) path(id string) string { return filepath.Join(string(in), id) }

// take writes what comes into a new file, which has no note yet.
func (in incoming) take(name string, from io.Reader) (note, error) {
	n := note{ID: rand.Text(), Name: name}
	size, err := write(in.path(n.ID), from)
	n.Size = size
	return n, err
}

// write makes a file of what comes.
func write(path string, from io.Reader) (int64, error) {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(out, from)
	return n, errors.Join(err, out.Close())
}

// promise writes the note of a file, or writes it anew. Both are durable when it returns nil.
func (in incoming) promise(n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := in.path(n.ID) + noteEnding
	_, err = write(path+draftEnding, strings.NewReader(string(text)))
	err = cmp.Or(err, synced(in.path(n.ID)), synced(path+draftEnding))
	if err == nil {
		err = os.Rename(path+draftEnding, path)
	}
	if err != nil {
		return errors.Join(err, gone(path+draftEnding))
	}
	return synced(string(in))
}

// synced brings a file, or the names in a folder, to the disk.
func synced(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// drop removes files with their notes. What cannot be removed is tried again at the next start.
func (in incoming) drop(files []note) {
	for _, n := range files {
		if gone(in.path(n.ID)+noteEnding) == nil {
			gone(in.path(n.ID))
		}
	}
}

func gone(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// left makes the folder where there is none, gives what waits in it in the order in which it came, and removes the rest. A note that cannot be
// read stays, with its file.
func (in incoming) left() ([]note, error) {
	if err := os.MkdirAll(string(in), 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(string(in))
	if err != nil {
		return nil, err
	}
	var all []note
	noted := map[string]bool{}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), noteEnding)
		if !ok {
			continue
		}
		noted[id], noted[e.Name()] = true, true
		text, err := os.ReadFile(in.path(e.Name()))
		if err != nil {
			return nil, err
		}
		var n note
		if json.Unmarshal(text, &n) == nil && n.ID == id {
			all = append(all, n)
		}
	}
	for _, e := range entries {
		if !noted[e.Name()] {
			if err := os.RemoveAll(in.path(e.Name())); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(all, func(a, b note) int { return cmp.Or(a.Came.Compare(b.Came), a.Place-b.Place) })
	return all, nil
}

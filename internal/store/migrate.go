package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"

	"newspool/internal/clock"
)

// step is one file of a migration.
type step struct {
	pkg, name string
	number    int64
	sql, sum  string
}

var stepName = regexp.MustCompile(`^([0-9]{4})_[a-z0-9_]+(?:\.(sqlite|postgres))?\.sql$`)

const (
	createMigrations = `CREATE TABLE IF NOT EXISTS schema_migration (
	package TEXT NOT NULL,
	number BIGINT NOT NULL,
	name TEXT NOT NULL,
	checksum TEXT NOT NULL,
	applied_us BIGINT NOT NULL,
	PRIMARY KEY (package, number)
)`
	selectMigrations = `SELECT package, number, checksum FROM schema_migration`
	insertMigration  = `INSERT INTO schema_migration (package, number, name, checksum, applied_us) VALUES ($1, $2, $3, $4, $5)`
)

// migrate brings the schema up to date, one transaction for each step.
func migrate(back backend, engine Engine, o Options) error {
	steps, err := steps(engine, o.Migrations)
	if err != nil {
		return err
	}
	create, err := dialect(engine, createMigrations)
	if err != nil {
		return err
	}
	var have map[string]map[int64]string
	if err := inside(back, func(r *reader) (err error) {
		if _, err = r.exec(script, create, nil); err != nil {
			return err
		}
		have, err = applied(r)
		return err
	}); err != nil {
		return err
	}
	if err := compare(have, steps, o.Migrations); err != nil {
		return err
	}
	for _, s := range steps {
		if have[s.pkg][s.number] != "" {
			continue
		}
		if err := apply(back, s, o.Clock); err != nil {
			return fmt.Errorf("migration %s/%s: %w", s.pkg, s.name, err)
		}
	}
	return nil
}

// apply does one step, unless another instance has done it meanwhile.
func apply(back backend, s step, now clock.Clock) error {
	return inside(back, func(r *reader) error {
		have, err := applied(r)
		if err != nil || have[s.pkg][s.number] != "" {
			return err
		}
		if _, err := r.exec(script, s.sql, nil); err != nil {
			return err
		}
		_, err = r.exec(later, insertMigration, []any{s.pkg, s.number, s.name, s.sum, clock.Micros(now())})
		return err
	})
}

// inside runs fn in a transaction of the writer, before there is a writer.
func inside(back backend, fn func(r *reader) error) error {
	s, err := back.begin()
	if err != nil {
		return explain(err)
	}
	r := &reader{ctx: context.Background(), s: s, fault: func(string) error { return nil }}
	if err := fn(r); err != nil {
		_ = s.end(false)
		return err
	}
	if err := s.end(true); err != nil {
		_ = s.end(false)
		return explain(err)
	}
	return nil
}

func applied(r *reader) (map[string]map[int64]string, error) {
	rows, err := r.Query(selectMigrations)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := make(map[string]map[int64]string)
	for rows.Next() {
		var pkg, sum string
		var number int64
		if err := rows.Scan(&pkg, &number, &sum); err != nil {
			return nil, err
		}
		if have[pkg] == nil {
			have[pkg] = make(map[int64]string)
		}
		have[pkg][number] = sum
	}
	return have, rows.Err()
}

// compare refuses a database that has what we do not know, or that was made from other files.
func compare(have map[string]map[int64]string, steps []step, all []Migration) error {
	known := make(map[string]map[int64]string)
	for _, m := range all {
		known[m.Package] = make(map[int64]string)
	}
	for _, s := range steps {
		known[s.pkg][s.number] = s.sum
	}
	for pkg, numbers := range have {
		for number, sum := range numbers {
			switch want := known[pkg][number]; want {
			case sum:
			case "":
				return fmt.Errorf("%w: %s/%04d", ErrNewerSchema, pkg, number)
			default:
				return fmt.Errorf("store: migration %s/%04d is not the one that made this database", pkg, number)
			}
		}
	}
	return nil
}

// steps reads the files for an engine, in order. Numbers begin at 1 and leave nothing out.
func steps(engine Engine, all []Migration) ([]step, error) {
	var list []step
	seen := make(map[string]bool)
	for _, m := range all {
		if seen[m.Package] {
			return nil, fmt.Errorf("store: two series of migrations for %s", m.Package)
		}
		seen[m.Package] = true
		own, err := series(engine, m)
		if err != nil {
			return nil, fmt.Errorf("store: migrations of %s: %w", m.Package, err)
		}
		list = append(list, own...)
	}
	return list, nil
}

func series(engine Engine, m Migration) ([]step, error) {
	if m.Files == nil {
		return nil, nil
	}
	var list []step
	err := fs.WalkDir(m.Files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		parts := stepName.FindStringSubmatch(d.Name())
		if parts == nil {
			return fmt.Errorf("%s is no name of a migration", path)
		}
		if parts[2] != "" && Engine(parts[2]) != engine {
			return nil
		}
		text, err := fs.ReadFile(m.Files, path)
		if err != nil {
			return err
		}
		s := step{pkg: m.Package, name: d.Name(), sql: string(text)}
		sum := sha256.Sum256(text)
		s.sum = hex.EncodeToString(sum[:])
		if s.number, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
			return err
		}
		if parts[2] == "" {
			if s.sql, err = dialect(engine, s.sql); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		list = append(list, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b step) int { return int(a.number - b.number) })
	for i, s := range list {
		if s.number != int64(i+1) {
			return nil, fmt.Errorf("%s is number %d of its series", s.name, i+1)
		}
	}
	return list, nil
}

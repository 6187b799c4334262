package people

import (
	"context"
	"crypto/subtle"

	"newspool/internal/fault"
	"newspool/internal/store"
)

// NeedsSetup reports whether nobody has an account yet.
func (s *Service) NeedsSetup(ctx context.Context) (bool, error) {
	needs := false
	err := s.db.Read(ctx, func(r store.Reader) (err error) {
		needs, err = empty(r)
		return err
	})
	return needs, err
}

func empty(r store.Reader) (bool, error) {
	var n int64
	err := r.QueryRow(sqlAnybody).Scan(&n)
	return n == 0, err
}

// SetupCode makes the code with which the first person is made, and takes back the one before. It is for the console of the
// machine: whoever reads it there may take the node over. It is "" as soon as somebody has an account.
func (s *Service) SetupCode(ctx context.Context) (string, error) {
	code := ""
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		code = ""
		first, err := empty(tx)
		if err != nil || !first {
			return err
		}
		code = groups(random(10), 4)
		return tx.Exec(sqlCodeSet, hashOf(codeForm(code)))
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// CreateFirst makes the first person, with all roles, and signs them in. The code is used up. A wrong code is Denied
// ("people.setup_code"), and limited like sign-ins from that address; when somebody has an account already it is a Conflict.
func (s *Service) CreateFirst(ctx context.Context, code string, n NewPerson, remote, agent string) (Session, error) {
	giveBack, err := s.limits.try("", remote, s.clock())
	if err != nil {
		return Session{}, err
	}
	if err := s.db.Read(ctx, func(r store.Reader) error { return checkCode(r, code) }); err != nil {
		return Session{}, err
	}
	giveBack()
	n.Roles = Roles[:]
	p, hash, err := s.prepare(ctx, n)
	if err != nil {
		return Session{}, err
	}
	var session Session
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := checkCode(tx, code); err != nil {
			return err
		}
		if err := tx.Exec(sqlCodeEnd); err != nil {
			return err
		}
		if err := s.insert(tx, By{Person: p, Remote: clip(remote, 80)}, p, hash); err != nil {
			return err
		}
		session, err = s.open(tx, p, remote, agent)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

func checkCode(r store.Reader, code string) error {
	first, err := empty(r)
	if err != nil {
		return err
	}
	if !first {
		return fault.New(fault.Conflict, "people.setup_over")
	}
	var want []byte
	err = r.QueryRow(sqlCodeRead).Scan(&want)
	if err != nil && !noRows(err) {
		return err
	}
	if subtle.ConstantTimeCompare(hashOf(codeForm(code)), want) != 1 {
		return fault.New(fault.Denied, "people.setup_code")
	}
	return nil
}

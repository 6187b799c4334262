package people

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "people", Files: migrations}
}

// Options are what a Service needs besides the database.
type Options struct {
	Clock clock.Clock  // nil: the clock of the machine
	Log   *slog.Logger // nil: nothing is logged
}

// Service knows the people of one node. It is safe for concurrent use.
type Service struct {
	db     *store.DB
	clock  clock.Clock
	log    *slog.Logger
	hasher *hasher
	limits *limits
	seen   *cache
}

// New makes the service over a database that has its tables.
func New(db *store.DB, o Options) *Service { return newService(db, o, defaultCost()) }

func newService(db *store.DB, o Options, c cost) *Service {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{db: db, clock: o.Clock, log: o.Log, hasher: newHasher(c), limits: newLimits(), seen: newCache()}
}

// NewPerson is what an account is made from.
type NewPerson struct {
	Login    string
	Name     string
	Language news.Lang // "": what the browser asks for
	Roles    []Role
	Password string
}

// newID is a UUIDv7: ids in order of making.
func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}

// prepare brings a new person into the stored form. It hashes, so it is called outside of transactions.
func (s *Service) prepare(ctx context.Context, n NewPerson) (p Person, hash string, err error) {
	if p.Login, err = loginForm(n.Login); err != nil {
		return p, "", err
	}
	if p.Name, err = nameForm(n.Name); err != nil {
		return p, "", err
	}
	if p.Roles, err = rolesForm(n.Roles); err != nil {
		return p, "", err
	}
	p.Language = n.Language
	if err = p.Preferences.check(); err != nil {
		return p, "", err
	}
	if err = checkPassword(p.Login, n.Password); err != nil {
		return p, "", err
	}
	if hash, err = s.hasher.hash(ctx, n.Password); err != nil {
		return p, "", err
	}
	id, err := newID()
	p.ID, p.Made = news.PersonID(id), s.clock()
	return p, hash, err
}

// Create makes an account. Administrators and the operator may. A login that is taken is a Conflict.
func (s *Service) Create(ctx context.Context, by By, n NewPerson) (Person, error) {
	if err := by.administer(); err != nil {
		return Person{}, err
	}
	p, hash, err := s.prepare(ctx, n)
	if err != nil {
		return Person{}, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error { return s.insert(tx, by, p, hash) })
	if err != nil {
		return Person{}, err
	}
	return p, nil
}

func (s *Service) insert(tx *store.Tx, by By, p Person, hash string) error {
	if err := insertPerson(tx, p, hash); err != nil {
		return err
	}
	return s.Audit(tx, by.act("people.act_create", p.ID, map[string]any{"name": p.Name, "new_roles": joinRoles(p.Roles)}))
}

// Change is what Update changes; nil leaves a thing as it is.
type Change struct {
	Login *string
	Name  *string
}

// Update changes login and name of an account. Administrators and the operator may; a person may change their own name.
func (s *Service) Update(ctx context.Context, by By, id news.PersonID, c Change) error {
	own := by.Person.ID != "" && by.Person.ID == id && !by.Person.Disabled && c.Login == nil
	if err := by.administer(); err != nil && !own {
		return err
	}
	return s.change(ctx, id, func(tx *store.Tx, p *Person) (err error) {
		detail := map[string]any{"old_name": p.Name}
		if c.Login != nil {
			if p.Login, err = loginForm(*c.Login); err != nil {
				return err
			}
			if err := loginFree(tx, p.Login, p.ID); err != nil {
				return err
			}
		}
		if c.Name != nil {
			if p.Name, err = nameForm(*c.Name); err != nil {
				return err
			}
		}
		detail["name"] = p.Name
		return s.Audit(tx, by.act("people.act_update", id, detail))
	})
}

// SetRoles gives a person exactly these roles and ends their sessions, so that what they hold is what they signed in with.
// Administrators and the operator may. The last administrator keeps the role.
func (s *Service) SetRoles(ctx context.Context, by By, id news.PersonID, roles []Role) error {
	if err := by.administer(); err != nil {
		return err
	}
	list, err := rolesForm(roles)
	if err != nil {
		return err
	}
	return s.change(ctx, id, func(tx *store.Tx, p *Person) error {
		if joinRoles(list) == joinRoles(p.Roles) {
			return nil
		}
		detail := map[string]any{"name": p.Name, "old_roles": joinRoles(p.Roles), "new_roles": joinRoles(list)}
		was := *p
		p.Roles = list
		if err := keepsAdministrator(tx, was, *p); err != nil {
			return err
		}
		if err := endSessions(tx, id, ""); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_roles", id, detail))
	})
}

// Disable closes an account: its sessions end, its tokens are refused, nobody signs in with it. What the person did stays
// under their name. Administrators and the operator may. The last administrator cannot be disabled.
func (s *Service) Disable(ctx context.Context, by By, id news.PersonID) error {
	return s.setDisabled(ctx, by, id, true, "people.act_disable")
}

// Enable opens an account again. Sessions do not come back; tokens do.
func (s *Service) Enable(ctx context.Context, by By, id news.PersonID) error {
	return s.setDisabled(ctx, by, id, false, "people.act_enable")
}

func (s *Service) setDisabled(ctx context.Context, by By, id news.PersonID, disabled bool, what string) error {
	if err := by.administer(); err != nil {
		return err
	}
	return s.change(ctx, id, func(tx *store.Tx, p *Person) error {
		if p.Disabled == disabled {
			return nil
		}
		was := *p
		p.Disabled = disabled
		if err := keepsAdministrator(tx, was, *p); err != nil {
			return err
		}
		if err := endSessions(tx, id, ""); err != nil {
			return err
		}
		return s.Audit(tx, by.act(what, id, map[string]any{"name": p.Name}))
	})
}

// SetPassword gives a person a new password and ends their sessions. Administrators and the operator may; for one's own there
// is ChangePassword.
func (s *Service) SetPassword(ctx context.Context, by By, id news.PersonID, password string) error {
	if err := by.administer(); err != nil {
		return err
	}
	p, err := s.Person(ctx, id)
	if err != nil {
		return err
	}
	if err := checkPassword(p.Login, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, id, func(tx *store.Tx, p *Person) error {
		if err := storePassword(tx, id, hash); err != nil {
			return err
		}
		if err := endSessions(tx, id, ""); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_password_set", id, map[string]any{"name": p.Name}))
	})
}

// ChangePassword changes one's own password. It asks for the present one, counts a wrong one like a failed sign-in, and ends
// all other sessions of the person. Renew the one that is left.
func (s *Service) ChangePassword(ctx context.Context, by By, present, password string) error {
	p := by.Person
	if p.ID == "" || p.Disabled {
		return fault.New(fault.Denied, "people.signin_needed")
	}
	giveBack, err := s.limits.try(p.Login, by.Remote, s.clock())
	if err != nil {
		return err
	}
	var stored string
	err = s.db.Read(ctx, func(r store.Reader) error {
		_, stored, err = personByID(r, p.ID)
		return err
	})
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.verify(ctx, present, stored)
	if err != nil {
		return err
	}
	if !ok {
		return fault.New(fault.Denied, "people.password_wrong")
	}
	giveBack()
	if err := checkPassword(p.Login, password); err != nil {
		return err
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.change(ctx, p.ID, func(tx *store.Tx, p *Person) error {
		if err := storePassword(tx, p.ID, hash); err != nil {
			return err
		}
		if err := endSessions(tx, p.ID, by.Person.Session); err != nil {
			return err
		}
		return s.Audit(tx, by.act("people.act_password_change", p.ID, nil))
	})
}

// SetPreferences keeps what a person chose for their own pages: choose changes what they chose before.
func (s *Service) SetPreferences(ctx context.Context, id news.PersonID, choose func(*Preferences) error) error {
	return s.change(ctx, id, func(_ *store.Tx, p *Person) error {
		if err := choose(&p.Preferences); err != nil {
			return err
		}
		return p.Preferences.check()
	})
}

// change reads a person, lets fn change them, and stores them. What is remembered of them is forgotten when it is durable.
func (s *Service) change(ctx context.Context, id news.PersonID, fn func(*store.Tx, *Person) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		p, _, err := personByID(tx, id)
		if err != nil {
			return err
		}
		if err := fn(tx, &p); err != nil {
			return err
		}
		tx.OnCommit(func() { s.seen.forget(id) })
		return updatePerson(tx, p)
	})
}

// keepsAdministrator refuses to leave the node without anybody who administers it.
func keepsAdministrator(tx *store.Tx, was, will Person) error {
	if !was.Has(Administrator) || will.Has(Administrator) {
		return nil
	}
	list, err := allPeople(tx)
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.ID != was.ID && p.Has(Administrator) {
			return nil
		}
	}
	return fault.New(fault.Conflict, "people.last_administrator")
}

// Person gives one account.
func (s *Service) Person(ctx context.Context, id news.PersonID) (Person, error) {
	var p Person
	err := s.db.Read(ctx, func(r store.Reader) (err error) {
		p, _, err = personByID(r, id)
		return err
	})
	return p, err
}

// People gives all accounts by name, the disabled ones last.
func (s *Service) People(ctx context.Context) ([]Person, error) {
	var list []Person
	err := s.db.Read(ctx, func(r store.Reader) (err error) {
		list, err = allPeople(r)
		return err
	})
	return list, err
}

// notFound is the answer to an id that is not there, or not yours.
func notFound() error { return fault.New(fault.NotFound, "people.not_found") }

// since is a time before now, in the stored form.
func (s *Service) since(d time.Duration) int64 { return clock.Micros(s.clock().Add(-d)) }

func noRows(err error) bool { return errors.Is(err, store.ErrNoRows) }

package people

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

const (
	columns = `id, login, name, roles, disabled, preferences, made_us, signed_us`

	sqlPersonByID    = `SELECT ` + columns + `, password FROM person WHERE id = $1`
	sqlPersonByLogin = `SELECT ` + columns + `, password FROM person WHERE login = $1`
	sqlPeople        = `SELECT ` + columns + `, '' FROM person`
	sqlLoginTaken    = `SELECT id FROM person WHERE login = $1 AND id <> $2`
	sqlAnybody       = `SELECT COUNT(*) FROM person`
	sqlPersonAdd     = `INSERT INTO person (id, login, name, roles, disabled, password, preferences, made_us, signed_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`
	sqlPersonSet     = `UPDATE person SET login = $2, name = $3, roles = $4, disabled = $5, preferences = $6 WHERE id = $1`
	sqlPasswordSet   = `UPDATE person SET password = $2 WHERE id = $1`
	sqlSigned        = `UPDATE person SET signed_us = $2 WHERE id = $1`

	sqlSessionAdd   = `INSERT INTO session (id, hash, person, made_us, seen_us, expires_us, remote, agent) VALUES ($1, $2, $3, $4, $4, $5, $6, $7)`
	sqlSessionRead  = `SELECT id, person, seen_us, expires_us FROM session WHERE hash = $1`
	sqlSessionSeen  = `UPDATE session SET seen_us = $2 WHERE id = $1 AND seen_us < $2`
	sqlSessionRenew = `UPDATE session SET hash = $2, remote = $3, agent = $4 WHERE id = $1`
	sqlSessionList  = `SELECT id, person, made_us, seen_us, expires_us, remote, agent FROM session WHERE person = $1 AND expires_us > $2 AND seen_us > $3 ORDER BY seen_us DESC, id`
	sqlSessionOwner = `SELECT person FROM session WHERE id = $1`
	sqlSessionEnd   = `DELETE FROM session WHERE id = $1`
	sqlSessionsEnd  = `DELETE FROM session WHERE person = $1 AND id <> $2`
	sqlSessionsOld  = `DELETE FROM session WHERE expires_us <= $1 OR seen_us <= $2`

	sqlTokenAdd   = `INSERT INTO api_token (id, hash, person, name, scope, made_us, used_us) VALUES ($1, $2, $3, $4, $5, $6, 0)`
	sqlTokenRead  = `SELECT id, person, name, scope, made_us, used_us FROM api_token WHERE hash = $1`
	sqlTokenUsed  = `UPDATE api_token SET used_us = $2 WHERE id = $1 AND used_us < $2`
	sqlTokenList  = `SELECT id, person, name, scope, made_us, used_us FROM api_token WHERE person = $1 ORDER BY id`
	sqlTokenOwner = `SELECT person, name FROM api_token WHERE id = $1`
	sqlTokenEnd   = `DELETE FROM api_token WHERE id = $1`

	sqlCodeSet  = `INSERT INTO setup_code (id, hash) VALUES ('first', $1) ON CONFLICT (id) DO UPDATE SET hash = excluded.hash`
	sqlCodeRead = `SELECT hash FROM setup_code WHERE id = 'first'`
	sqlCodeEnd  = `DELETE FROM setup_code`
)

// scanner is a row that can be read once.
type scanner interface{ Scan(dest ...any) error }

func scanPerson(row scanner) (p Person, password string, err error) {
	var roles, preferences string
	var made, signed int64
	err = row.Scan(&p.ID, &p.Login, &p.Name, &roles, &p.Disabled, &preferences, &made, &signed, &password)
	if noRows(err) {
		return p, "", notFound()
	}
	if err != nil {
		return p, "", err
	}
	p.Roles, p.Made, p.Signed = splitRoles(roles), clock.FromMicros(made), clock.FromMicros(signed)
	return p, password, json.Unmarshal([]byte(preferences), &p.Preferences)
}

func personByID(r store.Reader, id news.PersonID) (Person, string, error) {
	return scanPerson(r.QueryRow(sqlPersonByID, id))
}

func personByLogin(r store.Reader, login string) (Person, string, error) {
	return scanPerson(r.QueryRow(sqlPersonByLogin, login))
}

func allPeople(r store.Reader) ([]Person, error) {
	rows, err := r.Query(sqlPeople)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Person
	for rows.Next() {
		p, _, err := scanPerson(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b Person) int {
		if a.Disabled != b.Disabled {
			if a.Disabled {
				return 1
			}
			return -1
		}
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.Login, b.Login))
	})
	return list, rows.Err()
}

// loginFree refuses a login that somebody else has.
func loginFree(r store.Reader, login string, id news.PersonID) error {
	var other string
	err := r.QueryRow(sqlLoginTaken, login, id).Scan(&other)
	if err == nil {
		return fault.New(fault.Conflict, "people.login_taken", "login", login)
	}
	if noRows(err) {
		return nil
	}
	return err
}

func insertPerson(tx *store.Tx, p Person, hash string) error {
	if err := loginFree(tx, p.Login, p.ID); err != nil {
		return err
	}
	preferences, err := json.Marshal(p.Preferences)
	if err != nil {
		return err
	}
	return tx.Exec(sqlPersonAdd, p.ID, p.Login, p.Name, joinRoles(p.Roles), p.Disabled, hash, string(preferences), clock.Micros(p.Made))
}

func updatePerson(tx *store.Tx, p Person) error {
	preferences, err := json.Marshal(p.Preferences)
	if err != nil {
		return err
	}
	return tx.ExecOne(sqlPersonSet, p.ID, p.Login, p.Name, joinRoles(p.Roles), p.Disabled, string(preferences))
}

func storePassword(tx *store.Tx, id news.PersonID, hash string) error {
	return tx.ExecOne(sqlPasswordSet, id, hash)
}

// endSessions ends the sessions of a person, all but one.
func endSessions(tx *store.Tx, id news.PersonID, but SessionID) error {
	return tx.Exec(sqlSessionsEnd, id, but)
}

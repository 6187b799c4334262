//go:build !unix

package storetest

import (
	"errors"
	"syscall"
)

// account is for Unix only: elsewhere tests use SQLite.
func account(string) (*syscall.SysProcAttr, error) {
	return nil, errors.New("PostgreSQL is started for tests on Unix only")
}

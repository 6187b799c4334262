//go:build !unix

package store

import "errors"

// LockFolder is not available on this system.
func LockFolder(string) (unlock func(), err error) {
	return nil, errors.New("store: folders cannot be locked on this system")
}

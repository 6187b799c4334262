//go:build !unix

package folder

import "errors"

// Lock is not available on this system.
func Lock(string) (unlock func(), err error) {
	return nil, errors.New("folders cannot be locked on this system")
}

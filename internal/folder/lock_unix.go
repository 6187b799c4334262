//go:build unix

package folder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"newspool/internal/fault"
)

// Lock takes the data folder for this process, by a lock on the file "lock" in it that the system gives up with the
// process, however it ends. A folder that another process holds is ErrInUse. unlock may be called once.
func Lock(dir string) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.New(fault.Unavailable, "fault.disk").Because(err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
		}
		return nil, fault.New(fault.Unavailable, "fault.disk").Because(err)
	}
	return func() { _ = f.Close() }, nil
}

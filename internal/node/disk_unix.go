//go:build linux || darwin || freebsd

package node

import "syscall"

// disk is the free and the whole space in bytes where a folder lies; false where the system does not say.
func disk(dir string) (free, total int64, known bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, false
	}
	return int64(fs.Bavail) * int64(fs.Bsize), int64(fs.Blocks) * int64(fs.Bsize), true
}

//go:build !(linux || darwin || freebsd)

package node

// disk is not known here.
func disk(string) (free, total int64, known bool) { return 0, 0, false }

//go:build !unix

package cli_test

import (
	"os"
	"syscall"
)

// ownGroup is for Unix only.
func ownGroup() *syscall.SysProcAttr { return nil }

// interrupt ends the program: it cannot be interrupted here.
func interrupt(pid int) {
	if p, err := os.FindProcess(pid); err == nil {
		p.Kill()
	}
}

//go:build unix

package cli_test

import "syscall"

// ownGroup gives a program a process group of its own: «go run» starts another one.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// interrupt does what Ctrl-C does: it tells the whole group.
func interrupt(pid int) { syscall.Kill(-pid, syscall.SIGINT) }

package store

import "syscall"

// tcpUserTimeout is the option TCP_USER_TIMEOUT of Linux: how long what was sent may stay unacknowledged.
const tcpUserTimeout = 18

func userTimeout(network, _ string, c syscall.RawConn) error {
	if network == "unix" {
		return nil
	}
	var err error
	if e := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, 30_000)
	}); e != nil {
		return e
	}
	return err
}

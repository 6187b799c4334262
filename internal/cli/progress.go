package cli

import (
	"fmt"
	"time"
)

// tellEvery is how often a long command says how far it is. A shorter one says nothing.
const tellEvery = 2 * time.Second

// progress says beside the output how far a command is, in words of the catalogs.
func (a *app) progress() func(key string, args ...any) {
	last := time.Now()
	return func(key string, args ...any) {
		if time.Since(last) < tellEvery {
			return
		}
		last = time.Now()
		fmt.Fprintln(a.errOut, strip(a.printer().T(key, args...)))
	}
}

package cli

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A short command is silent; a long one says how far it is, now and then, in the language of who gave it.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		a := &app{errOut: &said, lang: "fr", set: &commands{}}
		a.set.ZoneName = "UTC"
		tell := a.progress()
		for n := range 50 {
			tell("cli.progress_items", "n", n)
			time.Sleep(100 * time.Millisecond)
		}
		if got := said.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "20") || !strings.Contains(got, "jusqu’ici") {
			t.Errorf("in five seconds it said %q", got)
		}
	})
}

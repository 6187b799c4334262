package cli_test

import (
	"net"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"newspool/internal/cli"
)

// TestMain lets the scripts run the program itself, as a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"newspool": func() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

func TestScripts(t *testing.T) {
	if os.Getenv("NEWSPOOL_TEST_SCRIPT") == "" {
		t.Log("the scripts are left out: NEWSPOOL_TEST_SCRIPT is not set")
		return
	}
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			for _, name := range []string{"NORTH", "SOREN"} {
				l, err := net.Listen("tcp", "127.0.0.1:0")
				if err != nil {
					return err
				}
				env.Setenv(name, l.Addr().String())
				if err := l.Close(); err != nil {
					return err
				}
			}
			env.Setenv("LC_ALL", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"until": until, "save": save, "flip": flip, "code": code, "pack": pack, "latin": latin, "swell": swell, "many": many,
			"once": once, "up": up, "api": api, "desk": desk, "more": more, "within": within,
		},
	})
}

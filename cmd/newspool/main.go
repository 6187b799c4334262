// Command newspool runs a newsroom's node, and everything that is done with one from the command line.
package main

import (
	"os"

	"newspool/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

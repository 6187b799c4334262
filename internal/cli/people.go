package cli

import (
	"fmt"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/node"
	"newspool/internal/people"
)

type personCmd struct {
	Add  personAddCmd  `cmd:"" help:"Add a person; the password is made and printed."`
	List personListCmd `cmd:"" help:"List the people."`
}

type personAddCmd struct {
	Login string   `arg:"" help:"Sign-in name."`
	Name  string   `help:"Full name."`
	Role  []string `default:"editor" enum:"administrator,editor,signatory" help:"Roles: administrator, editor, signatory."`
}

// Run adds a person.
func (c personAddCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		var roles []people.Role
		for _, r := range c.Role {
			roles = append(roles, people.Role(r))
		}
		name := c.Name
		if name == "" {
			name = c.Login
		}
		password := people.NewPassword()
		_, err := n.People.Create(a.ctx, people.Operator(), people.NewPerson{Login: c.Login, Name: name, Roles: roles, Password: password})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%s  %s\n", c.Login, password)
		return nil
	})
}

type personListCmd struct{}

// Run lists the people.
func (personListCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		all, err := n.People.People(a.ctx)
		if err != nil {
			return err
		}
		for _, p := range all {
			var roles []string
			for _, r := range p.Roles {
				roles = append(roles, string(r))
			}
			fmt.Fprintf(a.out, "%s  %s  %s\n", p.Login, p.Name, strings.Join(roles, ","))
		}
		return nil
	})
}

type tokenCmd struct {
	Add tokenAddCmd `cmd:"" help:"Make a token; it is printed once."`
}

type tokenAddCmd struct {
	Login string `arg:"" help:"The person whose rights the program gets."`
	Name  string `required:"" help:"What the token is for."`
	Write bool   `help:"The program may also bring stories in."`
}

// Run makes a token.
func (c tokenAddCmd) Run(a *app) error {
	return a.withNode(func(n *node.Node) error {
		all, err := n.People.People(a.ctx)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.Login == c.Login {
				scope := people.ScopeRead
				if c.Write {
					scope = people.ScopeWrite
				}
				secret, _, err := n.People.CreateToken(a.ctx, people.By{Person: p, Remote: "console"}, c.Name, scope)
				if err != nil {
					return err
				}
				fmt.Fprintln(a.out, secret)
				return nil
			}
		}
		return fault.New(fault.NotFound, "people.unknown")
	})
}

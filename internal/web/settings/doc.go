// Package settings holds the pages on which people look after their own account, and administrators after everybody's: people
// and roles, sessions, tokens for programs, the audit, and how the node itself is.
//
// What it promises: a password or a token that was made is shown on the one page that answers the act, and on none after it;
// what was typed into a form that is refused is still there, with the reason beside it. What it never does: decide what is
// allowed to be changed (package people does), show a cause with a secret in it, or keep anything itself.
package settings

// Package duties has the pages of what was made from what: the acts by which something is made from an item, what a correction of a
// source asks of us, and what partners have made from an item of ours. Some of it are parts of pages of the wire, which asks for them.
//
// What it promises: what changed in a source stands beside our text, in the language and direction of each; what must be answered
// first stands first; a form that lacks a reason comes back with what was chosen. What it never does: change a text, or decide what an
// agreement allows. Everything comes through the interfaces of Options.
package duties

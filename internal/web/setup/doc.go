// Package setup has the pages with which a new node becomes the node of a newsroom: the newsroom and its first person, then
// the root key that is put away.
//
// What it promises: without the code from the console nothing is done and nothing is told; what was typed into a form that is
// refused is still there, but for passwords; the root key is shown only to the browser that set the node up, for an hour, and
// no browser keeps that page. If the machine fails between the two halves of the work, the same page finishes it.
// What it never does: need a newsroom. It makes its own frame, and no page of the desk is behind it.
package setup

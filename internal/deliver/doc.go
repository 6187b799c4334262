// Package deliver hands items out of the desk to programs, as lines of ninjs: what came from partners and what is our own, in
// the order in which it became visible here.
//
// What it promises:
//
//   - A text goes out only if the terms permit to copy it now, with the credit line that they ask for and with their sentence
//     of what may be done with it. What may not go out has a line too, without any text, that says why.
//   - Corrections and withdrawals come as lines of their own. A withdrawn text is never given, to those who are behind either.
//   - Nothing under embargo goes out before its time, and nothing is left out for good: what was held back comes again, on a new
//     line, as soon as it may be given, whatever held it back: an embargo, a link that was silent, an agreement that was
//     suspended or has not begun, terms that were changed.
//   - Each request that is given something is written into the audit before it is given, in one row.
//
// What it never does: it sends nothing anywhere by itself, changes no item, and keeps no list of readers. A reader is a
// cursor that the reader keeps.
package deliver

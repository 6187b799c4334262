// Package ingest brings news in: from a file, a folder, the standard input, or a feed that it polls.
//
// It finds the format, has it read by the packages below internal/formats, which also bring bodies to the form of package
// sanitize, and hands each draft to the desk. One broken item never stops the others: it is refused, with its place and a
// sentence for a person. What comes first is released first: a file's order is the order of the wire. What was taken is durable when
// the call returns; a call that ends with an error has taken what its report says.
//
// What it never does: it decides nothing about versions or duplicates (the library does), it fetches no media, and it
// believes no file that claims to hold media which is already here.
package ingest

// Package feed reads RSS, Atom and JSON Feed into drafts.
//
// It is pure. Feeds of the world are often broken: what can be read is read, what cannot becomes a problem of its item,
// and only bytes that are no feed at all are an error.
package feed

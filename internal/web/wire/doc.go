// Package wire has the pages of the wire: the list with its preview, the page of an item with its versions, terms and proof,
// and the forms in which the newsroom writes, corrects and withdraws its own.
//
// What it promises: the list never moves under the reader's hands; a withdrawn item that came from a partner is named and its
// text is not sent; every copy of a text is asked for, judged and noted before it is given. What it never does: decide what an
// agreement allows, or read a table. Everything comes through the interfaces of Options.
package wire

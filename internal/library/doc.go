// Package library owns the items of a newsroom: our own and those that came from partners, all their versions, what may be
// done with each, and the lists and filters that the desk works with. No other package touches its tables.
//
// What it promises:
//
//   - An item is made and changed in one transaction with everything that hangs on it: its versions, its row on the wire, its
//     facets and, through Options.OnVersion, whatever is to be said to partners.
//   - Receive is idempotent. A version counts only from the newsroom that made the item. An older version that comes after a
//     newer one is kept as history and moves nothing.
//   - A withdrawal is final. A received item that was withdrawn keeps its headline on the wire and gives its text to nobody.
//   - Every row that is shown has a desk number, given in order of arrival. Pages go down these numbers; what is new has a
//     higher one. Numbers become visible in their order, also with several instances on one database.
//   - Rows and facets can be made again from the versions (Rebuild) and come out the same, byte for byte.
//
// What it never does: decide what an agreement allows, speak to a partner, look into a ledger, clean a text. Stories are
// handed in clean, and Options.Codec gives them back clean.
//
// # Facets
//
// A facet is one property by which the wire is filtered, as a short string: "o:<root>", "l:fa", "s:medtop:04000000". For each
// facet and each block of 4,096 desk numbers a bitmap tells which rows have it. A page of a filtered wire is the bitmaps of its
// facets, read downwards from the cursor and ANDed word by word. The changes of one group of transactions are gathered in
// memory and written once for each block that they touched.
package library

// Package agreement keeps agreements: what was proposed, who signed it, what is in force, and by which revision each record
// is judged. Negotiation is records in the parties' ledgers; what is kept here is the fold of those records.
//
// What it promises: the bytes of a revision are kept as they were proposed, and named by their hash; a revision is in force
// when its author has closed it with a record that names the signature of every party, each of which is held here too; a
// newsroom has at most one open signature for each agreement and predecessor.
//
// What it never does: it signs nothing by itself. Closing a revision that everybody has signed, and going over to one that
// everybody has signed, are bookkeeping, and it does them by itself.
package agreement

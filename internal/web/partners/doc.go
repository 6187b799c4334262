// Package partners has the pages about other newsrooms: how the links to them are, whom we know and whether the fingerprints
// were compared, the strangers who said hello, what is wrong with records, and what we hand out about ourselves.
//
// What it promises: a newsroom is shown with its root and its fingerprint before it can be pinned, and pinned is what was
// shown; the root key of this newsroom is on a page only when an administrator asks for it, and no browser keeps that page;
// every act is written into the audit. What it never does: decide whom to trust, ask another machine for anything before
// somebody pressed a button, or let somebody act who is neither signatory nor administrator.
package partners

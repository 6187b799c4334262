// Package agreements has the pages on which agreements are read, written and signed: the list, one agreement with its parties,
// its text and what changed in it, the editor of the terms, and the view for paper.
//
// What it promises: who signs is shown the exact words that the hash names; what was typed into a form that is refused is still
// there, with the reason beside the field; nothing is proposed whose text was not shown before; every act is written into the
// audit. What it never does: decide what terms mean or when an agreement is in force (packages terms and agreement do), or let
// somebody act who is no signatory.
package agreements

// Package terms holds the terms of an agreement between newsrooms and decides by them. One source, the typed Revision, gives
// the text that people read and sign (Text), the comparison of two proposals (Compare), the line that an editor sees above an
// item (Strip), and every decision of a node (May).
//
// It is pure: no clock, no database, no network. The same code decides at both ends of a link, from facts that both ends
// know, so both come to the same answer. Nothing here fails on a revision that breaks the rules; Validate says what is wrong
// with it, and a node signs none that has a fatal problem.
//
// It speaks in Lines, the key of a message with its values. The values survive JSON; Say turns a Line into the words of a
// reader.
//
// The numbers of the clauses are the same in all agreements: 1 parties and term, 2 what flows, 3 uses, 4 embargo,
// 5 corrections and withdrawals, 6 daily ceilings, 7 confidentiality, 8 commitments.
package terms

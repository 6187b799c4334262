// Package desk is what people of the newsroom do with items: write, release, correct and withdraw what is their own, and take
// out what others sent, as far as the terms permit it.
//
// What it promises: every act is written into the audit in the transaction that does it, or, where the act is a look at the
// text, before the text is given; what may not be used is refused with the reason of the terms.
//
// What it never does: it releases nothing without a person, and changes nothing that another newsroom wrote.
package desk

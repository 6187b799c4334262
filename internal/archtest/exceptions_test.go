package archtest

// exception lets one place off one rule. Rule is the name of the check, where a path below the module's root ("" never
// matches), reason why the rule does not fit there.
type exception struct{ rule, where, reason string }

// exceptions is the whole list. One that lets nobody off any more fails the test, so that the list only holds what is true.
func exceptions() []exception {
	return []exception{
		{"package size", "internal/exchange", "the heart: what is offered, followed, folded and recovered changes together (ADR 12)"},
		{"package size", "internal/library", "the only owner of the item tables; its bitmaps moved out already (ADR 12)"},
		{"package size", "internal/web/wire", "the pages of the wire share their article (ADR 12)"},
		{"depth", "cmd/newspool", "the benchmark stands between the commands and the node (ADR 12)"},
	}
}

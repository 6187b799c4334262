// Package archtest holds no program: its tests read the source of the whole module and keep the rules of the house that a
// compiler does not know. Which package may import which, how large things may grow, which package owns which table, and
// what must not stand in the text at all. The layers are those of ARCHITECTURE.md; where a rule does not fit, the one list
// in exceptions_test.go says so, with the reason.
package archtest

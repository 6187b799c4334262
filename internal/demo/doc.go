// Package demo holds the sample wire of three invented newsrooms around an invented sea, for demonstrations and tests: what
// they are called, and the stories that they send, in six languages.
//
// It is data and nothing else: no clock, no database, no network. People, places, clubs and companies in it do not exist.
package demo

// Package ninjs reads and writes ninjs, the JSON of the IPTC for news: versions 1.x, 2.x and 3.x in, 3.1 out.
//
// It is pure: bytes in, drafts and problems out. Reading is strict about JSON (UTF-8, no name twice, limits of size and
// depth) and patient about news: a field that cannot be used becomes a problem of the draft, with its place, and the rest
// is taken. What a story has no room for is named in one problem; the original bytes stay with the draft. Bodies come out
// sanitised. A mapping file lets the same reader take JSON lines with other names.
package ninjs

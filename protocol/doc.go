// Package protocol is the exchange between newsrooms as bytes: records, salted contents, ledgers as C2SP tile logs,
// checkpoints and cosignatures, frames, identities, access and proofs. It is enough to write a second implementation; its
// vectors stand in testdata. docs/protocol.md is the text that belongs to it.
//
// Everything here is pure: no clock, no network, no database. Bytes are hashed and signed as they were sent and never
// serialised again. Every text that is signed was built by its signer and begins with a fixed first line of its own.
//
// Standards used: C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature and tlog-mirror; RFC 6962 tree hashes;
// RFC 8032 Ed25519; RFC 9562 UUIDs.
package protocol

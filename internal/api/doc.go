// Package api is the JSON API for the newsroom's own systems, below /api/v1: stories in, stories out, and what became of them.
// Its description (OpenAPI 3.1) is made from the types in this package and served with it.
//
// What it promises:
//
//   - Nobody comes in without a token of a person; no cookie is looked at. A token with the scope "read" changes nothing, and
//     what a person may not do at the desk a program may not do for them.
//   - A story that is brought in under an Idempotency-Key is taken once, however often it is sent within two days.
//   - Errors are application/problem+json with the kind of the fault, a sentence in the language that was asked for, and the
//     number of the request under which the log has the cause. Nothing else of the inside is told.
//   - Every act, and every text that is taken, is written into the audit by the package that does it.
//
// What it never does: decide what an agreement permits (package deliver asks the terms), or log a token or a body.
package api

// Package people knows who works at this node: accounts and their roles, passwords, sessions, tokens for programs, each
// person's preferences, and the audit, in which every act is written down.
//
// What it promises:
//
//   - A password is kept as argon2id with its parameters; a session and a token are kept as SHA-256 only. None of them can be
//     read back.
//   - SignIn answers alike, in words and in time, for a wrong password, an unknown login and a disabled account. It is limited
//     for each account and for each address, and never does more than two hashings at once.
//   - A session ends 12 hours after it was last used and 14 days after it began. Roles that change, an account that is
//     disabled and a password that is set end the sessions of that person; the next sign-in gives a new one.
//   - What is revoked is refused at once by this process, and within cacheFor by other instances on the same database.
//   - Each act is written into the audit in the transaction that does it: neither is there without the other. The rows are a
//     chain of hashes; a row that was changed, added between or taken out between is found by VerifyAudit.
//   - The last administrator can be neither disabled nor deprived of the role.
//
// What it never does: decide what a role may do elsewhere (each capability asks Person.Has), look at HTTP, or believe an
// address. The caller says from where somebody came.
package people

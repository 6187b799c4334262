package terms

import "time"

// Standing is how an agreement stands for one newsroom at one place of its ledger: what its records are judged by.
type Standing struct {
	Agreement AgreementID
	Hash      RevisionHash
	Revision  Revision
	Suspended bool      // by a record of either side
	Ends      time.Time // by a notice; zero: as the dates say
}

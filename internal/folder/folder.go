// Package folder takes a data folder for one process at a time. Two nodes on one folder would say two things in one ledger.
package folder

import "newspool/internal/fault"

// ErrInUse refuses a data folder that another process has locked.
var ErrInUse error = fault.New(fault.Conflict, "fault.in_use")

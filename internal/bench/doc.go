// Package bench measures what an exchange between two newsrooms costs: two real nodes in one process, two data folders, TLS
// between them on loopback.
//
// It promises that every figure is taken from commits: something is at the partner when the partner's transaction is durable,
// and never before; and that everything that was sent is counted again at the end, record by record and item by item, in what
// the partner holds. It measures the floor of the same run, the disk and the loopback, so that figures of different machines can
// be compared as ratios.
//
// What it never does: it reaches nobody outside this machine, and it touches no data folder that has another use.
package bench

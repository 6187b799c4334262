package bench

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// Print writes the result as a table for people.
func (r Result) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	line := func(what, value, note string) { fmt.Fprintf(t, "%s\t%s\t %s\n", what, value, note) }
	ms := func(x float64) string { return fmt.Sprintf("%.2f ms", x) }
	rate := func(x float64) string { return fmt.Sprintf("%.0f /s", x) }
	line("machine", fmt.Sprintf("%d cpus", r.CPUs), r.Machine+", "+r.Engine)
	line("one story", fmt.Sprintf("%d bytes", r.ItemBytes), "")
	line("write and fsync", ms(r.FsyncP50), fmt.Sprintf("p50; p99 %.2f", r.FsyncP99))
	line("loopback request", ms(r.LoopbackP50), "p50, over TLS")
	line("verified at B", ms(r.VerifiedP50), fmt.Sprintf("p50; p99 %.2f; %d stories at %d/s; %.1f × (2 fsync + loopback)", r.VerifiedP99, r.LatencyItems, pace, r.Floor))
	line("  durable at A", ms(r.ReleasedP50), "p50")
	line("  receipt at A", ms(r.ReceiptP50), fmt.Sprintf("p50; p99 %.2f", r.ReceiptP99))
	line("handed in → at B", ms(r.HandedInP50), fmt.Sprintf("p50; p99 %.2f", r.HandedInP99))
	work := func(n int, cpu float64) string { return fmt.Sprintf("%d stories, %.0f µs of processor each", n, cpu) }
	lag := func(first, last float64) string { return fmt.Sprintf("; lag %.0f ms, then %.0f", first, last) }
	line("ledger path", rate(r.Sustained), work(r.SustainedItems, r.SustainedCPU)+lag(r.LagFirst, r.LagLast))
	line("  backfill", rate(r.Backfill), work(r.BackfillItems, r.BackfillCPU))
	line("whole product", rate(r.Product), work(r.ProductItems, r.ProductCPU)+lag(r.ProductLagFirst, r.ProductLagLast))
	line("  backfill", rate(r.ProductBackfill), work(r.ProductBackfillOf, r.ProductBackfillCPU))
	line("reading a story", fmt.Sprintf("%.0f µs", r.ParseMicros), "not part of the above")
	agree := "the ledgers agree"
	if !r.LedgersAgree {
		agree = "the ledgers do NOT agree"
	}
	line("sent", fmt.Sprint(r.Sent), fmt.Sprintf("lost %d, duplicated %d; %s", r.Lost, r.Duplicated, agree))
	line("took", fmt.Sprintf("%.0f s", r.Seconds), "")
	return t.Flush()
}

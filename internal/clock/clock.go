// Package clock is where time comes from. Times are UTC, whole microseconds, so that what was stored equals what was read.
package clock

import "time"

// Clock gives the time. Parts are handed one, so that tests decide what time it is.
type Clock func() time.Time

// System is the clock of the machine.
func System() time.Time { return Trim(time.Now()) }

// Trim brings a time to the form in which it is kept: UTC, whole microseconds, no monotonic part.
func Trim(t time.Time) time.Time { return t.Round(0).UTC().Truncate(time.Microsecond) }

// Micros is the stored form of a time; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros is the time that Micros stored.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Sooner is the earlier of two times. The zero time is none, and comes before no other.
func Sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

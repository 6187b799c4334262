package terms

import (
	"time"
	_ "time/tzdata" // both ends must find every zone
)

// Date is a day, "2026-03-01", in the zone of the agreement; "" is none.
type Date string

const dateForm = "2006-01-02"

// DateOf is the day of a time in a zone (nil: UTC).
func DateOf(t time.Time, zone *time.Location) Date {
	if zone == nil {
		zone = time.UTC
	}
	return Date(t.In(zone).Format(dateForm))
}

// Valid reports whether it is a day of the calendar. "" is not.
func (d Date) Valid() bool {
	t, err := time.Parse(dateForm, string(d))
	return err == nil && t.Year() > 0
}

// Begins is the moment at which the day begins in a zone; the zero time if d is not Valid.
func (d Date) Begins(zone *time.Location) time.Time { return d.at(zone, 0, 0) }

// Ends is the moment at which the next day begins in a zone; the zero time if d is not Valid.
func (d Date) Ends(zone *time.Location) time.Time { return d.at(zone, 1, 0) }

// noon is a time of the day that has the same date in nearly all zones.
func (d Date) noon(zone *time.Location) time.Time { return d.at(zone, 0, 12) }

func (d Date) at(zone *time.Location, days, hour int) time.Time {
	t, err := time.Parse(dateForm, string(d))
	if err != nil || t.Year() == 0 {
		return time.Time{}
	}
	if zone == nil {
		zone = time.UTC
	}
	return time.Date(t.Year(), t.Month(), t.Day()+days, hour, 0, 0, 0, zone)
}

// readyZone is a zone that was read, and its name.
type readyZone struct {
	name string
	zone *time.Location
}

// Ready gives the revision with its zone read: for one about which much is asked.
func (r Revision) Ready() Revision {
	r.ready = readyZone{r.Zone, r.Location()}
	return r
}

// Location is the zone of the agreement, UTC where the revision names none that exists. It reads the zone anew each time, unless
// the revision is Ready.
func (r Revision) Location() *time.Location {
	if r.ready.zone != nil && r.ready.name == r.Zone {
		return r.ready.zone
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil || r.Zone == "Local" {
		return time.UTC
	}
	return zone
}

// Begins is when the agreement begins by its dates; the zero time if it begins with its closing.
func (r Revision) Begins() time.Time { return r.Start.Begins(r.Location()) }

// Ends is when the agreement ends by its dates, the first moment after its last day; the zero time if it has none.
func (r Revision) Ends() time.Time { return r.End.Ends(r.Location()) }

// UsesEnd is when the time for use of an item ends that was first sent at a time, the first moment after its last day; the zero
// time if there is no limit or no release.
func (r Revision) UsesEnd(released time.Time) time.Time { return r.usesEnd(released, r.Location()) }

func (r Revision) usesEnd(released time.Time, zone *time.Location) time.Time {
	if r.Uses.Days <= 0 || released.IsZero() {
		return time.Time{}
	}
	local := released.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day()+min(r.Uses.Days, maxDays)+1, 0, 0, 0, 0, zone)
}

// Day gives the bounds of the day of the agreement in which a time lies: what daily ceilings count.
func (r Revision) Day(at time.Time) (begins, ends time.Time) { return dayIn(at, r.Location()) }

func dayIn(at time.Time, zone *time.Location) (begins, ends time.Time) {
	local := at.In(zone)
	return time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, zone), time.Date(local.Year(), local.Month(), local.Day()+1, 0, 0, 0, 0, zone)
}

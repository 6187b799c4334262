package i18n

import "time"

// The Solar Hijri year begins with the spring equinox in Iran. From 1178 to 1633 the calendar in use follows a cycle of
// 33 years with eight leap years: y is one where (25y+11) mod 33 is below 8. Six months of 31 days come first, then five
// of 30, then one of 29, or 30 in a leap year.

// solarEpoch is the day number of 1 Farvardin 1, counted in days of the cycle: 1 Farvardin 1404 was 21 March 2025.
const solarEpoch = -492268

// solarYearStart counts the days from the Unix epoch to 1 Farvardin of a year.
func solarYearStart(y int) int {
	return solarEpoch + 365*(y-1) + floorDiv(8*y+21, 33)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && (a < 0) != (b < 0) {
		q--
	}
	return q
}

// solar gives year, month and day of the Solar Hijri calendar for a Gregorian day.
func solar(year, month, day int) (y, m, d int) {
	n := floorDiv(int(time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC).Unix()), 86400)
	y = year - 621
	if n < solarYearStart(y) {
		y--
	}
	n -= solarYearStart(y)
	if n < 186 {
		return y, n/31 + 1, n%31 + 1
	}
	n -= 186
	return y, n/30 + 7, n%30 + 1
}

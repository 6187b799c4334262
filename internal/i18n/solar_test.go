package i18n

import (
	"testing"
	"time"
)

// newYears is the day of March on which each year from 1300 to 1478 begins, as the calendar of ICU has it (days after the
// 20th).
const newYears = "12211221112111211121112111211121112111211111111111111111111111111111111111101110111011101110111011101110111001100110011001100110011001100110001000100010001000100010001000100000000"

func TestSolarNewYears(t *testing.T) {
	// The string above is checked against days that everybody knows, so that a slip in it does not go unseen.
	for year, want := range map[int]string{1357: "1978-03-21", 1375: "1996-03-20", 1399: "2020-03-20", 1403: "2024-03-20", 1404: "2025-03-21", 1408: "2029-03-20"} {
		got := time.Unix(int64(solarYearStart(year))*86400, 0).UTC().Format(time.DateOnly)
		if got != want {
			t.Errorf("1 Farvardin %d is %s, want %s", year, got, want)
		}
	}
}

func TestSolarKnownDays(t *testing.T) {
	for _, c := range []struct {
		g       [3]int
		y, m, d int
	}{
		{[3]int{1921, 2, 22}, 1299, 12, 3},
		{[3]int{1951, 3, 20}, 1329, 12, 29},
		{[3]int{1979, 2, 11}, 1357, 11, 22},
		{[3]int{1997, 3, 20}, 1375, 12, 30},
		{[3]int{2000, 1, 1}, 1378, 10, 11},
		{[3]int{2021, 3, 20}, 1399, 12, 30},
		{[3]int{2021, 3, 21}, 1400, 1, 1},
		{[3]int{2024, 2, 29}, 1402, 12, 10},
		{[3]int{2025, 3, 20}, 1403, 12, 30},
		{[3]int{2025, 9, 22}, 1404, 6, 31},
		{[3]int{2025, 9, 23}, 1404, 7, 1},
		{[3]int{2026, 11, 22}, 1405, 9, 1},
		{[3]int{2026, 11, 24}, 1405, 9, 3},
	} {
		y, m, d := solar(c.g[0], c.g[1], c.g[2])
		if y != c.y || m != c.m || d != c.d {
			t.Errorf("%v is %d-%d-%d, want %d-%d-%d", c.g, y, m, d, c.y, c.m, c.d)
		}
	}
}

func TestSolarEveryDay(t *testing.T) {
	day := time.Date(1921, 3, 21, 0, 0, 0, 0, time.UTC)
	y, m, d := 1300, 1, 1
	for day.Year() < 2099 {
		gy, gm, gd := solar(day.Year(), int(day.Month()), day.Day())
		if gy != y || gm != m || gd != d {
			t.Fatalf("%s is %d-%d-%d, want %d-%d-%d", day.Format(time.DateOnly), gy, gm, gd, y, m, d)
		}
		day = day.AddDate(0, 0, 1)
		d++
		if d > solarMonthLength(t, y, m) {
			m, d = m+1, 1
		}
		if m > 12 {
			y, m = y+1, 1
		}
	}
}

// solarMonthLength takes the length of the last month from the table, not from the rule under test.
func solarMonthLength(t *testing.T, y, m int) int {
	t.Helper()
	switch {
	case m <= 6:
		return 31
	case m <= 11:
		return 30
	}
	start := func(y int) time.Time {
		return time.Date(y+621, time.March, 20+int(newYears[y-1300]-'0'), 0, 0, 0, 0, time.UTC)
	}
	if y+1-1300 >= len(newYears) {
		t.Fatalf("the table ends before %d", y+1)
	}
	return int(start(y+1).Sub(start(y)).Hours()/24) - 336
}

package i18n

import (
	"strings"
	"time"
)

// style is how a language writes dates and lists.
type style struct {
	months   [12]string // as they stand in a date
	weekdays [7]string  // from Sunday
	date     string     // day, month, year
	day      string     // day, month
	weekday  string     // weekday, day, month
	join     string     // between a date and a time
	comma    string     // between the things of a list, the last two apart
	last     string     // between the last two
}

// styles is a table: it does not change.
var styles = map[string]style{
	"en": {
		months:   [12]string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
		weekdays: [7]string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"},
		date:     "{d} {m} {y}", day: "{d} {m}", weekday: "{w} {d} {m}", join: ", ", comma: ", ", last: " and ",
	},
	"ru": {
		months:   [12]string{"января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября", "ноября", "декабря"},
		weekdays: [7]string{"воскресенье", "понедельник", "вторник", "среда", "четверг", "пятница", "суббота"},
		date:     "{d} {m} {y}", day: "{d} {m}", weekday: "{w}, {d} {m}", join: ", ", comma: ", ", last: " и ",
	},
	"fa": {
		months:   [12]string{"فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"},
		weekdays: [7]string{"یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه", "شنبه"},
		date:     "{d} {m} {y}", day: "{d} {m}", weekday: "{w} {d} {m}", join: "، ", comma: "، ", last: " و ",
	},
	"ar": {
		months:   [12]string{"يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"},
		weekdays: [7]string{"الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة", "السبت"},
		date:     "{d} {m} {y}", day: "{d} {m}", weekday: "{w} {d} {m}", join: "، ", comma: "، ", last: " و",
	},
	"fr": {
		months:   [12]string{"janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"},
		weekdays: [7]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"},
		date:     "{d} {m} {y}", day: "{d} {m}", weekday: "{w} {d} {m}", join: ", ", comma: ", ", last: " et ",
	},
	"es": {
		months:   [12]string{"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"},
		weekdays: [7]string{"domingo", "lunes", "martes", "miércoles", "jueves", "viernes", "sábado"},
		date:     "{d} de {m} de {y}", day: "{d} de {m}", weekday: "{w} {d} de {m}", join: ", ", comma: ", ", last: " y ",
	},
}

// persianGregorianMonths are for Persian readers who ask for the Gregorian calendar.
var persianGregorianMonths = [12]string{"ژانویه", "فوریه", "مارس", "آوریل", "مه", "ژوئن", "ژوئیه", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"}

// write fills a date into a pattern of the style.
func (p *Printer) write(t time.Time, pattern string) string {
	t = t.In(p.zone)
	y, m, d := t.Year(), int(t.Month()), t.Day()
	if p.locale.solar {
		y, m, d = solar(y, m, d)
	}
	day := p.digits(d, 1)
	if d == 1 && p.locale.lang == "fr" {
		day = "1er"
	}
	return strings.NewReplacer(
		"{d}", day,
		"{m}", p.locale.style.months[m-1],
		"{y}", p.digits(y, 1),
		"{w}", p.locale.style.weekdays[t.Weekday()],
	).Replace(pattern)
}

// Date is a day with its year, in the reader's calendar: "22 November 2026", "۱ آذر ۱۴۰۵". The zero time is "".
func (p *Printer) Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.write(t, p.locale.style.date)
}

// Day is a day without its year: "22 November".
func (p *Printer) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.write(t, p.locale.style.day)
}

// Weekday is a day with its name and without its year: "Sunday 22 November".
func (p *Printer) Weekday(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.write(t, p.locale.style.weekday)
}

// Time is hour and minute: "14:02".
func (p *Printer) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(p.zone)
	return p.digits(t.Hour(), 2) + ":" + p.digits(t.Minute(), 2)
}

// Seconds is hour, minute and second: "14:02:07".
func (p *Printer) Seconds(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.Time(t) + ":" + p.digits(t.In(p.zone).Second(), 2)
}

// DateTime is day, year and time: "22 November 2026, 14:02".
func (p *Printer) DateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.Date(t) + p.locale.style.join + p.Time(t)
}

// Moment is as much of a time as a reader needs now: the time alone on the same day, else the day too, with the year where
// it is another one.
func (p *Printer) Moment(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	if p.SameDay(t, now) {
		return p.Time(t)
	}
	return p.Near(t, now) + p.locale.style.join + p.Time(t)
}

// Near is a day, with its year only where that is another one than now.
func (p *Printer) Near(t, now time.Time) string {
	if p.year(t) == p.year(now) {
		return p.Day(t)
	}
	return p.Date(t)
}

// SameDay reports whether two times are on one day of the zone.
func (p *Printer) SameDay(a, b time.Time) bool {
	ay, am, ad := a.In(p.zone).Date()
	by, bm, bd := b.In(p.zone).Date()
	return ay == by && am == bm && ad == bd
}

func (p *Printer) year(t time.Time) int {
	y, m, d := t.In(p.zone).Date()
	if p.locale.solar {
		y, _, _ = solar(y, int(m), d)
	}
	return y
}

// Ago says how long before now a time was: "4 min ago". After a week it is the day.
func (p *Printer) Ago(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	d := now.Sub(t)
	switch {
	case d < 45*time.Second:
		return p.T("when.now")
	case d < 59*time.Minute+30*time.Second:
		return p.T("when.minutes_ago", "n", int((d+30*time.Second)/time.Minute))
	case d < 23*time.Hour+30*time.Minute:
		return p.T("when.hours_ago", "n", int((d+30*time.Minute)/time.Hour))
	case d < 7*24*time.Hour:
		return p.T("when.days_ago", "n", int((d+12*time.Hour)/(24*time.Hour)))
	}
	return p.Near(t, now)
}

// Span is a length of time: "0.3 s", "14 s", "4 min", "2 h", "3 days".
func (p *Printer) Span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second:
		return p.T("when.seconds", "n", float64(d/(100*time.Millisecond))/10)
	case d < 90*time.Second:
		return p.T("when.seconds", "n", int((d+500*time.Millisecond)/time.Second))
	case d < 90*time.Minute:
		return p.T("when.minutes", "n", int((d+30*time.Second)/time.Minute))
	case d < 36*time.Hour:
		return p.T("when.hours", "n", int((d+30*time.Minute)/time.Hour))
	}
	return p.T("when.days", "n", int((d+12*time.Hour)/(24*time.Hour)))
}

// Stamp is a day and a time, with the year only where that is another one than now: "22 November, 14:02".
func (p *Printer) Stamp(t, now time.Time) string {
	if t.IsZero() {
		return ""
	}
	return p.Near(t, now) + p.locale.style.join + p.Time(t)
}

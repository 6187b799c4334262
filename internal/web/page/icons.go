package page

import "html/template"

// shapes are the icons, each on a square of 16, drawn with a line. Those that point are mirrored by the style where text runs
// from right to left.
var shapes = map[string]string{
	"wire":       `<path d="M2 4h12M2 8h12M2 12h7"/>`,
	"new":        `<path d="M3 13l.6-2.8L11 2.800l2.200 2.200-7.400 7.400L3 13zM9.600 4.200l2.200 2.200"/>`,
	"duties":     `<path d="M3.500 14V2.500h9l-2 3 2 3h-9"/>`,
	"branch":     `<circle cx="4" cy="3.500" r="1.700"/><circle cx="4" cy="12.500" r="1.700"/><circle cx="12" cy="5.500" r="1.700"/><path d="M4 5.200v5.600M12 7.200c0 2.500-3 2.300-6 3.300"/>`,
	"agreements": `<path d="M4 2h6l3 3v9H4zM6 8h5M6 11h5"/>`,
	"partners":   `<circle cx="4" cy="8" r="2"/><circle cx="12" cy="4" r="2"/><circle cx="12" cy="12" r="2"/><path d="M6 7l4-2M6 9l4 2"/>`,
	"sources":    `<path d="M2.500 9.500h3l1 2h3l1-2h3M2.500 9.500L4.300 3h7.400l1.800 6.500V13h-11z"/>`,
	"settings":   `<path d="M2 4.500h6.500M12 4.500h2M2 11.500h2M7.500 11.500H14"/><circle cx="10.300" cy="4.500" r="1.700"/><circle cx="5.700" cy="11.500" r="1.700"/>`,
	"people":     `<circle cx="5.500" cy="6" r="2.300"/><circle cx="11" cy="6.500" r="1.800"/><path d="M2 13c.4-2.400 2-3.400 3.600-3.400S8.900 10.600 9.200 13M10 9.800c1.800 0 3.400.9 3.800 3"/>`,
	"shield":     `<path d="M8 1.800l5 2v4.400c0 3-2.200 5-5 6-2.800-1-5-3-5-6V3.800z"/><path d="M5.600 8l1.800 1.800 3-3.400"/>`,
	"closed":     `<rect x="3" y="7" width="10" height="7" rx="1.500"/><path d="M5.500 7V5a2.500 2.500 0 0 1 5 0v2"/>`,
	"clock":      `<circle cx="8" cy="8" r="6"/><path d="M8 4.500V8l2.300 1.500"/>`,
	"warn":       `<path d="M8 2.200L14.300 13H1.700zM8 6.500v3M8 11.300v.2"/>`,
	"check":      `<path d="M3 8.500l3.200 3L13 4.500"/>`,
	"no":         `<path d="M4 4l8 8M12 4l-8 8"/>`,
	"filter":     `<path d="M2 4h12M4.500 8h7M6.500 12h3"/>`,
	"photo":      `<rect x="2" y="3" width="12" height="10" rx="1.500"/><circle cx="5.500" cy="6.300" r="1.200"/><path d="M2.500 12l3.700-3.500 2.300 2 2.500-2.700 2.700 2.700"/>`,
	"rows":       `<path d="M2 3.500h12M2 6.500h12M2 9.500h12M2 12.500h12"/>`,
	"cards":      `<rect x="2" y="2.800" width="12" height="4" rx="1"/><rect x="2" y="9.200" width="12" height="4" rx="1"/>`,
	"back":       `<path d="M9.500 3.500L5 8l4.500 4.500"/>`,
	"bell":       `<path d="M8 2.200a3.800 3.800 0 0 0-3.800 3.800c0 3.500-1.400 4.800-1.400 4.800h10.400S11.800 9.500 11.800 6A3.800 3.800 0 0 0 8 2.200zM6.700 13a1.400 1.400 0 0 0 2.600 0"/>`,
	"open":       `<path d="M6.500 3.500L11 8l-4.500 4.500"/>`,
	"down":       `<path d="M4 6l4 4 4-4"/>`,
	"copy":       `<rect x="5.500" y="5.500" width="8" height="8" rx="1.200"/><path d="M3.500 10.500h-.3A.7.7 0 0 1 2.500 9.800V3.200a.7.7 0 0 1 .7-.7h6.600a.7.7 0 0 1 .7.700v.3"/>`,
	"plus":       `<path d="M8 3v10M3 8h10"/>`,
	"pause":      `<path d="M5.500 3.500v9M10.500 3.500v9"/>`,
	"stop":       `<rect x="3.500" y="3.500" width="9" height="9" rx="1"/>`,
	"print":      `<path d="M4.500 6V2.500h7V6M4.500 11.500H3A1 1 0 0 1 2 10.500V7a1 1 0 0 1 1-1h10a1 1 0 0 1 1 1v3.500a1 1 0 0 1-1 1h-1.500"/><path d="M4.500 9.500h7v4h-7z"/>`,
	"download":   `<path d="M8 2.500v7.500M4.800 7L8 10.200 11.200 7M3 13.500h10"/>`,
	"phone":      `<path d="M4 2.500l2 0.300 1 2.700-1.300 1.200a8 8 0 0 0 3.600 3.600l1.200-1.300 2.700 1 .3 2c0 .8-.6 1.400-1.400 1.400C6.600 13.400 2.600 9.400 2.600 3.900c0-.8.600-1.400 1.400-1.400z"/>`,
	"key":        `<circle cx="5.200" cy="10.800" r="2.800"/><path d="M7.200 8.800L13 3M10.500 5.500l2 2M12 4l1.500 1.500"/>`,
	"keys":       `<rect x="1.500" y="4" width="13" height="8.500" rx="1.500"/><path d="M4 6.800h.1M6.700 6.800h.1M9.300 6.800h.1M12 6.800h.1M5 9.800h6"/>`,
}

// icon is the picture of a name; it is decoration, the word stands beside it. An unknown name panics: templates are executed
// in tests.
func icon(name string) template.HTML {
	shape, ok := shapes[name]
	if !ok {
		panic("page: no icon " + name)
	}
	class := "icon"
	if name == "back" || name == "open" {
		class = "icon turns"
	}
	return template.HTML(`<svg class="` + class + `" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + shape + `</svg>`)
}

package settings

import "strings"

// browser makes a short name out of what a browser calls itself: "Firefox, Linux". The order counts, for most of them bear the
// names of others too.
func browser(agent, unknown string) string {
	name := first(agent, [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"YaBrowser", "Yandex"}, {"SamsungBrowser", "Samsung Internet"}, {"Firefox", "Firefox"},
		{"Chrome", "Chrome"}, {"CriOS", "Chrome"}, {"Safari", "Safari"}, {"curl", "curl"},
	})
	system := first(agent, [][2]string{
		{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS", "macOS"}, {"Linux", "Linux"},
	})
	switch {
	case name == "" && system == "":
		return unknown
	case name == "":
		return system
	case system == "":
		return name
	}
	return name + ", " + system
}

func first(text string, marks [][2]string) string {
	for _, m := range marks {
		if strings.Contains(text, m[0]) {
			return m[1]
		}
	}
	return ""
}

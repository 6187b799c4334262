package page

import (
	"html/template"
	"strings"

	"newspool/internal/news"
)

// ItemParts are what one family of pages puts around an item on the pages of another, because of what it was made from, and what was
// made from it. Each may be empty.
type ItemParts struct {
	Acts   template.HTML // by which something is made from it
	Made   template.HTML // what it was made from
	Strips template.HTML // a source has changed
	Beside template.HTML // what changed in the source; stands beside the text
	Answer template.HTML // the form below both
	Board  template.HTML // what was made from it
}

// Beginning is what a form begins with in which something is made from an item.
type Beginning struct {
	Title   string        // what is being done
	Version int           // of the item
	Story   news.Story    // what is in the fields
	Beside  template.HTML // the item, or what changed in it
	Wrong   string        // what stands against it by now
}

// WithDateline puts the place before the first paragraph of a sanitised body, unless the text begins with it already. open and close
// stand around it.
func WithDateline(body, dateline, open, close string) string {
	dateline = strings.TrimRight(strings.TrimSpace(dateline), "—–- ")
	if dateline == "" || strings.HasPrefix(strings.TrimSpace(news.PlainText(body)), dateline) {
		return body
	}
	mark := open + template.HTMLEscapeString(dateline) + " — " + close
	if strings.HasPrefix(body, "<p") {
		if i := strings.IndexByte(body, '>'); i > 0 {
			return body[:i+1] + mark + body[i+1:]
		}
	}
	return "<p>" + mark + "</p>" + body
}

package news

import "strings"

const (
	itemScheme = "newspool://"
	itemKind   = "/item/"
)

// NewItemID names an item that a newsroom makes; id is its UUIDv7.
func NewItemID(domain, id string) ItemID { return ItemID(itemScheme + domain + itemKind + id) }

// Short is the item as it stands in paths and queries, without scheme and kind: "north.example/0192…". It can be read aloud.
func (id ItemID) Short() string {
	domain, tail, ok := strings.Cut(strings.TrimPrefix(string(id), itemScheme), itemKind)
	if !ok {
		return string(id)
	}
	return domain + "/" + tail
}

// ItemOf is the item that Short wrote; "" for what cannot be one.
func ItemOf(short string) ItemID {
	domain, tail, ok := strings.Cut(short, "/")
	if !ok || domain == "" || tail == "" || strings.ContainsAny(tail, "/?#") {
		return ""
	}
	return NewItemID(domain, tail)
}

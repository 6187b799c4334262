package node

import (
	"strconv"

	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/protocol"
)

// ninjsType is the media type of a story as it crosses and as it is kept.
const ninjsType = "application/ninjs+json"

// writer is the library's codec: stories as ninjs 3.
type writer struct{ self protocol.Identity }

func (w writer) Write(s news.Story, m library.Meta) []byte {
	return ninjs.Write(s, ninjs.Meta{
		URI: string(m.URI), Version: strconv.Itoa(m.Version), Class: m.Class, Released: m.Released, Provider: partner.NameIn(w.self, string(s.Lang)),
	})
}

func (writer) Parse(b []byte) (news.Draft, error) { return ninjs.Parse(b) }

// reader is the exchange's codec. It cleans no bodies: the library does, whenever it gives a story.
type reader struct{}

func (reader) Read(b []byte) (news.Story, error) { return ninjs.Read(b) }

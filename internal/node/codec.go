package node

import (
	"strconv"

	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/protocol"
)

// ninjsType is the media type of a story as it crosses and as it is kept.
const ninjsType = "application/ninjs+json"

// writer is the library's codec: stories as ninjs 3.
type writer struct{ self protocol.Identity }

func (w writer) Write(s news.Story, m library.Meta) []byte {
	return ninjs.Write(s, ninjs.Meta{
		URI: string(m.URI), Version: strconv.Itoa(m.Version), Class: m.Class, Released: m.Released, Provider: w.provider(string(s.Lang)),
	})
}

// provider is our name in the language of a story.
func (w writer) provider(lang string) string {
	for _, l := range append([]string{lang, "en"}, w.self.Languages...) {
		if name := w.self.Names[l]; name != "" {
			return name
		}
	}
	return w.self.Domain
}

func (writer) Parse(b []byte) (news.Draft, error) { return ninjs.Parse(b) }

// reader is the exchange's codec. It cleans no bodies: the library does, whenever it gives a story.
type reader struct{}

func (reader) Read(b []byte) (news.Story, error) { return ninjs.Read(b) }

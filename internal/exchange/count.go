package exchange

import (
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/protocol"
)

// counts reports whether a record counts towards the ceilings of a day: versions that come with their text.
func counts(rec protocol.Record) bool {
	return (rec.Type == TypeRelease || rec.Type == TypeCorrect) && len(rec.Contents) > 0
}

// opaque is the id of a person in the records of one agreement: always the same there, and nothing that could be guessed or
// met again elsewhere.
func (s *Service) opaque(a terms.AgreementID, p news.PersonID) string {
	if p == "" {
		return ""
	}
	return s.Opaque("by", string(a), string(p))
}

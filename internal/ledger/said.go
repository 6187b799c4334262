package ledger

import (
	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Said is a record that a newsroom said, verified and stored, as it is handed to the package that owns its type.
type Said struct {
	Ledger    ID
	Agreement terms.AgreementID
	Owner     news.Root
	Seq       int64
	Record    protocol.Record // of a malformed one only an empty Type
	Bytes     []byte
	Contents  [][]byte     // as many as the record names; nil where one is missing
	IDs       []content.ID // of the contents; "" where one is missing
}

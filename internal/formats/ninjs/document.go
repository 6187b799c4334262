package ninjs

// Document is what we write of ninjs 3.1, in the order in which it is written. Its tags also describe it in the API.
type Document struct {
	URI             string        `json:"uri" doc:"The item. It never changes." example:"newspool://north.example/item/0192f3c1-7d55-7e07-9d3c-0c7c59a3a2b1"`
	Standard        Standard      `json:"standard"`
	Type            string        `json:"type,omitempty" enum:"text,picture,graphic,audio,video,composite"`
	Representation  string        `json:"representationType,omitempty"`
	Version         string        `json:"version,omitempty" required:"true" doc:"The number of the version." example:"2"`
	VersionCreated  string        `json:"versionCreated,omitempty" format:"date-time" doc:"When the version was released."`
	ContentCreated  string        `json:"contentCreated,omitempty" format:"date-time"`
	EmbargoedUntil  string        `json:"embargoedUntil,omitempty" format:"date-time"`
	PubStatus       string        `json:"pubStatus" enum:"usable,withheld,canceled" doc:"canceled: withdrawn; withheld: there is no text now, newspool says why."`
	Urgency         int           `json:"urgency,omitempty" minimum:"1" maximum:"9"`
	CopyrightNotice string        `json:"copyrightNotice,omitempty"`
	UsageTerms      string        `json:"usageTerms,omitempty" doc:"What may be done with the text, in the language of Accept-Language; then, on lines of its own, what its newsroom wrote."`
	EdNote          string        `json:"edNote,omitempty" doc:"Note to editors: what was corrected, why it was withdrawn."`
	Language        string        `json:"language,omitempty"`
	Headlines       []Wording     `json:"headlines,omitempty"`
	Bodies          []Wording     `json:"bodies,omitempty" doc:"The text as clean HTML."`
	Subjects        []Term        `json:"subjects,omitempty"`
	Genres          []Term        `json:"genres,omitempty"`
	InfoSources     []Source      `json:"infoSources,omitempty" doc:"Who sent it (role provider) and how it must be credited (role credit)."`
	By              string        `json:"by,omitempty"`
	Slugline        string        `json:"slugline,omitempty"`
	Located         string        `json:"located,omitempty"`
	AltIDs          []AltID       `json:"altIds,omitempty" doc:"Role newspool:class says what the version is: new, update, correction or withdrawal."`
	Associations    []Association `json:"associations,omitempty"`
}

// Standard names the format.
type Standard struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Schema  string `json:"schema"`
}

// Standard31 is the format that we write.
func Standard31() Standard {
	return Standard{Name: "ninjs", Version: "3.1", Schema: "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json"}
}

// Wording is one wording of a headline, body or description.
type Wording struct {
	Role        string `json:"role,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	WordCount   int    `json:"wordCount,omitempty"`
	Value       string `json:"value"`
}

// Term is a concept of a vocabulary.
type Term struct {
	Name    string `json:"name,omitempty"`
	URI     string `json:"uri,omitempty"`
	Literal string `json:"literal,omitempty"`
}

// Source is somebody to whom a text is owed.
type Source struct {
	Name    string `json:"name,omitempty"`
	Role    string `json:"role"`
	Literal string `json:"literal,omitempty"`
}

// AltID is another identifier.
type AltID struct {
	Role  string `json:"role"`
	Value string `json:"value"`
}

// Association is a photo, sound or film that belongs to a text.
type Association struct {
	Name            string      `json:"name"`
	URI             string      `json:"uri"`
	Type            string      `json:"type,omitempty"`
	CopyrightNotice string      `json:"copyrightNotice,omitempty"`
	Headlines       []Wording   `json:"headlines,omitempty"`
	Descriptions    []Wording   `json:"descriptions,omitempty"`
	InfoSources     []Source    `json:"infoSources,omitempty"`
	By              string      `json:"by,omitempty"`
	Renditions      []Rendition `json:"renditions,omitempty"`
	AltIDs          []AltID     `json:"altIds,omitempty"`
}

// Rendition is a file.
type Rendition struct {
	Name        string `json:"name"`
	Href        string `json:"href,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Width       int    `json:"width,omitempty"`
	Height      int    `json:"height,omitempty"`
	Size        int64  `json:"sizeInBytes,omitempty"`
}

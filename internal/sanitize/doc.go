// Package sanitize is the one policy for text that came from elsewhere.
//
// Whatever a source, a partner or a person pastes in, only the marks of a story are left: paragraphs, headings, lists,
// quotations, links, emphasis, tables, and the attributes lang and dir. There are no styles, classes, pictures, scripts
// or addresses other than http, https and mailto. The result is always balanced and holds no empty paragraph, and doing
// it twice changes nothing: Story(Story(x)) == Story(x).
package sanitize

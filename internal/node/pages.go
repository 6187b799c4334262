package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// firstRun is what the first-run page makes of the node.
type firstRun struct{ n *Node }

func (f firstRun) Self() protocol.Identity { return f.n.Exchange.Self() }

func (f firstRun) SetUp(ctx context.Context, p partner.Profile, also ...func(tx *store.Tx, root string) error) error {
	_, err := f.n.SetUp(ctx, p, also...)
	return err
}

// rootKey is the newsroom's root key, as long as it is on this machine.
type rootKey struct{ n *Node }

func (k rootKey) Waiting(ctx context.Context) (bool, error) {
	stored, err := k.n.Exchange.RootIsStored(ctx)
	return !stored, err
}

func (k rootKey) Key(context.Context) (file []byte, words string, err error) {
	key, err := k.n.RootToStore()
	if err != nil || key == nil {
		return nil, "", err
	}
	if words, err = RootWords(key); err != nil {
		return nil, "", err
	}
	file, err = RootFile(key, k.n.Exchange.Self().Domain)
	return file, words, err
}

func (k rootKey) Stored(ctx context.Context, also ...func(*store.Tx) error) error {
	return k.n.RootStored(ctx, also...)
}

// network asks other machines for the pages.
type network struct{ n *Node }

func (w network) Identity(ctx context.Context, base string) ([]byte, error) {
	return w.n.Peer.Identity(ctx, base)
}

// DomainRoot gives the root that a domain's own page names, over TLS with a certificate that was verified for the domain.
func (w network) DomainRoot(ctx context.Context, domain string) (news.Root, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+domain+protocol.IdentityPath, nil)
	if err != nil {
		return "", fault.New(fault.Invalid, "partner.address", "address", domain).Because(err)
	}
	r, err := w.n.Door.Client().Do(req)
	if err != nil {
		return "", fetch.Fault(err, domain)
	}
	defer r.Body.Close()
	b, err := fetch.ReadAll(r, 128<<10)
	if err != nil {
		return "", err
	}
	id, _, err := protocol.ParseIdentity(b)
	if err != nil {
		return "", fault.New(fault.Invalid, "partner.identity").Because(err)
	}
	return news.Root(id.Root), nil
}

func (w network) Greet(ctx context.Context, root news.Root, words string) error {
	return w.n.Exchange.Greet(ctx, w.n.Peer, root, words)
}

// documents has the readable texts that came along with proposals.
type documents struct{ n *Node }

func (d documents) Document(ctx context.Context, hash terms.RevisionHash, lang news.Lang) (text string, err error) {
	missing := fault.New(fault.NotFound, "fault.not_found")
	rev, ok := d.n.Agreements.Revision(hash)
	if !ok {
		return "", missing
	}
	err = d.n.DB.Read(ctx, func(r store.Reader) error {
		entries, err := ledger.Entries(r, rev.Ledger, rev.Seq, rev.Seq+1)
		if err != nil || len(entries) == 0 {
			return errors.Join(err, missing)
		}
		rec, err := protocol.ParseRecord(entries[0].Record)
		if err != nil {
			return fmt.Errorf("record of a proposal: %w", err)
		}
		for i, ref := range rec.Contents {
			if i < len(entries[0].Contents) && ref.Lang == string(lang) && entries[0].Contents[i].Bytes != nil {
				text = string(entries[0].Contents[i].Bytes)
				return nil
			}
		}
		return missing
	})
	return text, err
}

package news

import "testing"

// An item is found again by the short form of its URI, and by nothing else.
func TestItemOf(t *testing.T) {
	const uuid = "01934f00-0000-7000-8000-000000000001"
	id := NewItemID("north.example", uuid)
	if id != "newspool://north.example/item/"+uuid || id.Short() != "north.example/"+uuid || ItemOf(id.Short()) != id {
		t.Errorf("%s, %s, and back %s", id, id.Short(), ItemOf(id.Short()))
	}
	for _, bad := range []string{"", "x", "/x", "x/", "a/b/c", "a/b?c", "a/b#c"} {
		if got := ItemOf(bad); got != "" {
			t.Errorf("%q is %q", bad, got)
		}
	}
	if got := ItemID("urn:x:item/1").Short(); got != "urn:x:item/1" {
		t.Errorf("what is no item of ours became %q", got)
	}
}

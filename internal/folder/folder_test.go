package folder_test

import (
	"errors"
	"path/filepath"
	"testing"

	"newspool/internal/fault"
	"newspool/internal/folder"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	unlock, err := folder.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Lock(dir); !errors.Is(err, folder.ErrInUse) {
		t.Errorf("a second lock: %v", err)
	}
	unlock()
	unlock, err = folder.Lock(dir)
	if err != nil {
		t.Fatalf("after unlock: %v", err)
	}
	unlock()
	if _, err := folder.Lock(filepath.Join(dir, "no")); !fault.Is(err, fault.Unavailable) {
		t.Errorf("no folder: %v", err)
	}
}

package bench

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"newspool/internal/fault"
)

// How much the floor is measured.
const (
	fsyncBytes = 16 << 10 // what one small commit writes
	fsyncFile  = 4 << 20
	fsyncTimes = 400
	fsyncTime  = 1500 * time.Millisecond
	loopTimes  = 600
)

// fsyncs measures what it takes to write 16 KiB over a file of this folder and have it on disk, in milliseconds.
func fsyncs(dir string) (p50, p99 float64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, 0, fault.New(fault.Unavailable, "config.folder", "folder", dir).Because(err)
	}
	path := filepath.Join(dir, "floor")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, 0, fault.New(fault.Conflict, "bench.used").Because(err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(path)) }()
	block := make([]byte, fsyncFile)
	if _, err := f.Write(block); err != nil {
		return 0, 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, 0, err
	}
	var took []float64
	for began := time.Now(); len(took) < fsyncTimes && time.Since(began) < fsyncTime; {
		at := time.Now()
		if _, err := f.WriteAt(block[:fsyncBytes], int64(len(took))*fsyncBytes%fsyncFile); err != nil {
			return 0, 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, 0, err
		}
		took = append(took, millis(time.Since(at)))
	}
	return quantile(took, 0.5), quantile(took, 0.99), nil
}

// loopback measures one short request to a node over TLS, in milliseconds.
func loopback(ctx context.Context, base string) (float64, error) {
	// The certificate is the node's own; nothing but the time is of interest here.
	t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}}
	defer t.CloseIdleConnections()
	c := &http.Client{Transport: t, Timeout: 10 * time.Second}
	var took []float64
	for range loopTimes {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
		if err != nil {
			return 0, err
		}
		at := time.Now()
		r, err := c.Do(req)
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, r.Body)
		if err := errors.Join(err, r.Body.Close()); err != nil {
			return 0, err
		}
		took = append(took, millis(time.Since(at)))
	}
	return quantile(took, 0.5), nil
}

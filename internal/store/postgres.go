package store

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pgsql is PostgreSQL: one connection that writes, a pool that reads.
type pgsql struct {
	cfg  *pgx.ConnConfig
	pool *pgxpool.Pool
	log  *slog.Logger

	conn  *pgx.Conn // of the writer; nil or closed: to be made
	used  time.Time // when conn last answered
	wraps map[string]string

	wait    time.Duration // how long the next failure to connect is kept before another try
	retryAt time.Time
	failure error
}

const (
	pgConnect = 10 * time.Second
	pgIdle    = time.Second // a connection that rested so long is tried before work is sent through it
	pgWaitMin = 100 * time.Millisecond
	pgWaitMax = 5 * time.Second
)

// pgSettings make the server give up a session whose instance is gone or hangs, as it holds the lock of the writers.
var pgSettings = [...]string{
	"SET idle_in_transaction_session_timeout = '60s'",
	"SET tcp_keepalives_idle = 15",
	"SET tcp_keepalives_interval = 5",
	"SET tcp_keepalives_count = 3",
	"SET tcp_user_timeout = '30s'",
}

// writersLock is the advisory lock that a group holds: instances on one database write one after the other.
var writersLock = func() int64 {
	h := fnv.New64a()
	h.Write([]byte("newspool writer"))
	return int64(h.Sum64())
}()

func openPostgres(ctx context.Context, o Options) (*pgsql, error) {
	pc, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, unavailable(err)
	}
	pc.MaxConns = int32(o.ReadPool)
	pc.MinConns = 0
	pc.ConnConfig.DialFunc = dialer().DialContext
	pc.ConnConfig.ConnectTimeout = pgConnect
	if pc.ConnConfig.RuntimeParams["application_name"] == "" {
		pc.ConnConfig.RuntimeParams["application_name"] = "newspool"
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), pc)
	if err != nil {
		return nil, unavailable(err)
	}
	p := &pgsql{cfg: pc.ConnConfig.Copy(), pool: pool, log: o.Log, wraps: make(map[string]string)}
	if err := p.connect(ctx); err != nil {
		pool.Close()
		return nil, unavailable(err)
	}
	return p, nil
}

// dialer notices a dead line within half a minute, also when something was sent that nobody acknowledges.
func dialer() *net.Dialer {
	return &net.Dialer{
		Timeout:         pgConnect,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
		Control:         userTimeout,
	}
}

// connect makes the connection of the writer.
func (p *pgsql) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pgConnect)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, p.cfg)
	if err != nil {
		return err
	}
	if err := durable(ctx, conn); err != nil {
		_ = conn.Close(ctx)
		return err
	}
	for _, set := range pgSettings {
		if _, err := conn.PgConn().Exec(ctx, set).ReadAll(); err != nil {
			p.log.Debug("the database does not know a setting", slog.String("setting", set), slog.Any("error", err))
		}
	}
	p.conn, p.used = conn, time.Now()
	return nil
}

// durable sees to it that a commit that was reported is on disk.
func durable(ctx context.Context, conn *pgx.Conn) error {
	const show = "SELECT COALESCE(current_setting('synchronous_commit', true), 'on'), COALESCE(current_setting('fsync', true), 'on')"
	var commit, fsync string
	if err := conn.QueryRow(ctx, show).Scan(&commit, &fsync); err != nil {
		return err
	}
	if commit != "on" && commit != "remote_apply" {
		if _, err := conn.Exec(ctx, "SET synchronous_commit = on"); err != nil {
			return err
		}
		if err := conn.QueryRow(ctx, show).Scan(&commit, &fsync); err != nil {
			return err
		}
	}
	if commit != "on" && commit != "remote_apply" || fsync != "on" {
		return fmt.Errorf("store: the server does not keep what it was given: synchronous_commit is %s, fsync is %s", commit, fsync)
	}
	return nil
}

// alive gives a connection that works, or says at once that there is none: after a failure the next try has to wait.
func (p *pgsql) alive() error {
	if p.conn != nil && !p.conn.IsClosed() {
		if time.Since(p.used) < pgIdle {
			return nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), pgConnect)
		defer cancel()
		if err := p.conn.Ping(ctx); err == nil {
			p.used = time.Now()
			return nil
		}
		p.drop()
	}
	if time.Now().Before(p.retryAt) {
		return p.failure
	}
	if err := p.connect(context.Background()); err != nil {
		p.wait = min(max(2*p.wait, pgWaitMin), pgWaitMax)
		p.retryAt = time.Now().Add(p.wait)
		p.failure = err
		return err
	}
	if p.failure != nil {
		p.log.Info("the database is back")
	}
	p.wait, p.failure = 0, nil
	return nil
}

func (p *pgsql) drop() {
	if p.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = p.conn.Close(ctx)
		p.conn = nil
	}
}

func (p *pgsql) begin() (session, error) {
	if err := p.alive(); err != nil {
		return nil, unavailable(err)
	}
	s := &pgSession{conn: p.conn, wraps: p.wraps, mark: -1}
	s.put("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	s.put("SELECT pg_advisory_xact_lock($1)", writersLock)
	s.prelude = len(s.queue)
	return &pgWrite{pgSession: s, p: p}, nil
}

func (p *pgsql) snapshot(ctx context.Context) (session, func(), error) {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil, nil, err
		}
		return nil, nil, unavailable(err)
	}
	s := &pgSession{conn: conn.Conn(), mark: -1}
	s.put("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	s.prelude = len(s.queue)
	return s, func() {
		_ = s.end(false)
		conn.Release()
	}, nil
}

func (p *pgsql) close() error {
	p.pool.Close()
	p.drop()
	return nil
}

// pgWrite is a transaction of the writer.
type pgWrite struct {
	*pgSession
	p *pgsql
}

func (s *pgWrite) end(commit bool) error {
	err := s.pgSession.end(commit)
	if err == nil {
		s.p.used = time.Now()
	}
	return err
}

/* Locks, in this order:
 *   writer  held through a write transaction and through every cure, so that they never meet
 *   map     a read-write lock: held for reading through every transaction, for writing while the map is moved
 *           or the environment reopened (LMDB allows neither while a transaction of this process is alive)
 *   pool    the list of idle read transactions, for an instant
 * Read transactions are reset and renewed, not ended and begun: no allocation, no slot hunting. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"

#define MAP_MOST_BYTES (UINT64_C(1) << 40)
#define CURES_MOST     24 /* doublings from a page to MAP_MOST_BYTES, and some */
#define FILE_MODE      0600

static const char *const table_names[TABLE_COUNT] = {
	[TABLE_META] = "meta",
	[TABLE_SUPPRESSIONS] = "suppressions",
	[TABLE_CONSENTS] = "consents",
	[TABLE_PERSONS] = "persons",
	[TABLE_JOURNAL] = "journal",
	[TABLE_NAMES] = "names",
	[TABLE_BLOCKS] = "blocks",
	[TABLE_BLOCK_NAMES] = "block-names",
	[TABLE_ALLOWS] = "allows",
	[TABLE_FAMILIES] = "families",
	[TABLE_WORDINGS] = "wordings",
	[TABLE_SUBSCRIBERS] = "subscribers",
	[TABLE_LINKS] = "links",
	[TABLE_CAPS] = "caps",
	[TABLE_IMPORTS] = "imports",
	[TABLE_LOADS] = "loads",
	[TABLE_BEFORE] = "before",
};
#define TABLES_MOST 32 /* room for tables of later versions */

struct txn {
	struct store *store;
	MDB_txn *mdb;
	MDB_cursor *cursors[TABLE_COUNT]; /* kept from one use to the next; read transactions only */
	unsigned renewed;                 /* bit per cursor: fit for this use */
	bool writes;
	int rc; /* first failure; sticky */
	struct txn *next;
};

struct store {
	char *dir;
	struct store_settings settings;
	MDB_env *env; /* NULL after a reopening that failed */
	MDB_dbi tables[TABLE_COUNT];
	unsigned missing; /* bit per table that an older version has not made, and that nobody may make here: read as empty */
	pthread_mutex_t writer, pool;
	pthread_rwlock_t map;
	struct txn *idle;
};

static int store_err(struct err *err, int rc, const char *doing)
{
	bool corrupt = rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND || rc == MDB_INVALID || rc == MDB_VERSION_MISMATCH;
	err_set(err, corrupt ? ERR_CORRUPT : ERR_UNAVAILABLE, "ledger: cannot %s: %s", doing, mdb_strerror(rc));
	if (err && rc > 0)
		err->sys = rc;
	return -1;
}

/* ---- opening ---- */

static int tables_open(struct store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, s->settings.read_only ? MDB_RDONLY : 0, &txn);
	s->missing = 0;
	for (int i = 0; rc == 0 && i < TABLE_COUNT; i++) {
		rc = mdb_dbi_open(txn, table_names[i], s->settings.read_only ? 0 : MDB_CREATE, &s->tables[i]);
		if (rc == MDB_NOTFOUND && i >= TABLES_FIRST) {
			s->missing |= 1u << i;
			rc = 0;
		}
		if (rc)
			mdb_txn_abort(txn);
	}
	return rc ? rc : mdb_txn_commit(txn);
}

static int tables_open_cured(struct store *s)
{
	int rc = tables_open(s);
	for (int i = 0; i < CURES_MOST && (rc == MDB_MAP_RESIZED || rc == MDB_MAP_FULL); i++) {
		MDB_envinfo info;
		mdb_env_info(s->env, &info);
		rc = mdb_env_set_mapsize(s->env, rc == MDB_MAP_FULL ? info.me_mapsize * 2 : 0);
		if (rc == 0)
			rc = tables_open(s);
	}
	return rc;
}

static int env_open(struct store *s)
{
	const struct store_settings *set = &s->settings;
	int rc = mdb_env_create(&s->env);
	if (rc) {
		s->env = NULL;
		return rc;
	}
	int dead;
	bool failed = (rc = mdb_env_set_mapsize(s->env, set->map_bytes)) ||
	    (rc = mdb_env_set_maxreaders(s->env, set->max_readers)) || (rc = mdb_env_set_maxdbs(s->env, TABLES_MOST)) ||
	    (rc = mdb_env_open(s->env, s->dir, MDB_NOTLS | (set->read_only ? MDB_RDONLY : 0), FILE_MODE)) ||
	    (rc = mdb_reader_check(s->env, &dead)) || (rc = tables_open_cured(s));
	if (failed) {
		mdb_env_close(s->env);
		s->env = NULL;
	}
	return rc;
}

int store_open(struct store **ret, const struct store_settings *settings, struct err *err)
{
	struct store *s = mem_zero(sizeof *s);
	s->settings = *settings;
	s->dir = mem_strdup(settings->dir);
	pthread_mutex_init(&s->writer, NULL);
	pthread_mutex_init(&s->pool, NULL);
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->map, &attr);
	pthread_rwlockattr_destroy(&attr);
	int rc = env_open(s);
	if (rc) {
		store_err(err, rc, "open the store");
		err_prefix(err, "%s", s->dir);
		store_close(&s);
		return -1;
	}
	*ret = s;
	return 0;
}

static void slot_empty(struct txn *t)
{
	for (int i = 0; i < TABLE_COUNT; i++) {
		if (t->cursors[i])
			mdb_cursor_close(t->cursors[i]);
		t->cursors[i] = NULL;
	}
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	t->mdb = NULL;
}

static void idle_free(struct store *s)
{
	while (s->idle) {
		struct txn *t = s->idle;
		s->idle = t->next;
		slot_empty(t);
		free(t);
	}
}

void store_close(struct store **sp)
{
	struct store *s = *sp;
	if (!s)
		return;
	idle_free(s);
	if (s->env)
		mdb_env_close(s->env);
	pthread_mutex_destroy(&s->writer);
	pthread_mutex_destroy(&s->pool);
	pthread_rwlock_destroy(&s->map);
	free(s->dir);
	free(s);
	*sp = NULL;
}

/* ---- cures: called without any lock of ours ---- */

static bool reopen(struct store *s)
{
	idle_free(s);
	if (s->env)
		mdb_env_close(s->env);
	s->env = NULL;
	return env_open(s) == 0;
}

static bool grow(struct store *s)
{
	MDB_envinfo info;
	if (!s->env || mdb_env_info(s->env, &info) || info.me_mapsize >= MAP_MOST_BYTES)
		return false;
	if (mdb_env_set_mapsize(s->env, info.me_mapsize * 2) == 0) {
		s->settings.map_bytes = info.me_mapsize * 2;
		return true;
	}
	/* A map that could not be moved is gone: get the old one back, for the readers. The write stays refused. */
	reopen(s);
	return false;
}

static bool adopt(struct store *s)
{
	return s->env && (mdb_env_set_mapsize(s->env, 0) == 0 || reopen(s));
}

static bool reap(struct store *s)
{
	int dead = 0;
	return s->env && mdb_reader_check(s->env, &dead) == 0 && dead > 0;
}

static const struct cure {
	int rc;
	bool (*apply)(struct store *);
} cures[] = {
	{MDB_MAP_FULL, grow},
	{MDB_MAP_RESIZED, adopt},
	{MDB_READERS_FULL, reap},
	{MDB_PANIC, reopen},
};

static bool cure(struct store *s, int rc)
{
	bool cured = false;
	for (size_t i = 0; i < sizeof cures / sizeof *cures; i++) {
		if (cures[i].rc != rc)
			continue;
		pthread_mutex_lock(&s->writer);
		pthread_rwlock_wrlock(&s->map);
		cured = cures[i].apply(s);
		pthread_rwlock_unlock(&s->map);
		pthread_mutex_unlock(&s->writer);
	}
	return cured;
}

void store_reap(struct store *s)
{
	pthread_rwlock_rdlock(&s->map);
	reap(s);
	pthread_rwlock_unlock(&s->map);
}

/* ---- transactions ---- */

static struct txn *slot_take(struct store *s)
{
	pthread_mutex_lock(&s->pool);
	struct txn *t = s->idle;
	if (t)
		s->idle = t->next;
	pthread_mutex_unlock(&s->pool);
	if (!t) {
		t = mem_zero(sizeof *t);
		t->store = s;
	}
	t->renewed = 0;
	t->rc = 0;
	return t;
}

static int slot_renew(struct txn *t)
{
	if (!t->store->env)
		return MDB_PANIC;
	int rc = t->mdb ? mdb_txn_renew(t->mdb) : mdb_txn_begin(t->store->env, NULL, MDB_RDONLY, &t->mdb);
	if (rc)
		slot_empty(t);
	return rc;
}

int store_read(struct store *s, struct txn **ret, struct err *err)
{
	int rc = 0;
	for (int tries = 0; tries < CURES_MOST; tries++) {
		pthread_rwlock_rdlock(&s->map);
		struct txn *t = slot_take(s);
		rc = slot_renew(t);
		if (rc == 0) {
			*ret = t;
			return 0;
		}
		free(t);
		pthread_rwlock_unlock(&s->map);
		if (!cure(s, rc))
			break;
	}
	return store_err(err, rc, "begin to read");
}

int store_write(struct store *s, struct txn **ret, struct err *err)
{
	int rc = 0;
	for (int tries = 0; tries < CURES_MOST; tries++) {
		pthread_mutex_lock(&s->writer);
		pthread_rwlock_rdlock(&s->map);
		MDB_txn *mdb;
		rc = s->env ? mdb_txn_begin(s->env, NULL, 0, &mdb) : MDB_PANIC;
		if (rc == 0) {
			struct txn *t = mem_zero(sizeof *t);
			*t = (struct txn){.store = s, .mdb = mdb, .writes = true};
			*ret = t;
			return 0;
		}
		pthread_rwlock_unlock(&s->map);
		pthread_mutex_unlock(&s->writer);
		if (!cure(s, rc))
			break;
	}
	return store_err(err, rc, "begin to write");
}

static void read_end(struct txn *t)
{
	struct store *s = t->store;
	mdb_txn_reset(t->mdb);
	pthread_mutex_lock(&s->pool);
	t->next = s->idle;
	s->idle = t;
	pthread_mutex_unlock(&s->pool);
	pthread_rwlock_unlock(&s->map);
}

static void write_end(struct txn *t)
{
	struct store *s = t->store;
	if (t->mdb)
		mdb_txn_abort(t->mdb);
	free(t);
	pthread_rwlock_unlock(&s->map);
	pthread_mutex_unlock(&s->writer);
}

void txn_end(struct txn **tp)
{
	struct txn *t = *tp;
	if (t)
		(t->writes ? write_end : read_end)(t);
	*tp = NULL;
}

int txn_check(const struct txn *t, struct err *err)
{
	return t->rc ? store_err(err, t->rc, "read") : 0;
}

int txn_commit(struct txn **tp, bool *ret_again, struct err *err)
{
	struct txn *t = *tp;
	struct store *s = t->store;
	int rc = t->rc;
	if (rc == 0) {
		rc = mdb_txn_commit(t->mdb); /* the commit point: on disk when this returns 0 */
		t->mdb = NULL;
	}
	txn_end(tp);
	*ret_again = rc && cure(s, rc);
	return rc ? store_err(err, rc, "commit") : 0;
}

/* ---- rows ---- */

static MDB_val val(struct view v)
{
	return (MDB_val){.mv_size = v.n, .mv_data = (void *)(uintptr_t)v.p};
}

static struct view unval(MDB_val v)
{
	return view_n(v.mv_data, v.mv_size);
}

/* True when there is a row; anything but its absence sticks. */
static bool found(struct txn *t, int rc)
{
	if (rc && rc != MDB_NOTFOUND)
		t->rc = rc;
	return rc == 0;
}

static bool is_missing(const struct txn *t, enum table table)
{
	return t->store->missing & 1u << table;
}

bool txn_get(struct txn *t, enum table table, struct view key, struct view *ret)
{
	MDB_val k = val(key), v;
	if (t->rc || is_missing(t, table) || !found(t, mdb_get(t->mdb, t->store->tables[table], &k, &v)))
		return false;
	*ret = unval(v);
	return true;
}

/* A read transaction keeps its cursors; those of a write transaction live for one walk. */
static MDB_cursor *cursor_take(struct txn *t, enum table table)
{
	MDB_cursor *c = t->cursors[table];
	if (t->rc || is_missing(t, table))
		return NULL;
	if (!c)
		t->rc = mdb_cursor_open(t->mdb, t->store->tables[table], &c);
	else if (!(t->renewed & 1u << table))
		t->rc = mdb_cursor_renew(t->mdb, c);
	if (t->rc)
		return NULL;
	if (!t->writes)
		t->cursors[table] = c;
	t->renewed |= 1u << table;
	return c;
}

static void cursor_give(struct txn *t, MDB_cursor *c)
{
	if (t->writes)
		mdb_cursor_close(c);
}

bool txn_last(struct txn *t, enum table table, struct view *ret_key, struct view *ret_value)
{
	MDB_cursor *c = cursor_take(t, table);
	if (!c)
		return false;
	MDB_val k, v;
	bool there = found(t, mdb_cursor_get(c, &k, &v, MDB_LAST));
	if (there) {
		*ret_key = unval(k);
		*ret_value = unval(v);
	}
	cursor_give(t, c);
	return there;
}

void txn_each(struct txn *t, enum table table, struct view from, size_t prefix, store_row *each, void *arg)
{
	MDB_cursor *c = cursor_take(t, table);
	if (!c)
		return;
	MDB_val k = val(from), v;
	for (enum MDB_cursor_op op = MDB_SET_RANGE; found(t, mdb_cursor_get(c, &k, &v, op)); op = MDB_NEXT) {
		if (k.mv_size < prefix || memcmp(k.mv_data, from.p, prefix) != 0 || !each(arg, unval(k), unval(v)))
			break;
	}
	cursor_give(t, c);
}

static void put(struct txn *t, enum table table, struct view key, struct view value, unsigned flags)
{
	MDB_val k = val(key), v = val(value);
	if (t->rc == 0)
		t->rc = mdb_put(t->mdb, t->store->tables[table], &k, &v, flags);
}

void txn_put(struct txn *t, enum table table, struct view key, struct view value)
{
	put(t, table, key, value, 0);
}

void txn_put_last(struct txn *t, enum table table, struct view key, struct view value)
{
	put(t, table, key, value, MDB_APPEND);
}

uint64_t txn_id(const struct txn *t)
{
	return mdb_txn_id(t->mdb);
}

void txn_delete(struct txn *t, enum table table, struct view key)
{
	MDB_val k = val(key);
	if (t->rc == 0)
		found(t, mdb_del(t->mdb, t->store->tables[table], &k, NULL));
}

int store_stats(struct store *s, struct store_stats *ret, struct err *err)
{
	struct txn *t = NULL;
	if (store_read(s, &t, err) < 0)
		return -1;
	MDB_stat stat = {0};
	MDB_envinfo info = {0};
	for (int i = 0; i < TABLE_COUNT && t->rc == 0; i++) {
		ret->rows[i] = 0;
		if (is_missing(t, (enum table)i))
			continue;
		t->rc = mdb_stat(t->mdb, s->tables[i], &stat);
		ret->rows[i] = stat.ms_entries;
	}
	if (t->rc == 0)
		t->rc = mdb_env_info(s->env, &info);
	ret->used_bytes = (info.me_last_pgno + 1) * (uint64_t)stat.ms_psize;
	ret->map_bytes = info.me_mapsize;
	ret->readers = info.me_numreaders;
	int rc = txn_check(t, err);
	txn_end(&t);
	return rc;
}

int store_copy(struct store *s, const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
	if (fd < 0)
		return err_sys(err, "%s", path);
	pthread_rwlock_rdlock(&s->map);
	int rc = s->env ? mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT) : MDB_PANIC;
	pthread_rwlock_unlock(&s->map);
	if (rc == 0 && fsync(fd) < 0)
		rc = errno;
	close(fd);
	return rc ? store_err(err, rc, "copy") : 0;
}

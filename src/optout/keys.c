/* The key ring of tokens: one file a key, so that rotation only ever adds a file. */
#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/file.h"
#include "base/mem.h"
#include "token_internal.h"

#define FILE_MAX    256
#define PATH_BYTES  4096
#define LOAD_ROUNDS 3 /* two processes may make the first key at once: the slower one reads again */

struct token_keys {
	_Atomic long refs;
	struct token_key *by_id[TOKEN_KEYS_MAX + 1];
	unsigned count;
	uint8_t newest;
};

static void derive(const struct mac_key *root, struct view use, uint8_t out[SHA256_BYTES])
{
	mac(root, &use, 1, out);
}

static struct token_key *key_new(const uint8_t bytes[TOKEN_KEY_BYTES])
{
	struct token_key *k = mem_zero(sizeof *k);
	struct mac_key *root = mac_key_new(bytes);
	uint8_t address[MAC_KEY_BYTES];
	derive(root, V("optgate token link 1"), k->link);
	derive(root, V("optgate token address 1"), address);
	k->address = mac_key_new(address);
	mem_wipe(address, sizeof address);
	mac_key_free(&root);
	return k;
}

static void key_free(struct token_key *k)
{
	if (!k)
		return;
	mac_key_free(&k->address);
	mem_wipe(k, sizeof *k);
	free(k);
}

static struct token_keys *ring_new(void)
{
	struct token_keys *k = mem_zero(sizeof *k);
	k->refs = 1;
	return k;
}

static void ring_put(struct token_keys *k, uint8_t id, const uint8_t bytes[TOKEN_KEY_BYTES])
{
	ALWAYS(id && !k->by_id[id]);
	k->by_id[id] = key_new(bytes);
	k->count++;
	if (id > k->newest)
		k->newest = id;
}

struct token_keys *token_keys_new(const uint8_t (*keys)[TOKEN_KEY_BYTES], const uint8_t *ids, size_t n)
{
	struct token_keys *k = ring_new();
	for (size_t i = 0; i < n; i++)
		ring_put(k, ids[i], keys[i]);
	ALWAYS(k->count > 0);
	return k;
}

struct token_keys *token_keys_hold(struct token_keys *k)
{
	atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
	return k;
}

void token_keys_free(struct token_keys **ring)
{
	struct token_keys *k = *ring;
	*ring = NULL;
	if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) > 1)
		return;
	for (unsigned id = 0; id <= TOKEN_KEYS_MAX; id++)
		key_free(k->by_id[id]);
	free(k);
}

unsigned token_keys_count(const struct token_keys *k)
{
	return k->count;
}

unsigned token_keys_minting(const struct token_keys *k)
{
	return k->newest;
}

const struct token_key *token_keys_find(const struct token_keys *k, uint8_t id)
{
	return k->by_id[id];
}

const struct token_key *token_keys_mint(const struct token_keys *k, uint8_t *ret_id)
{
	*ret_id = k->newest;
	return k->by_id[k->newest];
}

/* "token-007.key" -> 7; 0 for any other name. */
static unsigned id_of_name(struct view name)
{
	struct view head = V("token-"), tail = V(".key");
	uint64_t id;
	if (name.n != head.n + 3 + tail.n || !view_starts(name, head) || !view_ends(name, tail) ||
	    !view_u64(view_sub(name, head.n, head.n + 3), TOKEN_KEYS_MAX, &id))
		return 0;
	return (unsigned)id;
}

static int key_path(char *dst, const char *dir, unsigned id, struct err *err)
{
	char name[32];
	snprintf(name, sizeof name, "token-%03u.key", id);
	return path_join(dst, PATH_BYTES, dir, name, err);
}

/* Which numbers there are in DIR. */
static int list(const char *dir, bool present[TOKEN_KEYS_MAX + 1], struct err *err)
{
	DIR *d = opendir(dir);
	if (!d)
		return err_sys(err, "%s", dir);
	struct dirent *e;
	errno = 0;
	while ((e = readdir(d))) {
		present[id_of_name(view_of(e->d_name))] = true;
		errno = 0;
	}
	int rc = errno ? err_sys(err, "%s", dir) : 0;
	closedir(d);
	present[0] = false;
	return rc;
}

static unsigned highest(const bool present[TOKEN_KEYS_MAX + 1])
{
	unsigned id = TOKEN_KEYS_MAX;
	while (id > 0 && !present[id])
		id--;
	return id;
}

static int make_key(const char *dir, unsigned id, struct err *err)
{
	char path[PATH_BYTES];
	if (key_path(path, dir, id, err))
		return -1;
	uint8_t bytes[TOKEN_KEY_BYTES];
	random_bytes(bytes, sizeof bytes);
	struct buf text;
	buf_init(&text, FILE_MAX);
	hex_encode(&text, view_n(bytes, sizeof bytes));
	buf_byte(&text, '\n');
	int rc = file_create(path, buf_view(&text), 0600, err);
	mem_wipe(text.p, text.n);
	buf_free(&text);
	mem_wipe(bytes, sizeof bytes);
	return rc;
}

static int load_key(struct token_keys *k, const char *dir, unsigned id, struct err *err)
{
	char path[PATH_BYTES];
	struct stat st;
	if (key_path(path, dir, id, err))
		return -1;
	if (stat(path, &st) == 0 && (st.st_mode & S_IROTH))
		return err_set(err, ERR_REFUSED, "%s: everybody may read it (expected mode 0600)", path);
	struct buf text;
	buf_init(&text, FILE_MAX);
	uint8_t bytes[TOKEN_KEY_BYTES];
	int rc = file_read(path, &text, err);
	if (rc == 0 && hex_decode(view_trim(buf_view(&text)), bytes, sizeof bytes))
		ring_put(k, (uint8_t)id, bytes);
	else if (rc == 0)
		rc = err_set(err, ERR_CORRUPT, "%s: expected %d hex digits", path, 2 * TOKEN_KEY_BYTES);
	if (text.p)
		mem_wipe(text.p, text.n);
	buf_free(&text);
	mem_wipe(bytes, sizeof bytes);
	return rc;
}

int token_keys_load(struct token_keys **ret, const char *dir, struct err *err)
{
	struct token_keys *k = ring_new();
	int rc = dir_make(dir, 0700, err);
	for (int round = 0; rc == 0 && k->count == 0 && round < LOAD_ROUNDS; round++) {
		bool present[TOKEN_KEYS_MAX + 1] = {0};
		struct err conflict = {0};
		rc = list(dir, present, err);
		if (rc == 0 && highest(present) == 0 && make_key(dir, 1, &conflict) &&
		    conflict.kind != ERR_CONFLICT) {
			rc = err_set(err, conflict.kind, "%s", conflict.text);
			if (err)
				err->sys = conflict.sys;
		}
		for (unsigned id = 1; rc == 0 && id <= TOKEN_KEYS_MAX; id++)
			if (present[id])
				rc = load_key(k, dir, id, err);
	}
	if (rc == 0 && k->count == 0)
		rc = err_set(err, ERR_UNAVAILABLE, "%s: no token key could be made", dir);
	if (rc)
		token_keys_free(&k);
	else
		*ret = k;
	return rc;
}

int token_keys_rotate(const char *dir, unsigned *ret_id, struct err *err)
{
	bool present[TOKEN_KEYS_MAX + 1] = {0};
	if (dir_make(dir, 0700, err) || list(dir, present, err))
		return -1;
	unsigned id = highest(present) + 1;
	if (id > TOKEN_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "%s: key number %d is the last one", dir, TOKEN_KEYS_MAX);
	if (make_key(dir, id, err))
		return -1;
	*ret_id = id;
	return 0;
}

/* The two keys beside the data. Without ledger.key nobody can be found again, so it is never made anew for data that exists;
 * with another one everybody would seem unknown, so the store keeps a mark of the key that it was made with. */
#include "ledger_internal.h"

#include <limits.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/file.h"

#define KEY_TEXT (2 * MAC_KEY_BYTES)
#define MARK_SIZE 16

static int key_make(const char *path, struct err *err)
{
	uint8_t key[MAC_KEY_BYTES];
	struct buf text;
	struct err e = {0};
	buf_init(&text, KEY_TEXT + 1);
	random_bytes(key, sizeof key);
	hex_encode(&text, view_n(key, sizeof key));
	buf_byte(&text, '\n');
	int rc = file_create(path, buf_view(&text), 0600, &e);
	if (rc < 0 && e.kind == ERR_CONFLICT)
		rc = 0; /* another process was first: its key is the one */
	if (rc < 0 && err)
		*err = e;
	mem_wipe(key, sizeof key);
	mem_wipe(text.p, text.n);
	buf_free(&text);
	return rc;
}

static int key_read(const char *path, uint8_t dst[MAC_KEY_BYTES], struct err *err)
{
	struct stat st;
	struct buf text;
	buf_init(&text, KEY_TEXT + 2);
	int rc = file_read(path, &text, err);
	if (rc == 0 && (stat(path, &st) < 0 || st.st_mode & 077))
		rc = err_set(err, ERR_REFUSED, "%s: others can read this key (mode must be 0600)", path);
	else if (rc == 0 && !hex_decode(view_trim(buf_view(&text)), dst, MAC_KEY_BYTES))
		rc = err_set(err, ERR_CORRUPT, "%s: expected %d hex digits", path, KEY_TEXT);
	if (text.p)
		mem_wipe(text.p, text.n);
	buf_free(&text);
	return rc;
}

static int key_load(const char *dir, const char *name, uint8_t dst[MAC_KEY_BYTES], bool may_create, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	if (path_join(path, sizeof path, dir, name, err) < 0)
		return -1;
	if (stat(path, &st) < 0 && !may_create)
		return err_set(err, ERR_MISSING,
		    "%s is missing, and there are data that it belongs to: restore it (a new key would find nobody)",
		    path);
	if (stat(path, &st) < 0 && key_make(path, err) < 0)
		return -1;
	return key_read(path, dst, err);
}

int keys_load(struct ledger_keys *ret, const char *key_dir, bool may_create, struct err *err)
{
	if (may_create && dir_make(key_dir, 0700, err) < 0)
		return -1;
	if (key_load(key_dir, "ledger.key", ret->ledger, may_create, err) < 0)
		return -1;
	return key_load(key_dir, "person.key", ret->person, may_create, err);
}

static void key_mark(const uint8_t key[MAC_KEY_BYTES], uint8_t mark[SHA256_BYTES])
{
	struct mac_key *k = mac_key_new(key);
	struct view text = V("optgate key check");
	mac(k, &text, 1, mark);
	mac_key_free(&k);
}

/* False for another key's mark. */
static bool mark_fits(struct txn *t, struct view name, const uint8_t key[MAC_KEY_BYTES], bool *ret_missing)
{
	uint8_t mark[SHA256_BYTES];
	struct view stored;
	key_mark(key, mark);
	if (txn_get(t, TABLE_META, name, &stored))
		return view_eq(stored, view_n(mark, MARK_SIZE));
	*ret_missing = true;
	return true;
}

static void marks_write(struct txn *t, const struct ledger_keys *keys)
{
	uint8_t mark[SHA256_BYTES], version = FORMAT_VERSION;
	txn_put(t, TABLE_META, V("version"), view_n(&version, 1));
	key_mark(keys->ledger, mark);
	txn_put(t, TABLE_META, V("ledger-key"), view_n(mark, MARK_SIZE));
	key_mark(keys->person, mark);
	txn_put(t, TABLE_META, V("person-key"), view_n(mark, MARK_SIZE));
}

/* What the marks say, within T. */
static int marks_compare(struct txn *t, const struct ledger_keys *keys, bool *ret_missing, struct err *err)
{
	struct view version;
	if (txn_get(t, TABLE_META, V("version"), &version) && !view_eq(version, V("\x01")))
		return err_set(err, ERR_REFUSED, "the ledger was written by a newer optgate");
	if (!mark_fits(t, V("ledger-key"), keys->ledger, ret_missing))
		return err_set(err, ERR_REFUSED,
		    "ledger.key is not the key that this ledger was made with: restore the right one");
	if (!mark_fits(t, V("person-key"), keys->person, ret_missing))
		return err_set(err, ERR_REFUSED,
		    "person.key is not the key that this ledger was made with: restore the right one");
	return txn_check(t, err);
}

int keys_check(struct store *store, const struct ledger_keys *keys, bool read_only, struct err *err)
{
	bool missing = false, again = false;
	struct txn *t = NULL;
	if (store_read(store, &t, err) < 0)
		return -1;
	int rc = marks_compare(t, keys, &missing, err);
	txn_end(&t);
	if (rc < 0 || !missing || read_only)
		return rc;
	do {
		missing = false;
		if (store_write(store, &t, err) < 0)
			return -1;
		rc = marks_compare(t, keys, &missing, err);
		if (rc == 0 && missing)
			marks_write(t, keys);
		if (rc < 0) {
			txn_end(&t);
			return -1;
		}
		rc = txn_commit(&t, &again, err);
	} while (rc < 0 && again);
	return rc;
}

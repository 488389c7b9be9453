/* Opening and closing, in order: keys, store, the keys' marks, committer. */
#include "ledger_internal.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static int open_store(struct ledger *l, const struct ledger_settings *s, struct err *err)
{
	const struct store_settings store = {
	    .dir = s->dir,
	    .map_bytes = s->map_bytes ? s->map_bytes : MAP_DEFAULT_BYTES,
	    .max_readers = s->max_readers ? s->max_readers : READERS_DEFAULT,
	    .read_only = s->read_only,
	};
	return store_open(&l->store, &store, err);
}

/* Keys before data: a crash between them leaves keys without data, never data without keys. */
static int open_parts(struct ledger *l, const struct ledger_settings *s, struct ledger_keys *keys, struct err *err)
{
	char data[PATH_MAX];
	if (path_join(data, sizeof data, s->dir, "data.mdb", err) < 0)
		return -1;
	bool fresh = access(data, F_OK) < 0;
	if (fresh && s->read_only)
		return err_set(err, ERR_MISSING, "%s: no ledger here", s->dir);
	if (fresh && dir_make(s->dir, 0700, err) < 0)
		return -1;
	if (keys_load(keys, s->key_dir, fresh, err) < 0 || open_store(l, s, err) < 0 ||
	    keys_check(l->store, keys, s->read_only, err) < 0)
		return -1;
	l->key = mac_key_new(keys->ledger);
	memcpy(l->person_key, keys->person, sizeof l->person_key);
	return s->read_only ? 0 : committer_start(l, err);
}

int ledger_open(struct ledger **ret, const struct ledger_settings *s, const struct clock *clock, struct err *err)
{
	struct ledger *l = mem_zero(sizeof *l);
	struct ledger_keys keys;
	l->clock = clock;
	l->dir = mem_strdup(s->dir);
	l->batch = s->batch ? s->batch : BATCH_DEFAULT;
	l->load_rows = s->load_rows ? s->load_rows : LOAD_ROWS_DEFAULT;
	l->read_only = s->read_only;
	int rc = open_parts(l, s, &keys, err);
	mem_wipe(&keys, sizeof keys);
	if (rc < 0) {
		ledger_close(&l);
		return -1;
	}
	*ret = l;
	return 0;
}

void ledger_close(struct ledger **lp)
{
	struct ledger *l = *lp;
	if (!l)
		return;
	if (l->committer)
		committer_stop(l);
	store_close(&l->store);
	mac_key_free(&l->key);
	mem_wipe(l->person_key, sizeof l->person_key);
	free(l->dir);
	free(l);
	*lp = NULL;
}

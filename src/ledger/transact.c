/* One write transaction of many rows, beside those of the committer: imports and what undoes them. */
#include "ledger_internal.h"

#include <time.h>

#define BREATH_NS 2000000

static int attempt(struct ledger *l, transaction *work, void *arg, bool *ret_again, struct err *err)
{
	struct txn *t = NULL;
	struct apply a;
	*ret_again = false;
	if (store_write(l->store, &t, err) < 0)
		return -1;
	apply_begin(&a, l, t);
	if (work(&a, arg, err) < 0) {
		txn_end(&t);
		return -1;
	}
	return txn_commit(&t, ret_again, err);
}

int ledger_transact(struct ledger *l, transaction *work, void *arg, struct err *err)
{
	bool again;
	int rc;
	if (l->read_only)
		return err_set(err, ERR_REFUSED, "the ledger is open for reading only");
	do {
		rc = attempt(l, work, arg, &again, err);
		/* The writer's lock is not a fair one: without a pause an import would keep every opt-out waiting to its end. */
		nanosleep(&(struct timespec){.tv_nsec = BREATH_NS}, NULL);
	} while (rc < 0 && again);
	return rc;
}

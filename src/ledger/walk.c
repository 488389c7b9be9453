#include "ledger/walk.h"

#include <stdlib.h>

#include "page.h"

/* 1 goes on, 0 the walker has stopped. */
static int show_page(struct ledger *l, const struct row_page *p, enum table table, const struct ledger_walk *w, void *arg, struct buf *address, struct err *err)
{
	struct err why;
	for (unsigned i = 0; i < p->count; i++) {
		buf_clear(address);
		if (ledger_person(l, &p->who[i], address, &why) < 0 && why.kind != ERR_MISSING)
			return err_set(err, why.kind, "%s", why.text);
		bool (*row)(void *, const struct suppression *, struct view) = table == TABLE_ALLOWS   ? w->allow
		                                                               : table == TABLE_BLOCKS ? w->block
		                                                                                       : w->suppression;
		bool more = table == TABLE_CONSENTS ? w->consent(arg, &p->consents[i], buf_view(address))
		                                    : row(arg, &p->suppressions[i], buf_view(address));
		if (!more)
			return 0;
	}
	return 1;
}

static int walk_table(struct ledger *l, enum table table, const struct ledger_walk *w, void *arg, struct err *err)
{
	struct row_page *p = mem_zero(sizeof *p);
	struct buf address;
	int rc = 1;
	buf_init(&address, 1024);
	row_page_begin(p, table);
	do {
		rc = row_page_read(l, p, err) < 0 ? -1 : show_page(l, p, table, w, arg, &address, err);
	} while (rc == 1 && p->count == PAGE_ROWS);
	buf_free(&address);
	free(p);
	return rc;
}

int ledger_walk(struct ledger *l, const struct ledger_walk *w, void *arg, struct err *err)
{
	const struct {
		enum table table;
		bool wanted;
	} tables[] = {
	    {TABLE_SUPPRESSIONS, w->suppression != NULL},
	    {TABLE_BLOCKS, w->block != NULL},
	    {TABLE_CONSENTS, w->consent != NULL},
	    {TABLE_ALLOWS, w->allow != NULL},
	};
	int rc = 1;
	for (size_t i = 0; rc == 1 && i < sizeof tables / sizeof *tables; i++)
		if (tables[i].wanted)
			rc = walk_table(l, tables[i].table, w, arg, err);
	return rc < 0 ? -1 : 0;
}

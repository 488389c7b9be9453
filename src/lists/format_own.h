/* The rows of our own lists, for the table of format.c. */
#pragma once

#include "lists/format.h"

void map_own(const struct list_row *r, struct list_entry *e);
void map_own_allow(const struct list_row *r, struct list_entry *e);
void map_own_consent(const struct list_row *r, struct list_entry *e);

/* A suppression, with the file's date and words. */
void list_take(struct list_entry *e, enum reason reason, struct view address, struct view date, struct view note);

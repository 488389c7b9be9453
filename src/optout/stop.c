#include "optout/stop.h"

#include <string.h>

static const char *const stop_words[] = {"stop", "stopall", "stop all", "unsubscribe", "cancel", "end", "quit", "optout", "opt-out",
    "arret", "arrêt", "stopp", "abmelden", "baja", "atal"};

bool is_stop_word(struct view said)
{
	said = view_trim(said);
	while (said.n && strchr(".!\"'", said.p[said.n - 1]))
		said.n--;
	while (said.n && strchr("\"'", said.p[0]))
		said = view_sub(said, 1, said.n);
	for (size_t i = 0; i < sizeof stop_words / sizeof *stop_words; i++)
		if (view_ieq(said, view_of(stop_words[i])))
			return true;
	return false;
}

/* live_screen - a view on a terminal, by ncurses: from 40 x 10 characters on, with colours or without. */
#ifndef LIVE_SCREEN_H
#define LIVE_SCREEN_H

#include "live_view.h"

/* Takes over the terminal. False: it is none that can show a view; printed. */
bool live_screen_open(void);
/* Gives it back as it was. */
void live_screen_close(void);

void live_screen_draw(struct live_view *v);
/* The next key, as live_view_key wants it; waits at most so long. 0: none came, or the size has changed. */
int live_screen_key(int timeout_ms);

#endif

/* run - `tracker run`. */
#ifndef RUN_RUN_H
#define RUN_RUN_H

/*
 * Records the program that the arguments name. argv[0] is skipped. Ends the process as the program ended: exits with its
 * status or dies of its signal. Returns where nothing was started, an exit code, 125 to 127 (UI_USAGE for arguments), and what --check found
 * of a program whose status is 0.
 */
int run_program(int argc, char **argv);

#endif

/* run_reader - the programs of tracker's that tracker-run starts when the capture is finished. */
#ifndef RUN_RUN_READER_H
#define RUN_RUN_READER_H

/*
 * Runs a program of tracker's that reads the capture; what it prints goes to stderr. The recorded program has its status,
 * whatever happens here. Its options are these only: with those of the user's file it could write elsewhere.
 */
void reader_run(const char *name, char **argv, const char *undone);

#endif

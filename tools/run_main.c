/* tracker-run - `tracker run` as a program of its own. */
#include "run/run.h"

int main(int argc, char **argv)
{
	return run_program(argc, argv);
}

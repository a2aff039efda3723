/*
 * tracker-attach and tracker-detach on processors for which tools/attach is not written.
 */
#include "ui/ui.h"

int main(void)
{
	ui_set_program("tracker-attach");
	ui_error("this version of tracker attaches to programs on x86-64 only: start the program with tracker run");
	return UI_CANNOT;
}

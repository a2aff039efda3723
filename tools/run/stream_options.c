/* stream_options - see stream_options.h. */
#include "tools/run/stream_options.h"

#include <stdlib.h>
#include <string.h>

#include "tools/run/run_options.h"
#include "tools/stream/address.h"
#include "ui/ui.h"

static bool is_port(const char *text)
{
	const unsigned long port = strtoul(text, NULL, 10);

	return strspn(text, "0123456789") == strlen(text) && port && port <= 65535;
}

bool stream_options_check(const struct run_options *o)
{
	const char *const option = o->live_remote ? "--live-remote" : "--send-to";
	const char *const against = o->live_remote && o->send_to ? "--send-to" :
				    o->aggregate		 ? "--aggregate" :
				    o->rotate			 ? "--rotate" :
				    o->live && !o->output	 ? "--live without --output" :
				    !o->output && o->split	 ? "--split-processes without --output" :
				    !o->output && o->report	 ? "--report without --output" :
				    !o->output && o->check	 ? "--check without --output" :
				    !o->output && o->force	 ? "--force without --output" :
								   NULL;
	char why[ADDRESS_WHY];
	struct address to;

	if (o->live_port && !o->live_remote) {
		ui_error("argument --live-port: only allowed with --live-remote");
		return false;
	}
	if (!o->live_remote && !o->send_to)
		return true;
	if (against)
		ui_error("argument %s: not allowed with argument %s", against, option);
	else if (o->send_to && !address_parse(&to, o->send_to, why))
		ui_error("argument --send-to: %s", why);
	else if (o->live_port && !is_port(o->live_port))
		ui_error("argument --live-port: Invalid port: %s", o->live_port);
	else
		return true;
	return false;
}

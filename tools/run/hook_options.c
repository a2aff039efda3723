/* hook_options - see hook_options.h. */
#include "hook_options.h"

#include <stdlib.h>
#include <string.h>

#include "format/bucket.h"
#include "libtracker/tracker.h"
#include "ui/ui.h"

#define RATE_DEFAULT 0.01
#define TWO_TO_64 18446744073709551616.0

static const struct {
	const char *name;
	tracker_alarm_action action;
} actions[] = {
	{ "warn", TRACKER_ALARM_WARN },
	{ "abort", TRACKER_ALARM_ABORT },
	{ "trap", TRACKER_ALARM_TRAP },
	{ "fail", TRACKER_ALARM_FAIL },
	{ "throw", TRACKER_ALARM_THROW },
};

static bool parse_number(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && !*end;
}

static bool parse_action(const char *text, struct shm_asked *ret)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(text, actions[i].name)) {
			ret->alarm_action = (uint8_t)actions[i].action;
			return true;
		}
	return false;
}

static bool parse_scope(const char *text, struct shm_asked *ret)
{
	ret->alarm_scope = strcmp(text, "thread") ? TRACKER_SCOPE_PROCESS : TRACKER_SCOPE_THREAD;
	return !strcmp(text, "thread") || !strcmp(text, "process");
}

static bool parse_min(const char *text, struct shm_asked *ret)
{
	uint64_t bytes;

	if (!ui_parse_size(text, &bytes))
		return false;
	ret->alarm_blocks = bucket_blocks(bytes);
	return true;
}

static bool parse_ignore(const char *text, struct shm_asked *ret)
{
	return parse_number(text, &ret->alarm_ignore);
}

static bool parse_repeat(const char *text, struct shm_asked *ret)
{
	ret->alarm_repeat = true;
	return !*text;
}

static const struct {
	const char *key;
	bool (*parse)(const char *text, struct shm_asked *ret);
} keys[] = {
	{ "min=", parse_min },
	{ "action=", parse_action },
	{ "ignore=", parse_ignore },
	{ "scope=", parse_scope },
	{ "repeat", parse_repeat },
};

static bool parse_word(const char *word, struct shm_asked *ret)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (!strncmp(word, keys[i].key, strlen(keys[i].key)))
			return keys[i].parse(word + strlen(keys[i].key), ret);
	return false;
}

bool hook_options_alarm(const char *text, struct shm_asked *ret)
{
	char words[256], *rest = words;

	ret->alarm_blocks = 1;
	ret->alarm_action = TRACKER_ALARM_WARN;
	ret->alarm_scope = TRACKER_SCOPE_PROCESS;
	if (strlen(text) >= sizeof(words)) {
		ui_error("argument --alarm: it is too long");
		return false;
	}
	strcpy(words, text);
	for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ","))
		if (!parse_word(word, ret)) {
			ui_error("argument --alarm: '%s' is none of min=SIZE, action=warn|abort|trap|fail|throw, ignore=N, "
				 "scope=process|thread and repeat",
				 word);
			return false;
		}
	return true;
}

bool hook_options_fail_random(const char *text, struct shm_asked *ret)
{
	const char *const comma = strchr(text, ',');
	double rate = RATE_DEFAULT;
	char *end = NULL;

	ret->fail_seed = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || (*end && *end != ',')) {
		ui_error("argument --fail-random: '%s' does not begin with a number, the seed", text);
		return false;
	}
	if (comma)
		rate = strtod(comma + 1, &end);
	if (comma && (!comma[1] || *end || !(rate > 0 && rate <= 1))) {
		ui_error("argument --fail-random: '%s' is no rate; use a number above 0, up to 1", comma + 1);
		return false;
	}
	ret->fail_rate = rate * TWO_TO_64 >= TWO_TO_64 ? UINT64_MAX : (uint64_t)(rate * TWO_TO_64);
	return true;
}

uint32_t hook_options_looks(bool leak_check, bool at_marks, bool memory, bool contents)
{
	const bool at_end = leak_check || memory || (contents && !at_marks);

	return (at_end || at_marks ? SHM_LOOKS : 0) | (at_end ? SHM_LOOK_AT_END : 0) | (at_marks ? SHM_LOOK_AT_MARKS : 0) | (at_end && !leak_check ? SHM_LOOK_UNJUDGED : 0) |
	       (contents ? SHM_LOOK_CONTENTS : 0);
}

bool hook_options_pointer_mask(const char *text, uint64_t *ret)
{
	char *end;

	*ret = strtoull(text, &end, 16);
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && *ret && !*end)
		return true;
	ui_error("argument --pointer-mask: '%s' is no mask; use a number such as 0x00fffffffffffff8", text);
	return false;
}

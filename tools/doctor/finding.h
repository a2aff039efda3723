/*
 * finding - one thing that tracker doctor has looked at.
 */
#ifndef DOCTOR_FINDING_H
#define DOCTOR_FINDING_H

enum finding_state {
	FINDING_GOOD,
	FINDING_HINT, /* recordings are whole, but something could be better */
	FINDING_LIMITS, /* some recordings lack something */
	FINDING_STOPS, /* nothing can be recorded */
};

struct finding {
	enum finding_state state;
	char what[320]; /* what is so */
	const char *why; /* why it matters; NULL: it does not */
	const char *advice; /* what to do; NULL: nothing */
};

/* Says what is so, and returns it with that state. */
struct finding finding_of(enum finding_state state, const char *why, const char *advice, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif

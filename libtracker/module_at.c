/* module_at - which module covers a pc: see cfi_module_at in cfi.h. */
#include "cfi.h"
#include "modules_fallback.h"

/* 1 in a build for tests, which behaves as with an older C library. */
#ifndef WITHOUT_FIND_OBJECT
#define WITHOUT_FIND_OBJECT 0
#endif

/*
 * glibc 2.35 and newer answer without a lock. The struct is part of glibc's ABI. Older headers do not declare it, and
 * older C libraries do not have it.
 */
struct found_object {
	unsigned long long flags;
	void *map_start, *map_end;
	void *link_map;
	void *eh_frame;
	unsigned long long reserved[7];
};

extern int _dl_find_object(void *pc, struct found_object *ret) __attribute__((weak));

bool cfi_module_at(uintptr_t pc, struct cfi_module *ret)
{
	struct found_object o;

	if (WITHOUT_FIND_OBJECT || !_dl_find_object)
		return modules_fallback_find(pc, ret);
	if (_dl_find_object((void *)pc, &o) != 0)
		return false;
	*ret = (struct cfi_module){ .start = (uintptr_t)o.map_start,
				    .end = (uintptr_t)o.map_end,
				    .link_map = o.link_map,
				    .eh_frame_hdr = o.eh_frame };
	return true;
}

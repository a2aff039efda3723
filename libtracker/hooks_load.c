/*
 * hooks_load - code that is loaded and unloaded: dlopen, dlmopen, dlclose.
 */
#include <dlfcn.h>

#include "hook.h"
#include "linger.h"
#include "modules_fallback.h"
#include "python_frames.h"
#include "slots.h"
#include "unwind.h"

EXPORT int dlclose(void *handle)
{
	int ret;

	hook_start();
	slots_of_new_modules();
	linger_before_code_goes();
	python_before_unloading();
	ret = real.dlclose(handle);
	modules_fallback_forget_unloaded();
	operators_unloaded();
	if (state.process)
		unwind_code_unloaded();
	python_after_unloading();
	return ret;
}

/*
 * Loading: new code needs nothing from libtracker, but the recorder must be told of libraries that look for their
 * malloc in another scope than the program. The loader finds libraries by the address of its caller, so the hook does
 * not call that function but jumps to it.
 */
static void *nothing_loaded(void)
{
	return NULL;
}

static void *pass_on(void *function, bool other_scope)
{
	if (!function)
		return (void *)nothing_loaded;
	if (other_scope && state.on)
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_OTHER_SCOPE);
	return function;
}

__attribute__((used)) static void *ask_dlopen(const char *file, int flags)
{
	(void)file;
	hook_start();
	slots_of_new_modules();
	return pass_on((void *)real.dlopen, flags & RTLD_DEEPBIND);
}

__attribute__((used)) static void *ask_dlmopen(long namespace, const char *file, int flags)
{
	(void)file;
	hook_start();
	slots_of_new_modules();
	return pass_on((void *)real.dlmopen, namespace != LM_ID_BASE || flags & RTLD_DEEPBIND);
}

ARCH_PASS_ON(dlopen, ask_dlopen);
ARCH_PASS_ON(dlmopen, ask_dlmopen);

#!/usr/bin/env python3
"""frames - the frames of a stack where they are not what a call left behind: below signal handlers.

The programs are compiled here. Which function calls which stands in their sources, and at which byte a
signal stopped them they tell themselves.

usage: frames.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import platform
import subprocess
import tempfile

import harness
from harness import Skip, check, equal, need

# A signal stops `stopped` at its first instruction, which a function of another name directly precedes.
SIGNALS = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
void *kept;
static int nested;
void stopped(void), stopped_too(void), leaf(void);
extern char image[] __asm__("__executable_start");
#define NOINLINE __attribute__((noinline))
static NOINLINE void innermost(void) { kept = malloc(4242); exit(0); }
static void handler(int number, siginfo_t *info, void *context)
{
	if (nested-- > 0)
		stopped_too();
	innermost();
}
#define FUNCTION(name, body) \
	".globl " #name "\n.type " #name ", @function\n" #name ":\n.cfi_startproc\n" body "ret\n.cfi_endproc\n.size " #name ", .-" #name "\n"
__asm__(".text\n"
	FUNCTION(another, "nop\n")
	FUNCTION(stopped, "ud2\n")
	FUNCTION(stopped_too, "ud2\n")
	FUNCTION(leaf, "nop\nnop\nud2\n")
	".type back, @function\nback: mov $15, %rax\nsyscall\n.size back, .-back\n");
extern void back(void);
/* The handler returns by code of the program's own, which no unwind information covers. */
static void own_restorer(void)
{
	const struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } a =
		{ (void *)handler, SA_SIGINFO | SA_NODEFER | 0x04000000, (void *)back, 0 };

	syscall(SYS_rt_sigaction, SIGILL, &a, NULL, 8);
}
int main(int argc, char **argv)
{
	const stack_t stack = { .ss_sp = malloc(1 << 16), .ss_size = 1 << 16 };
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER };

	nested = !!strstr(argv[1], "nested");
	if (strstr(argv[1], "altstack")) {
		sigaltstack(&stack, NULL);
		a.sa_flags |= SA_ONSTACK;
	}
	sigaction(SIGILL, &a, NULL);
	if (strstr(argv[1], "restorer"))
		own_restorer();
	printf("%p %p\n", (strstr(argv[1], "leaf") ? (char *)leaf + 2 : (char *)stopped), image);
	fflush(stdout);
	(strstr(argv[1], "leaf") ? leaf : stopped)();
	return 1;
}
"""


class Frames:
    def __init__(self, t):
        self.t = t

    def compile(self, source, *flags, compiler="gcc", objects=()):
        folder = tempfile.mkdtemp(dir=self.t.scratch)
        path = os.path.join(folder, "app")
        subprocess.run([need(compiler), "-w", "-O2", *flags, "-x", "c", "-", "-x", "none", *objects, "-o", path],
                       input=source, text=True, check=True, cwd=folder)
        return path

    def stack(self, argv, size, options=()):
        """The frames of the only allocation of that size, and what the program printed."""
        r = self.t.record(argv, options)
        equal(f"{argv}: status", r.status, 0)
        found = [e["frames"] for e in self.t.events(r.capture, "--stacks") if e["kind"] == "malloc" and e["size"] == size]
        equal("allocations of that size", len(found), 1)
        return found[0], r

    def signal(self, mode, *flags):
        if platform.machine() != "x86_64":
            raise Skip("the program is written for x86-64")
        frames, r = self.stack([self.compile(SIGNALS, *flags), mode], 4242)
        names = [f.get("function") for f in frames]
        where = "leaf" if "leaf" in mode else "stopped"
        if "-s" in flags:
            equal("the kernel's way back", names[2], "__restore_rt")
            stopped = 3
        else:
            back = "back" if "restorer" in mode else "__restore_rt"
            want = ["innermost", "handler", back]
            if "nested" in mode:
                want += ["stopped_too", "handler", back]
            want += [where, "main"]
            equal("the stack", names[:len(want)], want)
            stopped = want.index(where)
        at, image = (int(n, 0) for n in r.stdout.split())
        equal("the byte where it was stopped", harness.number(frames[stopped]["offset"]) - 1,
              at if "-no-pie" in flags else at - image)
        equal("cut stacks", self.t.json("info", r.capture)["truncated_stacks"], [])


def make_cases(t):
    f = Frames(t)
    cases = [(f"signal: {mode} {' '.join(flags)}", lambda mode=mode, flags=flags: f.signal(mode, *flags))
             for mode in ("stopped", "altstack", "nested", "nested altstack", "leaf", "restorer", "restorer nested")
             for flags in (["-g"], ["-g", "-no-pie"], ["-g", "-O0"])]
    cases += [("signal: stripped", lambda: f.signal("restorer", "-s"))]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)

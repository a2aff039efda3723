#!/usr/bin/env python3
"""frames - the frames of a stack where they are not what a call with unwind information left behind: below signal
handlers, in code without unwind information, in code made at run time, below Go.

The programs are compiled here. Which function calls which stands in their sources, and at which byte a
signal stopped them they tell themselves.

usage: frames.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import platform
import re
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

# Compiled without unwind information, but for what -g brings; called from a file that has some.
WITHOUT = r"""
#include <stdlib.h>
void *kept_too;
__attribute__((noinline)) static void *deep(size_t n) { char b[64]; kept_too = b; void *p = malloc(n); kept_too = p; return p; }
void *without(size_t n) { void *p = deep(n); kept_too = &p; return p; }
"""
WITH = r"""
#include <stdlib.h>
void *kept, *without(size_t n);
__attribute__((noinline)) void outer(void) { kept = without(4242); }
int main(void) { outer(); return kept == 0; }
"""

# Code that is made at run time and keeps a frame pointer, called from so many frames as the size says.
MADE = r"""
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
static void *(*made)(size_t), *kept[1000];
/* push %rbp; mov %rsp, %rbp; mov $malloc, %rax; call *%rax; pop %rbp; ret */
static unsigned char code[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x5d, 0xc3 };
__attribute__((noinline)) static void *descend(int depth, size_t size)
{
	void *p = depth > 1 ? descend(depth - 1, size) : made(size);
	__asm__ volatile("");
	return p;
}
int main(int argc, char **argv)
{
	void *(*m)(size_t) = malloc;
	const int later = argc > 1 && !strcmp(argv[1], "later");
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | (later ? 0 : PROT_EXEC), MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned random = 1;

	memcpy(code + 6, &m, 8);
	memcpy(p, code, sizeof(code));
	if (later)
		mprotect(p, 4096, PROT_READ | PROT_EXEC);
	memcpy(&made, &p, 8);
	for (int i = 0; i < 1000; i++) {
		const int depth = 1 + (random = random * 1103515245 + 12345) / 65536 % 20;

		kept[i] = descend(depth, 5000 + depth);
	}
	return 0;
}
"""

GO = r"""
package main
/*
#include <stdlib.h>
static void *alloc(size_t n) { return malloc(n); }
*/
import "C"
//go:noinline
func inner(n int) { if n > 0 { inner(n - 1) } else { C.alloc(4242) } }
func main() {
	inner(3)
	done := make(chan int)
	go func() { var room [10000]byte; inner(5 + int(room[0])); done <- 1 }()
	<-done
}
"""


# As a goroutine calls C: on the thread's stack, at whose end it is kept where the goroutine's lies. What follows
# the call is Go's in programs for a fixed address, and in those for any, with -buildmode=pie and linked by Go or by ld.
LIKE_GO = r"""
#include <stdint.h>
#include <stdlib.h>
void *kept;
uintptr_t thread_stack;
static char stack[1 << 16] __attribute__((aligned(16)));
struct { uintptr_t low, high; } g = { (uintptr_t)stack, (uintptr_t)stack + sizeof(stack) };
void call_c(void (*f)(void), void *g, uintptr_t stack), go(void (*f)(void), uintptr_t stack);
__asm__(".text\n"
	".type call_c, @function\ncall_c: mov %rsp, %rax\nmov %rdx, %rsp\nsub $64, %rsp\nand $-16, %rsp\n"
	"mov %rsi, 48(%rsp)\nmov 8(%rsi), %rcx\nsub %rax, %rcx\nmov %rcx, 40(%rsp)\ncall *%rdi\n"
	BEHIND "mov 48(%rsp), %rdi\nmov 8(%rdi), %rsi\nsub 40(%rsp), %rsi\nmov %rsi, %rsp\nret\n.size call_c, .-call_c\n"
	".type go, @function\ngo: push %rbp\npush %rbx\nmov %rsp, %rbx\nmov %rsi, %rsp\nxor %ebp, %ebp\ncall *%rdi\n"
	"mov %rbx, %rsp\npop %rbx\npop %rbp\nret\n.size go, .-go\n");
static void leaf(void) { kept = malloc(4242); }
static void goroutine(void) { call_c(leaf, &g, thread_stack); }
int main(void)
{
	thread_stack = (uintptr_t)__builtin_frame_address(0) - 8192;
	go(goroutine, g.high - 64);
	return 0;
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

    def health(self, r):
        return self.t.json("info", r.capture)["health"]

    def without(self, compiler, flags, whole, guessed):
        folder = tempfile.mkdtemp(dir=self.t.scratch)
        other = os.path.join(folder, "without.o")
        subprocess.run([need(compiler), "-w", "-O2", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", *flags, "-x", "c",
                        "-", "-c", "-o", other], input=WITHOUT, text=True, check=True)
        frames, r = self.stack([self.compile(WITH, "-g", compiler=compiler, objects=[other])], 4242)
        names = [f.get("function") for f in frames]
        if whole:
            equal("the stack", names[:4], ["deep", "without", "outer", "main"])
        else:
            equal("the stack", names, ["deep", "<truncated stack>"])
        equal("cut, guessed", (self.health(r)["truncated_stacks"], self.health(r)["guessed_stacks"]), (int(not whole), int(guessed)))

    def packed(self, method, whole):
        """.debug_frame that is compressed is read as any other, or it is said that it is not."""
        folder = tempfile.mkdtemp(dir=self.t.scratch)
        other = os.path.join(folder, "without.o")
        subprocess.run([need("gcc"), "-w", "-O2", "-g", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables", "-fomit-frame-pointer",
                        "-x", "c", "-", "-c", "-o", other], input=WITHOUT + "".join(f"void more{i}(void) {{}}\n" for i in range(50)),
                       text=True, check=True)
        program = self.compile(WITH, "-g", objects=[other])
        subprocess.run([need("objcopy"), "--compress-debug-sections=" + method, program], check=True)
        sections = subprocess.run([need("readelf"), "-SW", program], capture_output=True, text=True, check=True).stdout
        check(re.search(r"\.zdebug_frame|\.debug_frame .* C  ", sections), "it is not compressed:\n" + sections)
        frames, r = self.stack([program], 4242)
        names = [f.get("function") for f in frames]
        equal("the stack", names[:4], ["deep", "without", "outer", "main"] if whole else ["deep", "<truncated stack>"])
        notices = [n for n in self.t.json("info", r.capture)["notices"] if ".debug_frame" in n]
        equal("what is said", [n.split(", which")[0] for n in notices],
              [] if whole else [f"{os.path.realpath(program)}: its .debug_frame is compressed with {method}"])
        check(whole or notices[0] in r.stderr.decode(), "not said when the recording ends")

    def made(self, *how):
        """A stack that goes on after code that is made at run time: as many frames as its size says, each time."""
        if platform.machine() != "x86_64":
            raise Skip("the program is written for x86-64")
        r = self.t.record([self.compile(MADE, "-g"), *how])
        seen = 0
        for e in self.t.events(r.capture, "--stacks"):
            if e["kind"] != "malloc" or not 5000 < e["size"] < 5100:
                continue
            names = [f.get("function") for f in e["frames"]]
            depth = e["size"] - 5000
            equal("the stack", names[1:depth + 2], depth * ["descend"] + ["main"])
            seen += 1
        equal("blocks", seen, 1000)
        equal("cut, guessed", (self.health(r)["truncated_stacks"], self.health(r)["guessed_stacks"]), (0, 1000))

    def go(self):
        """C that Go calls: the Go functions that did, on whatever stack of a goroutine."""
        need("go", "gcc")
        folder = tempfile.mkdtemp(dir=self.t.scratch)
        with open(os.path.join(folder, "app.go"), "w") as f:
            f.write(GO)
        subprocess.run(["go", "build", "-o", "app", "app.go"], cwd=folder, check=True, capture_output=True,
                       env={**os.environ, "GOCACHE": os.path.join(folder, "cache"), "GOFLAGS": "", "CGO_ENABLED": "1"})
        r = self.t.record([os.path.join(folder, "app")])
        stacks = [[f.get("function") for f in e["frames"]] for e in self.t.events(r.capture, "--stacks")
                  if e["kind"] == "malloc" and e["size"] == 4242]
        equal("allocations", len(stacks), 2)
        for names, depth, top in zip(stacks, (4, 6), ("main.main", "main.main.func1")):
            equal("innermost, calls", (names[0], names.count("main.inner")), ("alloc", depth))
            check(top in names, f"{top} is not in {names}")
            check("<truncated stack>" not in names, "the stack is cut")

    def like_go(self, behind):
        if platform.machine() != "x86_64":
            raise Skip("the program is written for x86-64")
        frames, _ = self.stack([self.compile(LIKE_GO.replace("BEHIND", f'"{behind}"'), "-g", "-O0")], 4242)
        equal("the stack", [f.get("function") for f in frames[:4]], ["leaf", "call_c", "goroutine", "go"])

    def program(self, *argv):
        """Of programs with much code that is made at run time, hardly any stack is cut."""
        r = self.t.record([need(argv[0]), *argv[1:]], ["--no-symbols"])
        h = self.health(r)
        check(h["guessed_stacks"] > 100, f"only {h['guessed_stacks']} stacks went by frame pointers")
        check(h["truncated_stacks"] * 50 <= h["guessed_stacks"], f"{h['truncated_stacks']} stacks are cut, {h['guessed_stacks']} are not")


def make_cases(t):
    f = Frames(t)
    cases = [(f"signal: {mode} {' '.join(flags)}", lambda mode=mode, flags=flags: f.signal(mode, *flags))
             for mode in ("stopped", "altstack", "nested", "nested altstack", "leaf", "restorer", "restorer nested")
             for flags in (["-g"], ["-g", "-no-pie"], ["-g", "-O0"])]
    cases += [("signal: stripped", lambda: f.signal("restorer", "-s"))]
    kept, omitted = "-fno-omit-frame-pointer", "-fomit-frame-pointer"
    for compiler in ("gcc", "clang"):
        for flags, whole, guessed in ((["-g0", kept], True, True), (["-g0", omitted], False, False), (["-g", omitted], True, False),
                                      (["-g", kept], True, False), (["-gdwarf-4", omitted], True, False)):
            cases.append((f"no unwind information: {compiler} {' '.join(flags)}",
                          lambda c=compiler, x=flags, w=whole, g=guessed: f.without(c, x, w, g)))
    cases += [(f"no unwind information: compressed with {m}", lambda m=m, w=w: f.packed(m, w))
              for m, w in (("zlib", True), ("zlib-gnu", True), ("zstd", False))]
    cases += [
        ("made at run time", f.made), ("made at run time: executable later", lambda: f.made("later")),
        *((f"like go: {b or 'at once'}", lambda b=b: f.like_go(b and b + "\\n")) for b in ("", "mov $-8, %rcx", "mov kept(%rip), %rcx")),
        ("go", f.go), ("node", lambda: f.program("node", "-e", "JSON.parse('{}')")), ("java", lambda: f.program("java", "-version")),
    ]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)

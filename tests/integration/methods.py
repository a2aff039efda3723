#!/usr/bin/env python3
"""methods - stacks through code as Java's compilers and python3 -X perf make it: without frame pointers and without unwind information, with
frames of a size that only the entry of a method tells, which may lie pages before the call; and through code of which a program tells
debuggers.

The program makes that code, nests it, and says itself who called whom: fx/methods.c, fx/registered.c.

usage: methods.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import ctypes
import errno
import os
import struct

import harness
from harness import Skip, check, equal

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
PROCESS_VM_READV = 310


def inherit_filter(verdict):
    """For all that is started from here: what becomes of who calls process_vm_readv."""
    code = b"".join(struct.pack("HBBI", *i) for i in (
        (0x20, 0, 0, 0), (0x15, 0, 1, PROCESS_VM_READV), (0x06, 0, 0, verdict), (0x06, 0, 0, SECCOMP_RET_ALLOW)))
    room = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HxxxxxxP", 4, ctypes.addressof(room))
    libc = ctypes.CDLL(None)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
        os._exit(9)


class Methods:
    def __init__(self, t):
        self.t = t

    def record(self, fixture, *how, options=(), **more):
        """What it printed, the names on the stack by the size of the allocation, the health."""
        if os.uname().machine != "x86_64":
            raise Skip("the program is written for x86-64")
        r = self.t.record([self.t.fixture(fixture), *how], options, **more)
        equal("status", r.status, 0)
        found = {e["size"]: [f.get("function") for f in e["frames"]] for e in self.t.events(r.capture, "--stacks") if e["kind"] == "malloc"}
        info = self.t.json("info", r.capture)
        for e in info["processes"]:
            os.remove(f"/tmp/perf-{e['pid']}.map")
        return r.stdout.decode(), found, info["health"]

    def run(self, *how, **more):
        """Pairs: who the program says stands on the stack, and who does in the capture."""
        told, found, health = self.record("methods", *how, **more)
        return [(names, found[int(size)]) for size, *names in map(str.split, told.splitlines())], health

    def whole(self, *how, **more):
        pairs, health = self.run(*how, **more)
        for told, found in pairs:
            equal("the stack", found[:len(told)], told)
        equal("cut", health["truncated_stacks"], 0)
        check(health["guessed_stacks"] >= len(pairs), f"guessed are only {health['guessed_stacks']} of {len(pairs)}")

    def partly(self, *how):
        """Up to the frame of which nothing is known they are what they are."""
        pairs, health = self.run(*how)
        for told, found in pairs:
            known = next((i for i, name in enumerate(told) if name[0] == "?"), len(told))
            equal("the stack", found[:known], told[:known])
        check(health["truncated_stacks"] > 0, "none is cut")

    def sandbox(self, *how, **more):
        pairs, _ = self.run("chains=30", *how, **more)
        for told, found in pairs:
            whole = [name for name in found if name != "<truncated stack>"][:len(told)]
            equal("the stack", whole, told[:len(whole)])

    def registered(self, wrong, whole, options=()):
        """Code of which the program tells debuggers: its stack is exact, no guess."""
        _, found, health = self.record("registered", "depth=9", wrong, options=options)
        want = 9 * ["callee", "made", "call_code"] + ["main"]
        equal("the stack", found[4242][:len(want) if whole else 3], want if whole else ["callee", "made", "<truncated stack>"])
        equal("cut, guessed, differing", (health["truncated_stacks"], health["guessed_stacks"], health["differing_stacks"]), (int(not whole), 0, 0))


def make_cases(t):
    m = Methods(t)
    return [
        ("nested", lambda: m.whole("chains=300")),
        ("nested, with oracles", lambda: m.whole("chains=30", options=["--unwind", "verify"])),
        ("other code at the same place", lambda: m.whole("chains=150", "again")),
        ("an entry that is none", lambda: m.partly("chains=200", "decoy")),
        ("an entry that is gone", lambda: m.partly("chains=200", "gone")),
        ("in a sandbox", lambda: m.sandbox("sandbox")),
        ("in a container", lambda: m.whole("chains=30", preexec=lambda: inherit_filter(SECCOMP_RET_ALLOW))),
        ("in a sandbox in a container", lambda: m.sandbox("sandbox", preexec=lambda: inherit_filter(SECCOMP_RET_ALLOW))),
        ("in a container that refuses to read memory", lambda: m.sandbox(preexec=lambda: inherit_filter(SECCOMP_RET_ERRNO | errno.EPERM))),
        ("in a service that is killed for it", lambda: m.sandbox(preexec=lambda: inherit_filter(SECCOMP_RET_KILL_PROCESS))),
        *((f"registered: {wrong or 'right'}", lambda wrong=wrong, whole=whole: m.registered(wrong, whole))
          for wrong, whole in (("", True), ("loop", True), ("nowhere", False), ("huge", False), ("entry", False))),
        ("registered, with oracles", lambda: m.registered("", True, ["--unwind", "verify"])),
    ]


if __name__ == "__main__":
    harness.main(make_cases)

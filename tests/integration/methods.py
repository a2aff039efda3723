#!/usr/bin/env python3
"""methods - stacks through code as Java's compilers make it: without frame pointers and without unwind information, with
frames of a size that only the entry of a method tells, which may lie pages before the call.

The program makes that code, nests it, and says itself who called whom: fx/methods.c.

usage: methods.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os

import harness
from harness import Skip, check, equal


class Methods:
    def __init__(self, t):
        self.t = t

    def run(self, *how, options=()):
        """Pairs: who the program says stands on the stack, and who does in the capture."""
        if os.uname().machine != "x86_64":
            raise Skip("the program is written for x86-64")
        r = self.t.record([self.t.fixture("methods"), *how], options)
        equal("status", r.status, 0)
        told = [line.split() for line in r.stdout.decode().splitlines()]
        found = {e["size"]: [f.get("function") for f in e["frames"]] for e in self.t.events(r.capture, "--stacks")
                 if e["kind"] == "malloc" and e["size"] >= 6000}
        for e in self.t.json("info", r.capture)["processes"]:
            os.remove(f"/tmp/perf-{e['pid']}.map")
        return [(names, found[int(size)]) for size, *names in told], self.t.json("info", r.capture)["health"]

    def whole(self, *how, options=()):
        pairs, health = self.run(*how, options=options)
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

    def sandbox(self):
        pairs, _ = self.run("chains=30", "sandbox")
        for told, found in pairs:
            whole = [name for name in found if name != "<truncated stack>"][:len(told)]
            equal("the stack", whole, told[:len(whole)])


def make_cases(t):
    m = Methods(t)
    return [
        ("nested", lambda: m.whole("chains=300")),
        ("nested, with oracles", lambda: m.whole("chains=30", options=["--unwind", "verify"])),
        ("other code at the same place", lambda: m.whole("chains=150", "again")),
        ("an entry that is none", lambda: m.partly("chains=200", "decoy")),
        ("an entry that is gone", lambda: m.partly("chains=200", "gone")),
        ("in a sandbox", m.sandbox),
    ]


if __name__ == "__main__":
    harness.main(make_cases)

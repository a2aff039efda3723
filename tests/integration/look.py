#!/usr/bin/env python3
"""look - what looks at the memory say of blocks that nothing points to any more, or something that is hard to find (fx/looked.c), and that
the program does not notice them.

usage: look.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import re
import sys

import harness
import run
from harness import check, equal, execute, need

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
import decode  # noqa: E402

CASES = ("cycle tree interior mapped ended_coroutine ended_thread xored past tagged register vector tls alternate_stack suspended cache"
         " sleeping specific loaded").split()
# Where valgrind says something else, and why. A stack that a coroutine has left is a block like any other to us.
OTHERWISE = {"ended_coroutine"}
# Lines of suppressions, for fx/looks.c ("marks") and this program.
RULES_OF_C = """Memcheck:Leak | fun:malloc | fun:lose
Memcheck:Leak | match-leak-kinds: reachable | fun:malloc | fun:lose
Memcheck:Leak | match-leak-kinds: reachable,possible | fun:malloc | fun:marks
Memcheck:Leak | match-leak-kinds: definite | ... | fun:main
Addrcheck,Memcheck:Leak | fun:mal* | fun:l?se | fun:mark*
Memcheck:Leak | fun:calloc | fun:lose
Memcheck:Leak | fun:lose
Memcheck:Leak | ... | obj:*/fx_looks
Memcheck:Leak | obj:* | obj:*/fx_looks | ... | fun:main
Memcheck:Leak | fun:malloc | ... | fun:marks | ... | fun:marks
Memcheck:Leak | fun:malloc | ... | fun:l*e | ... | fun:main
Memcheck:Leak | fun:malloc | fun:lose | fun:main
Memcheck:Cond | fun:malloc | fun:lose
Helgrind:Leak | fun:malloc | fun:lose
Memcheck:Leak | match-leak-kinds: all | ... | fun:los?""".split("\n")
CPP = """#include <cstdlib>
namespace geo {
struct Node { long x[9]; Node *next; };
Node *volatile kept, *volatile other;
__attribute__((noinline)) void lose(int n) { other = new Node[n]; other = nullptr; }
__attribute__((noinline)) void keep() { kept = new Node; kept->next = new Node; kept->next->next = (Node *)std::malloc(333); }
}
int main() { geo::lose(7); geo::keep(); }
"""
RULES_OF_CPP = """Memcheck:Leak | fun:_Znam | fun:_ZN3geo4loseEi
Memcheck:Leak | fun:_Znwm | fun:_ZN3geo4keep*
Memcheck:Leak | fun:_Znw* | ... | fun:main
Memcheck:Leak | fun:malloc | fun:_ZN3geo4keepEv | fun:main
Memcheck:Leak | fun:_Zna? | fun:_ZN3geo4keepEv
Memcheck:Leak | fun:*alloc | ...""".split("\n")
ALLOCATES, RELEASES, LOOK = set(range(1, 12)), set(range(16, 22)), 38


def live_sets(capture, process):
    """The sizes of the blocks that were live at each look of the process, by address: replayed naively."""
    live, aside, sets = {}, {}, {}
    for e in capture.events[process]:
        kind = e["kind"]
        if kind == LOOK:
            sets[e["size"]] = [live[address] for address in sorted(live)]
        elif kind in (3, 4):
            if e["address"]:
                live.pop(e["old_address"], None)
                live[e["address"]] = e["size"]
        elif kind in ALLOCATES and e["address"]:
            live[e["address"]] = e["size"]
        elif kind in RELEASES:
            live.pop(e["address"], None)
        elif kind == 24 and e["call"] != 13:
            aside[e["thread"]] = live.pop(e["old_address"], None)
        elif kind == 25 and e["call"] != 13:
            live[e["address"]] = e["size"]
        elif kind == 26 and e["call"] != 13:
            live[e["old_address"]] = aside.pop(e["thread"])
    return sets


def looks_of(path):
    """(head, {size: set of verdicts}) of each look, by the second decoder."""
    with open(path, "rb") as f:
        capture = decode.Capture(f.read())
    sets = {}
    for (process, number), look in sorted(capture.looks.items()):
        if process not in sets:
            sets[process] = live_sets(capture, process)
        sizes, found = sets[process].get(number, []), {}
        if not look["reason"]:
            equal("blocks of the look", len(look["blocks"]), len(sizes))
        for size, block in zip(sizes, look["blocks"]):
            found.setdefault(size, set()).add(decode.VERDICTS[block["verdict"]])
        yield look, found


class Look:
    def __init__(self, t):
        self.t = t
        self.cases = run.Cases(t)
        self.program = t.fixture("looked")
        self.recorded = {}

    def argv(self, name):
        return [self.program, name] + ([self.t.fixture("tls_plugin") + ".so"] if name == "loaded" else [])

    def record(self, argv):
        bare, r = execute(argv), self.t.record(argv, ["--leak-check"])
        equal("the end", (r.status, r.stderr), (bare.status, bare.stderr))
        return r

    def case(self, name):
        """One recording for all that look at it."""
        if name not in self.recorded:
            self.recorded[name] = self.record(self.argv(name))
        return self.recorded[name]

    def place(self, name):
        r = self.case(name)
        (look, found), = looks_of(r.capture)
        equal("reason and flags", (look["reason"], look["flags"], look["why"]), ("", 0, 0))
        truth = [line.split() for line in r.stdout.decode().splitlines()]
        check(truth, "the program said nothing")
        for size, verdict in truth:
            equal(f"block of {size} B", found.get(int(size)), {verdict})

    def beside_valgrind(self):
        """What valgrind calls definitely and indirectly lost at the end is what a look at the end calls so."""
        valgrind = need("valgrind")
        # valgrind runs one thread at a time: a thread that waits in a loop does not end
        names = [name for name in CASES if name not in OTHERWISE and name not in ("register", "vector")]
        v = execute([valgrind, "--leak-check=full", "--show-leak-kinds=all", self.program, "each", self.argv("loaded")[2], *names], {"LC_ALL": "C"})
        pids = dict(reversed(line.split()) for line in v.stdout.decode().splitlines() if line.split()[0] in names)
        equal("cases", sorted(pids.values()), sorted(names))
        for pid, name in pids.items():
            text = "".join(line for line in v.stderr.decode().splitlines(True) if line.startswith(f"=={pid}== "))
            check("LEAK SUMMARY" in text or "no leaks are possible" in text, f"{name}: {text}")
            theirs = [int(n.replace(",", "")) if n else 0 for kind in ("definitely", "indirectly")
                      for n in [(re.findall(kind + r" lost: ([0-9,]+) bytes", text) or [""])[0]]]
            ours = self.t.json("leaks", "--no-builtin-suppressions", self.case(name).capture)["verdicts"]
            sizes = {row["verdict"]: row["size"] for row in ours}
            equal(name, [sizes["definitely lost"], sizes["indirectly lost"]], theirs)


    def busy(self, what, looks):
        """The program sees nothing but what it asks for, and nothing that it holds is ever lost."""
        r = self.t.record([self.t.fixture("looks"), what, str(looks)], ["--look-at-marks"])
        said = ["0 looks failed", "0 children to wait for", "0 SIGCHLD, 0 descriptors more"]
        equal("what it says", (r.status, r.stdout.decode().splitlines(), r.stderr),
              (0, [line for line in said if what != "forks" or "wait" not in line], b""))
        found = list(looks_of(r.capture))
        equal("looks in the capture", len(found), {"calls": 20, "million": 1}.get(what, looks))
        equal("refused", [look["reason"] for look, _ in found if look["reason"]], [])
        return found

    def sizes(self, point):
        """Of each verdict the sizes of its rows; and what is said to people."""
        found = self.t.json("leaks", "--no-builtin-suppressions", point)
        rows = {}
        for row in found["rows"]:
            rows.setdefault(row.get("verdict"), set()).add(row["size"])
        return rows, self.t.text("leaks", "--no-builtin-suppressions", point)

    def marks(self):
        """What was lost at each mark, also when it is released later; and what the last look says after a signal, or nobody."""
        program = self.t.fixture("looks")
        r = self.t.record([program, "marks", "0"], ["--look-at-marks"])
        for point, lost, reachable in (("@first", {2222}, 1111), ("@second", {2222, 3333}, 5555), ("@#1", {2222}, 1111), ("@#2", {2222, 3333}, 5555)):
            rows, text = self.sizes(r.capture + point)
            equal(point, (rows["definitely lost"], reachable in rows["still reachable"]), (lost, True))
            check(text.startswith("Live: ") and " at mark " in text.splitlines()[0], text)
        rows, text = self.sizes(r.capture)
        equal("at the end", (rows["definitely lost"], rows["not judged"], rows["still reachable"] >= {5555}), ({2222, 3333}, {4444}, True))
        check("The last look at the memory of process" in text and "at second, not at its end" in text, text)
        rows, text = self.sizes(r.capture + "@first..second")
        equal("allocated between the marks", (rows["definitely lost"], rows["still reachable"]), ({3333}, {5555}))
        equal("the gate", self.t.run("leaks", "--quiet", "--fail-on-leak", r.capture + "@first", status=3), b"")

        killed = self.t.record([program, "marks", "9"], ["--look-at-marks", "--leak-check"])
        rows, text = self.sizes(killed.capture)
        equal("after a signal", (rows["definitely lost"], rows["not judged"]), ({2222, 3333}, {4444}))
        check(text.startswith("Live when SIGKILL ended it") and "The last look at the memory of process" in text, text)
        plain = self.t.record([program, "marks", "0"]).capture
        hint = "tracker run --leak-check tells which of these blocks can still be reached"
        check(hint in self.sizes(plain)[1] and hint not in text, "how to get a look")
        equal("lines of dump", [x.split(" ", 2)[2] for x in self.t.text("dump", r.capture).splitlines() if " look " in x], ["look number 1", "look number 2"])

    def suppressions(self):
        """With the same file, what valgrind keeps silent is left out, and nothing else."""
        valgrind = need("valgrind")
        plain = [self.t.fixture("looks"), "marks", "0"]
        source, cpp = self.t.file(".cc"), self.t.file(".program")
        with open(source, "w", encoding="ascii") as f:
            f.write(CPP)
        execute([need("g++"), "-g", "-O0", "-o", cpp, source])
        captures = {}
        for argv, rules in ((plain, RULES_OF_C), ([cpp], RULES_OF_CPP)):
            captures[argv[0]] = capture = self.record(argv).capture
            quiet = 0
            for rule in rules:
                path = self.t.file(".supp")
                with open(path, "w", encoding="ascii") as f:
                    f.write("# a comment\n{\n  a name\n" + "".join(f"  {line}\n" for line in rule.split(" | ")) + "}\n")
                v = execute([valgrind, "--leak-check=full", "--show-leak-kinds=all", "--suppressions=" + path, *argv], {"LC_ALL": "C"}).stderr.decode()
                kinds = ("definitely", "indirectly", "possibly", "still reachable", "suppressed")
                theirs = {}
                for kind in kinds:
                    found = re.search(kind + r"(?: lost)?: ([0-9,]+) bytes", v)
                    theirs[kind] = int(found.group(1).replace(",", "")) if found else 0
                ours = self.t.json("leaks", "--suppressions", path, capture)
                by_verdict = {x["verdict"].split(" lost", maxsplit=1)[0]: x["size"] for x in ours["verdicts"]}
                equal(f"{rule}: {v}", {**{kind: by_verdict[kind] for kind in kinds[:4]}, "suppressed": sum(x["size"] for x in ours["suppressions"] if not x["builtin"])}, theirs)
                equal(f"{rule}: total", ours["total_bytes"], sum(by_verdict.values()))
                quiet += theirs["suppressed"] > 0
            check(0 < quiet < len(rules), f"{quiet} of {len(rules)} rules suppress something")
        for wrong in ("{\nname\nMemcheck:Leak\nfun:malloc\n", "{\nname\nMemcheck:Leak\n}\n", "{\nname\nMemcheck:Leak\nmatch-leak-kinds: some\nfun:f\n}\n",
                      "{\nname\nMemcheck:Leak\nwhat\n}\n"):
            path = self.t.file(".supp")
            with open(path, "w", encoding="ascii") as f:
                f.write(wrong)
            self.t.run("leaks", "--suppressions", path, captures[cpp], status=1)

    def masked(self):
        """A pointer with other bits in it is found if one says which they are."""
        argv = [self.t.fixture("looked"), "tagged"]
        for options, first, second in (([], "definitely", "possibly"), (["--pointer-mask", "0x00fffffffffffff8"], "reachable", "reachable"),
                                       (["--pointer-mask=0x00ffffffffffffff"], "reachable", "possibly")):
            (_, found), = looks_of(self.t.record(argv, ["--leak-check", *options]).capture)
            equal(f"{options}", (found[1008], found[1016]), ({first}, {second}))
        for wrong in ("12", "0x", "0xfg", "0x0"):
            r = self.t.record(argv, ["--leak-check", "--pointer-mask", wrong])
            check(r.status == 2 and b"--pointer-mask" in r.stderr, f"{wrong}: {r.status} {r.stderr}")

    def hindered(self, what, way, reason):
        """A look that cannot be taken in the usual way: what is done instead, and what the report says of it. way None: nothing."""
        r = self.t.record([self.t.fixture("hindered"), what], ["--leak-check"])
        equal("status", (r.status, r.stderr), (0, b""))
        found = list(looks_of(r.capture))
        equal("looks", len(found), 1)
        look, verdicts = found[0]
        text = self.t.text("leaks", r.capture)
        check(reason in look["reason"] and reason in text, f"{look} {text}")
        if way is None:
            equal("blocks", look["blocks"], [])
            return
        equal("way", (look["how"], look["flags"] & ~4), (way, 0))
        equal("verdicts", (verdicts[2222], verdicts[5555]), ({"definitely"}, {"reachable"}))
        if what == "threads":
            equal("threads", (look["threads"], verdicts[777]), (1001, {"reachable"}))

    def tree(self):
        """Each process of a tree has its look; none leaves a child to wait for, also when a program executes another one meanwhile."""
        r = self.t.record([self.t.fixture("hindered"), "forks"], ["--leak-check"])
        found = list(looks_of(r.capture))
        equal("looks", [look["reason"] for look, _ in found], ["", "", ""])
        equal("lost", sorted(min(s for s, v in verdicts.items() if v == {"definitely"}) for _, verdicts in found), [2222, 3333, 3334])
        for _ in range(3):
            r = self.t.record([self.t.fixture("hindered"), "exec"], ["--leak-check"])
            equal("after exec", (r.status, r.stdout), (0, b"0 children to wait for\n"))

    def a_million(self):
        """A cache of many blocks is reachable, and the one that is lost beside it is found and named."""
        (look, found), = self.busy("million", 200000)
        equal("lost", found[12345], {"definitely"})
        equal("the cache", [found[48 + i * 16] for i in range(5)], [{"reachable"}] * 5)
        check(look["memory_bytes"] <= 28 * look["judged"], f"{look['memory_bytes']} B for {look['judged']} blocks")


def make_cases(t):
    look = Look(t)
    return [(f"a pointer in: {name}", lambda name=name: look.place(name)) for name in CASES] + [
        ("beside valgrind", look.beside_valgrind),
        ("at marks", look.marks),
        ("a tree of processes", look.tree),
        ("tagged pointers", look.masked),
        ("suppressions of valgrind", look.suppressions),
        ("a million", look.a_million)] + [
        (f"hindered: {what}", lambda what=what, way=way, reason=reason: look.hindered(what, way, reason))
        for what, way, reason in (("leader", 0, ""), ("seccomp", 1, "forbidden itself system calls (seccomp)"), ("processes", 1, "the kernel refuses to fork it"), ("space", 0, ""),
                                  ("traced", 2, "another program traces it"), ("vfork", None, "perhaps in vfork"), ("threads", 0, ""))] + [
        (f"busy: {what}", lambda what=what, looks=looks: look.busy(what, looks))
        for what, looks in (("reallocs", 12), ("threads", 10), ("forks", 10), ("biased", 20), ("calls", 0))]


if __name__ == "__main__":
    harness.main(make_cases)

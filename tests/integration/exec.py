#!/usr/bin/env python3
"""exec - what recorded programs execute: in every way, with every environment, as another user, in
namespaces, and what cannot be recorded there. What an executed program does it says itself (fx/exec.c).
"""
import harness
import run
from harness import Replay, check, check_truth, equal, execute

WAYS = ("execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve", "execveat", "empty_path",
        "spawn", "spawnp")
ENVIRONMENTS = ("same", "empty", "null", "without", "own")
PLACES = ("fork", "vfork", "thread", "handler")


class Exec:
    def __init__(self, t):
        self.t = t
        self.cases = run.Cases(t)

    def whole(self, capture):
        info = self.t.json("info", capture)
        equal("complete, notices", (info["complete"], info["notices"]), (True, []))
        return info

    def follows(self, how, env, where):
        """The image is recorded, and says so."""
        argv = [self.t.fixture("exec"), how, env, where]
        r = self.cases.same_as_bare(argv, {"OWN_PRELOAD": self.t.fixture("wrapper.so")})
        equal("status", r.status, 0)
        check(b"malloc 4001 5" in r.stdout, f"the image did not run: {r.stdout!r}")
        try:
            check_truth(self.t.replay(r.capture), r.stdout)
        except harness.Failure as f:
            raise harness.Failure(f"{how}, {env}, {where}: {f}") from None
        self.whole(r.capture)

    def way(self, how):
        for env in ENVIRONMENTS:
            if (how, env) != ("fexecve", "null"):  # which the C library refuses
                self.follows(how, env, "here")

    def place(self, where):
        for how in ("execve", "execl", "execvp", "spawn"):
            for env in ("empty", "same"):
                self.follows(how, env, where)

    def by_the_library(self):
        for how in ("system", "popen"):
            for where in ("here", "fork", "thread"):
                self.follows(how, "same", where)

    def fails(self):
        """errno is the kernel's, and nobody is told to have been started."""
        r = self.cases.same_as_bare([self.t.fixture("exec"), "fails"])
        equal("status", r.status, 0)
        check(check_truth(Replay(self.t.events(r.capture)), r.stdout) > 0, "it said nothing")
        self.whole(r.capture)

    def descriptors(self):
        """An executed program has those that it has alone."""
        for how in ("same", "closed", "empty"):
            argv = [self.t.fixture("exec"), "descriptors", how]
            bare, r = execute(argv), self.t.record(argv)
            equal(f"{how}: descriptors", (r.status, r.stdout), (bare.status, bare.stdout))
            self.whole(r.capture)

    def only_the_program(self):
        """--no-follow-fork: neither children nor what they execute; what the program itself executes is."""
        program = self.t.fixture("exec")
        for how in (*WAYS, "system", "popen"):
            for where in ("fork", "vfork", "here") if how not in ("spawn", "spawnp", "system", "popen") else ("here",):
                r = self.t.record([program, how, "same", where], ["--no-follow-fork"])
                equal(f"{how}, {where}: status", r.status, 0)
                check(b"malloc 4001 5" in r.stdout, f"the image did not run: {r.stdout!r}")
                kinds = Replay(self.t.events(r.capture)).kinds
                itself = where == "here" and how in WAYS[:-2]
                equal(f"{how}, {where}: of the image", kinds["malloc", 4001], 5 if itself else 0)
                equal(f"{how}, {where}: processes", len(self.whole(r.capture)["processes"]), 1)

    def only_the_wrapper(self):
        """The program is what was started, be it a wrapper or a shell that becomes another program."""
        program = self.t.fixture("leak")
        for argv, seen in (["sh", "-c", f"exec {program}"], "fx_leak"), (["sh", "-c", f"{program}; true"], None), \
                          (["env", program], "fx_leak"):
            r = self.t.record(argv, ["--no-follow-fork"])
            names = [p["name"] for p in self.whole(r.capture)["processes"]]
            equal(f"{argv}", (len(names), names[0] == "fx_leak"), (1, seen is not None))

    def as_if_alone(self):
        """What is executed, but not recorded, has the environment that the user had."""
        for env in (None, {"LD_PRELOAD": self.t.fixture("wrapper.so")}):
            argv = ["sh", "-c", "env | grep -v ^_=; true"]
            bare, r = execute(argv, env), self.t.record(argv, ["--no-follow-fork"], env)
            for name in ("LD_PRELOAD", "TRACKER_SHM"):
                equal(name, [line for line in r.stdout.decode().splitlines() if line.startswith(name)],
                      [line for line in bare.stdout.decode().splitlines() if line.startswith(name)])


def make_cases(t):
    c = Exec(t)
    cases = [(f"exec: {w}", lambda w=w: c.way(w)) for w in WAYS]
    cases += [(f"from a {w}", lambda w=w: c.place(w)) for w in PLACES]
    return cases + [(n.replace("_", " "), getattr(c, n)) for n in (
        "by_the_library", "fails", "descriptors", "only_the_program", "only_the_wrapper", "as_if_alone")]


if __name__ == "__main__":
    harness.main(make_cases)

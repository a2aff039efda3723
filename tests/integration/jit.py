#!/usr/bin/env python3
"""jit - functions that a program makes while it runs have the names that it writes down: in a perf map, in a
jitdump; whatever becomes of those files, in namespaces, after fork and exec, and when an address is used again.

Which code allocated which size stands in the arguments of fx/jit.c.
"""
import glob
import os
import subprocess

import harness
from harness import Skip, check, equal, need

JS = """
function makeBuffers(n) { const out = []; for (let i = 0; i < n; i++) out.push(Buffer.allocUnsafeSlow(4242)); return out; }
let kept; for (let i = 0; i < 300; i++) kept = makeBuffers(200);
"""


class Jit:
    def __init__(self, t):
        self.t = t

    def record(self, steps, options=(), before=(), where=None):
        r = self.t.record([*before, self.t.fixture("jit"), *steps], options,
                          preexec=(lambda: os.chdir(where)) if where else None)
        equal("status", (r.status, r.stderr), (0, b""))
        self.info = self.t.json("info", r.capture)
        self.capture = r.capture
        for p in self.info["processes"]:
            for path in glob.glob(f"/tmp/perf-{p['pid']}.map*"):
                os.unlink(path)
        return r

    def named(self, steps, want, **how):
        """{size: name of the code that allocated it} of what `steps` allocate."""
        r = self.record(steps, **how)
        got = {e["size"]: e["frames"][0]["function"] for e in self.t.events(r.capture, "--stacks") if e["kind"] == "malloc"}
        equal(" ".join(steps), {size: got.get(size, "nothing allocated") for size in want}, want)
        unknown = sum(name is None for name in want.values())
        equal("unknown frames", self.info["health"]["unknown_frames"], unknown)

    def at_once(self):
        """The file is gone a moment after the code ran."""
        for end in "unlink", "rename":
            for _ in range(5):
                self.named(["code=1", "map=first", "call=5001", end], {5001: "first"})

    def left_behind(self):
        self.named(["code=1", "map=first", "call=5001"], {5001: "first"})
        self.named(["code=1", "map=first", "call=5001", "sleep=50"], {5001: "first"})

    def told_late(self):
        """Some programs write their map when they end."""
        self.named(["code=1", "call=5001", "code=2", "call=5002", "map=two", "code=1", "map=one"], {5001: "one", 5002: "two"})
        self.named(["code=1", "call=5001", "sleep=60", "map=one"], {5001: "one"})

    def grows(self):
        steps, want = [], {}
        for i in range(40):
            steps += [f"code={i}", f"map=function number {i} <it's>", f"call={5000 + i}"] + ["sleep=3"] * (i % 7 == 0)
            want[5000 + i] = f"function number {i} <it's>"
        self.named([*steps, "unlink"], want)

    def used_again(self):
        """Each frame has the name that its address had then."""
        steps = ["code=1", "map=before", "call=5001", "seen", "sleep=20", "code=1", "map=after", "call=5002"]
        self.named(steps, {5001: "before", 5002: "after"})
        self.named([*steps, "seen", "sleep=20", "map=before", "call=5003"], {5001: "before", 5002: "after", 5003: "before"})

    def written_anew(self):
        self.named(["code=1", "map=before", "call=5001", "seen", "sleep=20", "wipe", "map=it", "call=5002", "seen", "sleep=20", "wipe",
                    "map=it", "code=2", "map=other", "call=5003"], {5001: "before", 5002: "it", 5003: "other"})

    def not_believed(self):
        """A file that an earlier program of that pid left; a link; lines that are none."""
        self.named(["code=1", "map=first", "old", "call=5001"], {5001: None})
        self.named(["code=1", "junk=", "junk=zz 1 x", "junk=ffffffffffffffff ffffffffffffffff x", "junk=1 2", "junk=" + "a" * 100000,
                    "junk=0 0 0", "map=first", "junk=7f", "call=5001"], {5001: "first"})

    def pid_namespace(self):
        enters = [need("unshare"), "-pf", "--mount-proc"]
        if subprocess.run([*enters, "true"], capture_output=True, check=False).returncode:
            raise Skip("not allowed here: " + " ".join(enters))
        self.named(["code=1", "map=first", "call=5001", "unlink"], {5001: "first"}, before=enters)
        self.named(["code=1", "map=first", "call=5001", "seen", "sleep=20", "code=1", "map=second", "call=5002", "unlink"],
                   {5001: "first", 5002: "second"}, before=enters)

    def mount_namespace(self):
        """Its /tmp is its own, and ends with it."""
        if subprocess.run([need("unshare"), "-m", "true"], capture_output=True, check=False).returncode:
            raise Skip("mount namespaces are not permitted here")
        build, new = self.t.build, self.t.file(".tmp")
        script = f"mkdir -p {new} && mount -t tmpfs none {new}"
        if build.startswith("/tmp/"):
            script += f" && mkdir -p {new}{build[4:]} && mount --bind {build} {new}{build[4:]}"
        script += f' && mount --rbind {new} /tmp && "$@"'
        for last in [], ["unlink"]:
            self.named(["code=1", "map=first", "call=5001", *last], {5001: "first"},
                       before=["unshare", "-m", "sh", "-c", script, "sh"])

    def forked(self):
        self.named(["code=1", "map=parents", "call=5001", "fork", "call=5002", "code=2", "map=childs", "call=5003"],
                   {5001: "parents", 5002: "parents", 5003: "childs"})

    def executed(self):
        self.named(["code=1", "map=before", "call=5001", "unlink", "exec", "code=1", "map=after", "call=5002", "unlink"],
                   {5001: "before", 5002: "after"})

    def dump_file(self):
        folder = self.t.file(".dumps")
        os.mkdir(folder)
        self.named([f"dump={folder}", "code=1", "load=first", "call=5001", "undump"], {5001: "first"})
        self.named(["dump=.", "code=1", "load=first", "call=5001", "undump"], {5001: "first"}, where=folder)
        self.named(["dump=.", "code=1", "load=first", "call=5001", "code=2", "load=second", "call=5002"],
                   {5001: "first", 5002: "second"}, where=folder)
        self.named([f"dump={folder}", "code=1", "call=5001", "sleep=50", "load=first"], {5001: "first"})

    def dump_in_time(self):
        """Code that is loaded where other code was, and code that moves."""
        folder = self.t.file(".dumps")
        os.mkdir(folder)
        self.named([f"dump={folder}", "code=1", "load=before", "call=5001", "seen", "sleep=50", "code=1", "load=after", "call=5002",
                    "seen", "sleep=50", "move=7", "call=5003", "code=1", "load=last", "call=5004"],
                   {5001: "before", 5002: "after", 5003: "after", 5004: "last"})

    def without_names(self):
        self.named(["code=1", "map=first", "call=5001"], {5001: None}, options=["--no-symbols"])

    def reports(self):
        """Everything that reads a capture can read this one."""
        self.record(["code=1", "map=first", "call=5001", "seen", "sleep=20", "code=1", "map=second", "call=5002"])
        for name in self.t.reports("unnamed", "text"):
            text = self.t.text(name, self.capture)
            check(name in ("check", "stats") or "second" in text, f"tracker {name} has no name of the code")
        page = self.t.file(".html")
        self.t.run("flamegraph", "-o", page, self.capture)
        check(os.path.getsize(page) > 0, "no page")
        modules = {m["path"]: m for m in self.info["modules"]}
        check("[jit]" in modules, f"no module of made code: {list(modules)}")
        more = self.t.file(".bin")
        subprocess.run([self.t.find("tracker"), "symbolize", "-o", more, self.capture], check=True, capture_output=True)

    def node(self):
        script = self.t.file(".js")
        with open(script, "w", encoding="utf-8") as f:
            f.write(JS)
        # where it runs it writes a log, too
        r = self.t.record([need("node"), "--perf-basic-prof", script], preexec=lambda: os.chdir(self.t.scratch))
        equal("status", r.status, 0)
        for p in self.t.json("info", r.capture)["processes"]:
            for path in glob.glob(f"/tmp/perf-{p['pid']}.map"):
                os.unlink(path)
        check(b"makeBuffers" in self.t.run("dump", "--stacks", r.capture), "makeBuffers is in no stack")


def make_cases(t):
    c = Jit(t)
    return [(n.replace("_", " "), getattr(c, n)) for n in (
        "at_once", "left_behind", "told_late", "grows", "used_again", "written_anew", "not_believed", "pid_namespace",
        "mount_namespace", "forked", "executed", "dump_file", "dump_in_time", "without_names", "reports", "node")]


if __name__ == "__main__":
    harness.main(make_cases)

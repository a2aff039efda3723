#!/usr/bin/env python3
"""exec - what recorded programs execute: in every way, with every environment, as another user, in
namespaces, and what cannot be recorded there. What an executed program does it says itself (fx/exec.c).
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import harness
import run
from harness import Replay, check, check_truth, equal, execute, need

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "programs"))
import kernel  # noqa: E402

WAYS = ("execve", "execv", "execvp", "execvpe", "execl", "execlp", "execle", "fexecve", "execveat", "empty_path",
        "spawn", "spawnp")
ENVIRONMENTS = ("same", "empty", "null", "without", "own")
PLACES = ("fork", "vfork", "thread", "handler")
# Starts each of its programs three times, by system calls that no hook sees.
BY_ITSELF = """
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
extern char **environ;
static void start(char *program, int how)
{
	char *argv[] = { program, 0 };
	const long pid = how == 0 ? fork() : how == 1 ? vfork() : syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		syscall(SYS_execve, program, argv, environ);
		_exit(127);
	}
	waitpid(pid, 0, 0);
}
int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		for (int how = 0; how < 3; how++)
			start(argv[i], how);
	return 0;
}
"""


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
                for env in ("same", "empty", "null", "own"):
                    self.follows(how, env, where)

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

    # ---- where the recorder cannot be found by name ----

    def elsewhere(self, *how, enters):
        """In other namespaces, behind a wrapper that enters them: recorded whole, no descriptor more."""
        if subprocess.run([*enters, "true"], capture_output=True, check=False).returncode:
            raise harness.Skip("not allowed here: " + " ".join(enters))
        leak, images = self.t.fixture("exec"), [[self.t.fixture("exec"), *w] for w in how]
        r = self.t.record([*enters, leak, "image", "4001"])
        self.image(r)
        for argv in images:
            self.image(self.t.record([*enters, *argv]))
        argv = [*enters, leak, "descriptors", "same"]
        bare, r = execute(argv), self.t.record(argv)
        equal("descriptors", (r.status, r.stdout), (bare.status, bare.stdout))
        self.whole(r.capture)

    def image(self, r):
        equal("status", (r.status, r.stderr), (0, b""))
        check(b"malloc 4001 5" in r.stdout, f"the image did not run: {r.stdout!r}")
        check_truth(self.t.replay(r.capture), r.stdout)
        self.whole(r.capture)

    def pid_namespace(self):
        ways = [("execve", "empty", "here"), ("spawn", "same", "here"), ("execl", "same", "fork"), ("execve", "null", "vfork"),
                ("execvp", "same", "thread")]
        self.elsewhere(*ways, enters=[need("unshare"), "-pf", "--mount-proc"])

    def answered_late(self):
        """The recorder stands still while a program in another PID namespace asks it for the segment: it is recorded all the same."""
        enter = f"{need('unshare')} -pf --mount-proc"
        if subprocess.run([*enter.split(), "true"], capture_output=True, check=False).returncode:
            raise harness.Skip("not allowed here: " + enter)
        stop = ("for pid in $(cat /proc/$PPID/task/$PPID/children); do [ $pid = $$ ] || recorder=$pid; done; kill -STOP $recorder; "
                "{ sleep 0.4; kill -CONT $recorder; } >/dev/null 2>&1 & ")
        r = self.t.record(["sh", "-c", f"{stop} exec {enter} '{self.t.fixture('exec')}' image 4001"])
        self.image(r)

    def user_namespace(self):
        self.elsewhere(("execve", "empty", "here"), ("spawn", "same", "here"), enters=[need("unshare"), "-U", "-r", "-f"])

    def network_namespace(self):
        self.elsewhere(("execve", "empty", "here"), enters=[need("unshare"), "-n", "-i", "-u"])

    def another_user(self):
        """Root is given up, then something is executed: by whom the segment cannot be opened by name."""
        if os.geteuid() != 0:
            raise harness.Skip("needs root")
        own = self.t.for_others("exec")
        for how in ("execve", "execl", "execvp", "spawn", "fexecve"):
            for env in ("same", "empty"):
                self.image(self.t.record([own("fx_exec"), how, env, "dropped"], tracker=own("tracker")))

    def without_rights(self):
        """A forked child that gave up root before it came to the recorder, which it may not look at, and lives on."""
        if os.geteuid() != 0:
            raise harness.Skip("needs root")
        r = self.t.record([self.t.fixture("exec"), "stays"])
        equal("status", (r.status, r.stderr), (0, b""))
        check_truth(self.t.replay(r.capture), r.stdout)
        self.whole(r.capture)

    def open_folder(self):
        folder = self.t.file(".open")
        os.mkdir(folder, 0o755)
        os.chmod(self.t.scratch, 0o711)
        return folder

    def root_folder(self, *more):
        """A root with the program, what it needs to run, and `more`; no /proc."""
        if os.geteuid() != 0:
            raise harness.Skip("needs root")
        root, program = self.t.file(".root"), self.t.fixture("exec")
        needed = subprocess.run(["ldd", program], capture_output=True, check=True).stdout.decode()
        for path in re.findall(r"(/\S+) \(", needed) + [program, *more]:
            os.makedirs(root + os.path.dirname(path), exist_ok=True)
            shutil.copy(path, root + path)
        return root

    def another_root(self):
        root = self.root_folder(os.path.join(self.t.build, "libtracker", "libtracker.so"))
        for how in ("execve", "spawn", "execv"):
            for env in ("same", "empty"):
                self.image(self.t.record([self.t.fixture("exec"), how, env, "root"], env={"ROOT": root}))

    def root_without_the_library(self):
        """As alone, without a word of the dynamic linker, and told of."""
        argv, env = [self.t.fixture("exec"), "execve", "same", "root"], {"ROOT": self.root_folder()}
        bare, r = execute(argv, env), self.t.record(argv, env=env)
        equal("status, output", (r.status, r.stdout), (bare.status, bare.stdout))
        said = [line for line in r.stderr.decode().splitlines() if not line.startswith("tracker: ")]
        equal("said", said, bare.stderr.decode().splitlines())
        self.missed(r.capture, 1, "libtracker.so cannot be read")

    def crowded(self):
        """Others live in PID namespaces of their own, with the pids that recorded processes have in theirs."""
        enter = [need("unshare"), "-pf", "--mount-proc"]
        if subprocess.run([*enter, "true"], capture_output=True, check=False).returncode:
            raise harness.Skip("not allowed here: " + " ".join(enter))
        said, saying = os.pipe()
        others = subprocess.Popen([*enter, "--kill-child", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 600 & done; echo 1; wait"],
                                  stdout=saying)
        os.read(said, 2)
        try:
            script = "(:); (:); (:); '{0}' image 4001; '{0}' image 4002; (sleep 0.2)".format(self.t.fixture("exec"))
            argv = [*enter, "sh", "-c", script]
            r = self.t.record(argv)
            equal("output", r.stdout.count(b"malloc 400"), execute(argv).stdout.count(b"malloc 400"))
            processes = self.whole(r.capture)["processes"]
            strangers = harness.children(others.pid)
            strangers += [pid for child in strangers for pid in harness.children(child)]
            equal("others", len(strangers), 9)
            equal("pids of others, ends", (set(strangers) & {p["pid"] for p in processes}, {p["status"] for p in processes}), (set(), {0}))
        finally:
            others.kill()
            others.communicate()

    def absent(self, script, env=None):
        """The capture of a script that begins and ends while the recorder stands still."""
        capture, pid_file, gate = (self.t.file(s) for s in (".bin", ".pid", ".gate"))
        os.mkfifo(gate)
        argv = ["sh", "-c", f"echo $$ >'{pid_file}'; read go <'{gate}'; {script}"]
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--", *argv], stderr=subprocess.PIPE,
                             stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})})
        while not os.path.exists(pid_file) or not os.path.getsize(pid_file):
            time.sleep(0.01)
        recorder = harness.recorder_of(p.pid)
        with open(pid_file, encoding="ascii") as f, open(gate, "w", encoding="ascii") as go:
            os.kill(recorder, signal.SIGSTOP)
            go.write("go\n")
            pid = int(f.read())
        while harness.runs(pid):
            time.sleep(0.01)
        os.kill(recorder, signal.SIGCONT)
        p.communicate()
        return capture

    def told_once(self):
        """An execution that a hook and the kernel tell of is one, though both name it when it is over."""
        env = {"ROOT": self.root_folder()}
        for how in ("execve", "spawn"):
            for count in (1, 3):
                script = "; ".join([f"'{self.t.fixture('exec')}' {how} same root"] * count) + "; true"
                self.missed(self.absent(script, env), count, "libtracker.so cannot be read")

    def over_when_seen(self):
        """Recorded processes of another PID namespace that have ended before the recorder looks: none of them is missed."""
        enter = f"{need('unshare')} -pf --mount-proc"
        if subprocess.run([*enter.split(), "true"], capture_output=True, check=False).returncode:
            raise harness.Skip("not allowed here: " + enter)
        # unshare's child comes to the recorder as a forked one; what it executes asks, and is refused, once
        self.missed(self.absent(f"{enter} true; true"), 1, "true")

    # ---- what is not recorded is told of ----

    def missed(self, capture, count, *words):
        """In every place, in the same words."""
        info, text = self.t.json("info", capture), self.t.text("info", capture)
        equal("unrecorded", info["health"]["unrecorded_processes"], count)
        for word in words:
            check(any(word in n and "was not recorded because" in n for n in info["notices"]), f"no {word!r}: {info['notices']}")
        sentence = f"{count} process{' was' if count == 1 else 'es were'} not recorded: tracker info says why"
        equal("complete, why", (info["complete"], info["incomplete"]), (False, sentence))
        check(f"Complete: no, {sentence}\n" in text, text[:400])
        for command in ("stats", "leaks", "tree", "table"):
            equal(command, self.t.json(command, capture)["incomplete"], sentence)
        return info["notices"]

    def built(self, name, text, *flags, compiler="gcc"):
        path = self.t.file(".folder")
        os.mkdir(path)
        source, program = os.path.join(path, name + ".c"), os.path.join(path, name)
        with open(source, "w", encoding="ascii") as f:
            f.write(text)
        built = subprocess.run([need(compiler), "-w", "-o", program, source, *flags], capture_output=True, check=False)
        check(built.returncode == 0, built.stderr.decode(errors="replace")[-300:])
        return program

    def short(self):
        """Statically linked, ended at once; once, a hundred times, of two kinds."""
        one, other = (self.built(n, "int main(void) { return 0; }\n", "-static") for n in ("one", "other"))
        capture = self.t.file(".bin")
        r = execute([self.t.tracker, "run", "-o", capture, "--", "sh", "-c", f"'{one}'; true"])
        notices = self.missed(capture, 1, "one (pid", "statically linked", "which sh started")
        for line in ("1 process was not recorded: tracker info says why", notices[0]):
            check(f"tracker: {line}\n" in r.stderr.decode(), f"{line!r} is not in {r.stderr!r}")
        r = self.t.record(["sh", "-c", f"for i in $(seq 100); do '{one}'; '{other}'; done"])
        notices = self.missed(r.capture, 200, "one (pid", "other (pid", "and 99 more like it")
        equal("notices", len(notices), 2)
        check(len(r.stderr.splitlines()) <= 3, f"{len(r.stderr.splitlines())} lines")

    def long(self):
        """One that outlives the program; one that runs on when the recording ends."""
        program = self.built("sleeper", "int main(void) { return sleep(4); }\n", "-static")
        r = self.t.record(["sh", "-c", f"'{program}' >/dev/null 2>&1 & exit 3"], ["--wait", "inf"])
        equal("status", r.status, 3)
        self.missed(r.capture, 1, "sleeper (pid", "statically linked")
        r = self.t.record(["sh", "-c", f"'{program}'; exit 3"], ["--duration", "1500ms"])
        info = self.t.json("info", r.capture)
        check(any("sleeper (pid" in n and "statically linked" in n for n in info["notices"]), f"{info['notices']}")
        check("1 process was not recorded: tracker info says why" in info["incomplete"], info["incomplete"])

    def past_the_library(self):
        """The system call itself, which no hook sees; in the child of whatever thread."""
        for where in ("fork", "fork_in_thread"):
            r = self.t.record([self.t.fixture("exec"), "directly", "empty", where])
            equal("status", r.status, 0)
            self.missed(r.capture, 1, "sleep (pid", "the exec bypassed the C library")

    def by_itself(self):
        """... however short it lives, where the kernel tells of that; else for a tenth of a second. Others attach as ever."""
        try:
            with kernel.Connector():
                lives = ""
        except OSError:
            lives = "usleep(100000);"
        starter = self.built("starter", BY_ITSELF)
        still = self.built("still", f"int main(void) {{ {lives} return 0; }}\n", "-static")
        normal = self.built("normal", "void *volatile p; int main(void) { p = malloc(4001); return 0; }\n")
        r = self.t.record([starter, still, normal, still, normal])
        equal("status", r.status, 0)
        info = self.t.json("info", r.capture)
        equal("told of", info["health"]["unrecorded_processes"], 6)
        equal("recorded", Replay(self.t.events(r.capture)).kinds["malloc", 4001], 6)
        check(not lives or any("still (pid" in n and "which starter started" in n for n in info["notices"]), f"{info['notices']}")

    def killed_at_once(self):
        """Executed, and dead before a constructor of ours could run."""
        program = self.built("dies", "static void first(void) { raise(9); }\n__attribute__((section(\".preinit_array\"), used)) "
                             "static void (*const p)(void) = first;\nint main(void) { return 0; }\n")
        r = self.t.record(["sh", "-c", f"'{program}'; true"])
        self.missed(r.capture, 1, "dies (pid", "it ended before the preloaded library had started")

    def slow(self, how):
        r = self.cases.truth([self.t.fixture("slow"), how])[0]
        equal("said", r.stderr, b"")
        info = self.whole(r.capture)
        check("Complete: yes\n" in self.t.text("info", r.capture), "its text says otherwise")
        equal("processes", len(info["processes"]), 2)

    def dynamic_linker(self):
        """A program that is run by naming the dynamic linker."""
        program = self.t.fixture("exec")
        headers = subprocess.run(["readelf", "-lW", program], capture_output=True, check=True).stdout.decode()
        linker = re.search(r"interpreter: (\S+)\]", headers).group(1)
        capture = self.t.file(".bin")
        r = execute([self.t.tracker, "run", "-o", capture, "--", linker, program, "image", "4001"])
        check("linked" not in r.stderr.decode() and "unrecorded" not in r.stderr.decode(), r.stderr.decode())
        check_truth(self.t.replay(capture), r.stdout)
        self.whole(capture)

    def go(self):
        """With C parts it is recorded, and nobody says otherwise."""
        need("go", "gcc")
        folder = self.t.file(".go")
        os.mkdir(folder)
        with open(os.path.join(folder, "main.go"), "w", encoding="ascii") as f:
            f.write("package main\n// #include <stdlib.h>\nimport \"C\"\n"
                    "func main() { for i := 0; i < 100; i++ { C.malloc(4001) } }\n")
        env = {"CGO_ENABLED": "1", "GO111MODULE": "off", "GOFLAGS": "", "HOME": folder, "GOCACHE": folder + "/cache"}
        built = subprocess.run(["go", "build", "-o", "program", "main.go"], cwd=folder, env={**os.environ, **env},
                               capture_output=True, check=False)
        check(built.returncode == 0, built.stderr.decode(errors="replace")[-300:])
        capture = self.t.file(".bin")
        r = execute([self.t.tracker, "run", "-o", capture, "--", os.path.join(folder, "program")])
        check("unrecorded" not in r.stderr.decode() and "Go program with C parts" in r.stderr.decode(), r.stderr.decode())
        equal("C's blocks", Replay(self.t.events(capture)).kinds["malloc", 4001], 100)
        info = self.t.json("info", capture)
        equal("unrecorded", info["health"]["unrecorded_processes"], 0)
        check("not recorded" not in (info["incomplete"] or ""), info["incomplete"])


def make_cases(t):
    c = Exec(t)
    cases = [(f"exec: {w}", lambda w=w: c.way(w)) for w in WAYS]
    cases += [(f"from a {w}", lambda w=w: c.place(w)) for w in PLACES]
    cases += [(f"slow: {w}", lambda w=w: c.slow(w)) for w in ("stopped", "waits")]
    return cases + [(n.replace("_", " "), getattr(c, n)) for n in (
        "by_the_library", "fails", "descriptors", "only_the_program", "only_the_wrapper", "as_if_alone",
        "pid_namespace", "answered_late", "user_namespace", "network_namespace", "another_user", "without_rights", "another_root", "root_without_the_library",
        "crowded", "told_once", "over_when_seen",
        "short", "long", "past_the_library", "by_itself", "killed_at_once", "dynamic_linker", "go")]


if __name__ == "__main__":
    harness.main(make_cases)

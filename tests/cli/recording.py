#!/usr/bin/env python3
"""recording - tracker and tracker run as their users meet them: exit codes and
signals passed through, stdout untouched, what is refused and in which words.

usage: recording.py TRACKER DECODER [PART_OF_A_NAME]...

The programs are the system's own (sh, cat, true, python3), so that what they do
alone is the truth; captures are read by the second decoder, not by ours.
"""
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402

TRACKER, DECODER = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
CI = os.environ.get("CI") == "true"
SCRATCH = tempfile.mkdtemp(prefix="tracker-cli.")
os.environ.pop("TRACKER_HOME", None)


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(condition, why):
    if not condition:
        raise Failure(why)


def equal(what, got, want):
    check(got == want, f"{what}: got {got!r}, want {want!r}")


_count = 0


def path(suffix=".bin"):
    global _count
    _count += 1
    return os.path.join(SCRATCH, f"{_count}{suffix}")


def write(data, mode=0o755, suffix=""):
    name = path(suffix)
    with open(name, "wb") as f:
        f.write(data)
    os.chmod(name, mode)
    return name


def call(*args, **more):
    more.setdefault("stdin", subprocess.DEVNULL)
    more.setdefault("stdout", subprocess.PIPE)
    more.setdefault("stderr", subprocess.PIPE)
    more.setdefault("cwd", SCRATCH)
    more.setdefault("timeout", 300)
    return subprocess.run([TRACKER, *args], **more)


def run(*program, options=(), **more):
    """(result, capture) of a recorded program."""
    capture = path()
    return call("run", "-o", capture, *options, "--", *program, **more), capture


def start(*program, options=(), **more):
    capture = path()
    p = subprocess.Popen([TRACKER, "run", "-o", capture, *options, "--", *program], cwd=SCRATCH,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
    return p, capture


def decode(capture):
    r = subprocess.run([sys.executable, DECODER, capture], capture_output=True, timeout=900)
    check(r.returncode == 0, f"the decoder says {r.stderr[-300:]!r}")
    return [json.loads(line) for line in r.stdout.splitlines()]


def of(lines, what):
    """Tables keep the last word on every id."""
    found = [line for line in lines if line["what"] == what]
    return list({line.get("id", i): line for i, line in enumerate(found)}.values())


def is_whole(capture):
    with open(capture, "rb") as f:
        return f.read()[-4:] == b"TRKE"


def until(condition, why, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, why)
        time.sleep(0.01)


def kill_noted(file):
    """It lives: what came before did not wait for its end."""
    with open(file) as f:
        os.kill(int(f.read()), signal.SIGKILL)


def one_line(text, *words):
    text = text.decode(errors="replace")
    check(len(text.splitlines()) == 1, f"not one line: {text!r}")
    check(all(w in text for w in words), f"no {words} in {text!r}")


# ---- the program's own behaviour ----

def exit_status():
    for code in (0, 1, 2, 7, 125, 126, 127, 255):
        equal("status", run("sh", "-c", f"exit {code}")[0].returncode, code)


def death_by_signal():
    for n in (signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGINT, signal.SIGHUP,
              signal.SIGQUIT, signal.SIGPIPE, signal.SIGUSR1):
        r, capture = run("sh", "-c", f"ulimit -c 0; kill -{int(n)} $$")
        equal(f"death by {n.name}", r.returncode, -n)
        process = of(decode(capture), "process")[0]
        equal("ended", (process["ended"], process["code"]), (2, n))


def stdout_and_stderr_are_the_programs():
    data = os.urandom(300000)
    name = write(data)
    r, _ = run("cat", name)
    equal("stdout", r.stdout == data, True)
    r, _ = run("sh", "-c", "echo out; echo err >&2; exit 3", options=("-q",))
    equal("all of it", (r.stdout, r.stderr, r.returncode), (b"out\n", b"err\n", 3))


def three_lines_afterwards():
    r, capture = run("sh", "-c", "exec ls / >/dev/null")
    lines = r.stderr.decode().splitlines()
    equal("lines", len(lines), 3)
    check(all(line.startswith("tracker: ") for line in lines), f"{lines}")
    check("allocations" in lines[0] and capture in lines[1] and f"tracker stats {capture}" in lines[2], f"{lines}")


def what_the_program_inherits():
    """Descriptors, signals, limits and environment are those that it has alone."""
    script = ("import os,sys\n"
              "s = open('/proc/self/status').read().splitlines()\n"
              "print([l for l in s if l[:6] in ('SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt')])\n"
              "print(sorted(os.listdir('/proc/self/fd')), os.getpgid(0) == os.getpgid(os.getppid()))\n"
              "print(open('/proc/self/limits').read(), os.getsid(0), os.getcwd(), os.nice(0))\n"
              "print(sorted(k for k in os.environ if k not in ('LD_PRELOAD', 'TRACKER_SHM')))\n")

    def prepare():
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
        os.dup2(1, 7)

    more = dict(preexec_fn=prepare, close_fds=False, env={"PATH": os.environ["PATH"], "A": "b"})
    alone = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=SCRATCH, stdin=subprocess.DEVNULL,
                           **more)
    r, _ = run(sys.executable, "-c", script, **more)
    equal("status", (alone.returncode, r.returncode), (0, 0))
    equal("inherited", r.stdout.decode(), alone.stdout.decode())


def closed_descriptors():
    for redirection in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-"):
        capture = path()
        r = subprocess.run(["sh", "-c", f'exec "$0" run -q -o "$1" -- sh -c "exit 5" {redirection}', TRACKER, capture],
                           capture_output=True, cwd=SCRATCH)
        equal(redirection, r.returncode, 5)
        check(is_whole(capture), f"{redirection}: the capture is not whole")


def signals_are_passed_on():
    script = 'trap "echo usr1" USR1; trap "echo term; exit 9" TERM; echo ready; while :; do sleep 0.01; done'
    p, capture = start("sh", "-c", script)
    equal("ready", p.stdout.readline(), b"ready\n")
    p.send_signal(signal.SIGUSR1)
    equal("first", p.stdout.readline(), b"usr1\n")
    p.send_signal(signal.SIGTERM)
    equal("second", p.stdout.readline(), b"term\n")
    p.communicate(timeout=300)
    equal("status", p.returncode, 9)
    check(is_whole(capture), "the capture is not whole")


def terminal_interrupt():
    """^C goes to all of the group: the program decides, tracker run and the recorder go on."""
    script = 'trap "echo int; sleep 0.1; exit 4" INT; echo ready; while :; do sleep 0.01; done'
    p, capture = start("sh", "-c", script, start_new_session=True)
    equal("ready", p.stdout.readline(), b"ready\n")
    os.killpg(p.pid, signal.SIGINT)
    out, err = p.communicate(timeout=300)
    equal("all", (p.returncode, out), (4, b"int\n"))
    check(is_whole(capture) and b"allocations" in err, f"{err!r}")


def scripts():
    env = write(b"#!/usr/bin/env sh\necho env $1\nexit 6\n")
    r, capture = run(env, "arg")
    equal("env script", (r.returncode, r.stdout), (6, b"env arg\n"))
    check(of(decode(capture), "process")[0]["execs"] >= 0 and of(decode(capture), "event"), "not recorded")
    bare = write(b"echo bare $1\nexit 8\n")
    equal("no interpreter", (lambda r: (r.returncode, r.stdout))(run(bare, "arg")[0]), (8, b"bare arg\n"))


# ---- where to write ----

def name_patterns():
    env = dict(os.environ, WORD="a/b")
    r = call("run", "-q", "-o", "p-%e-%q{WORD}-%%-%h-%p.x", "--", "sh", "-c", "echo $$", env=env)
    pid = r.stdout.decode().strip()
    name = f"p-sh-a_b-%-{os.uname().nodename}-{pid}.x"
    check(os.path.exists(os.path.join(SCRATCH, name)), f"no {name}: {os.listdir(SCRATCH)}, {r.stderr!r}")
    r = call("run", "-q", "--", "sh", "-c", "echo $$")
    check(os.path.exists(os.path.join(SCRATCH, f"tracker.sh.{r.stdout.decode().strip()}.bin")), "default name")
    before = int(time.time())
    call("run", "-q", "-o", "t-%t", "--", "true")
    check(any(os.path.exists(os.path.join(SCRATCH, f"t-{before + i}")) for i in range(5)), "no t-TIME")
    for pattern in ("%z", "%q{NO_SUCH_VARIABLE}", "%qHOME", "a%"):
        r = call("run", "-o", pattern, "--", "echo", "ran")
        equal(pattern, (r.returncode, r.stdout), (1, b""))
        one_line(r.stderr, "tracker-run: ", pattern[:2] if pattern != "a%" else "%")


def existing_file():
    mine = write(b"precious", 0o644)
    r = call("run", "-o", mine, "--", "echo", "ran")
    equal("refused", (r.returncode, r.stdout), (1, b""))
    one_line(r.stderr, f"Output file {mine} already exists", "--force")
    equal("unchanged", open(mine, "rb").read(), b"precious")
    equal("forced", call("run", "-f", "-o", mine, "--", "echo", "ran").stdout, b"ran\n")
    check(is_whole(mine), "not replaced")
    equal("mode", stat.S_IMODE(os.stat(mine).st_mode), 0o600)


def force_keeps_the_old_file_when_nothing_ran():
    folder = path("")
    os.mkdir(folder)
    mine = os.path.join(folder, "x")
    with open(mine, "w") as f:
        f.write("precious")
    junk = write(b"\x7fELF" + bytes(200))
    equal("status", call("run", "-f", "-o", mine, "--", junk).returncode, 126)
    equal("unchanged", open(mine).read(), "precious")
    equal("nothing beside it", os.listdir(folder), ["x"])


def symbolic_link():
    target, link = write(b"precious"), path("")
    os.symlink(target, link)
    equal("refused", call("run", "-o", link, "--", "true").returncode, 1)
    equal("forced", call("run", "-q", "-f", "-o", link, "--", "true").returncode, 0)
    equal("the link's target", open(target, "rb").read(), b"precious")
    check(not os.path.islink(link) and is_whole(link), "the link is not replaced")


def private_file():
    r, capture = run("true", preexec_fn=lambda: os.umask(0))
    equal("mode", stat.S_IMODE(os.stat(capture).st_mode), 0o600)


def no_such_folder():
    r = call("run", "-o", "/doesn/t/exist/x", "--", "echo", "ran")
    equal("refused", (r.returncode, r.stdout), (1, b""))
    one_line(r.stderr, "Could not create output file /doesn/t/exist/x: No such file or directory")


def devices():
    r = call("run", "-o", "/dev/null", "--", "sh", "-c", "exit 3")
    equal("null", r.returncode, 3)
    check(b"not freed" in r.stderr and b"next:" not in r.stderr, f"null: what can nobody read? {r.stderr!r}")
    r = call("run", "-o", "/dev/full", "--", "sh", "-c", "ls / >/dev/null; exit 3")
    equal("full", r.returncode, 3)
    one_line(r.stderr, "/dev/full: No space left on device", "run again")
    fifo, copy = path(".fifo"), path()
    os.mkfifo(fifo)
    with open(copy, "wb") as f:
        reader = subprocess.Popen(["cat", fifo], stdout=f)
        equal("fifo", call("run", "-q", "-o", fifo, "--", "sh", "-c", "ls >/dev/null; exit 3").returncode, 3)
        reader.wait(30)
    check(is_whole(copy) and of(decode(copy), "event"), "what came out of the fifo")


# ---- what to run ----

def cannot_run():
    folder = path("")
    os.mkdir(folder)
    for program, code, word in (("no-such-program", 127, "command not found"),
                                ("/nonexistent/program", 127, "No such file"),
                                (write(b"x", 0o644), 126, "Permission denied"),
                                (folder, 126, "directory"), ("", 127, "not found"),
                                (write(b"\x7fELF" + bytes(200)), 126, "Exec format error"),
                                (write(b"#!/no/such/interpreter\n"), 127, "/no/such/interpreter")):
        r, capture = run(program)
        equal(program, (r.returncode, r.stdout), (code, b""))
        check(r.stderr.startswith(b"tracker-run: ") and word in r.stderr.decode(), f"{program}: {r.stderr!r}")
        check(not os.path.exists(capture), f"{program}: leaves a capture")


def unrecordable(program, code, word):
    r, capture = run(program)
    equal(word, r.returncode, code)
    first = r.stderr.decode().splitlines()[0]
    why, _, advice = word.partition("; ")
    check(b"nothing was recorded because" in r.stderr and why.encode() in r.stderr.splitlines()[-2] and
          r.stderr.count(advice.encode() or b"; it runs unrecorded") == 1 and
          b"next:" not in r.stderr and b"0 allocations" not in r.stderr, f"{word}: says {r.stderr!r}")
    check(first.startswith("tracker-run: ") and word in first, f"no {word!r} in {first!r}")
    check(is_whole(capture), f"{word}: no valid capture")
    check(any(word in n["text"] for n in of(decode(capture), "notice")), f"{word}: no notice")


def compiled(source, *flags):
    program = path("")
    if not shutil.which("gcc"):
        raise Skip("no gcc")
    r = subprocess.run(["gcc", "-x", "c", "-", "-o", program, *flags], input=source, capture_output=True)
    if r.returncode:
        raise Skip(f"gcc {flags}: {r.stderr[-200:]!r}")
    return program


def static_program():
    unrecordable(compiled(b"int main(void) { return 7; }\n", "-static"), 7,
                 "is statically linked; nothing can be preloaded into it: link it dynamically, without -static")


def sanitized_program():
    unrecordable(compiled(b"int main(void) { return 7; }\n", "-fsanitize=address"), 7, "sanitizer")


def setuid_program():
    if os.geteuid() != 0:
        raise Skip("needs root")
    program = path("")
    shutil.copy("/bin/true", program)
    os.chown(program, 1, 1)
    os.chmod(program, 0o4755)
    unrecordable(program, 0, "setuid")


def foreign_programs():
    """Another C library, another machine: named before the kernel refuses them."""
    with open("/bin/true", "rb") as f:
        data = f.read()
    glibc = b"/lib64/ld-linux-x86-64.so.2\0"
    if glibc not in data:
        raise Skip("not x86-64")
    musl = b"/lib/ld-musl-x86_64.so.1".ljust(len(glibc), b"\0")
    r, _ = run(write(data.replace(glibc, musl)))
    check(b"musl" in r.stderr, f"musl: {r.stderr!r}")
    r, _ = run(write(data[:18] + b"\xf3\0" + data[20:]))
    check(b"another machine" in r.stderr, f"RISC-V: {r.stderr!r}")
    # junk where the tables should be: no crash
    for at in (32, 40, 54, 56, 58, 60, 62):
        r, _ = run(write(data[:at] + b"\xff\xff" + data[at + 2:]))
        check(r.returncode >= 0 or r.returncode in (-signal.SIGSEGV, -signal.SIGKILL), f"{at}: {r.returncode}")
        check(b"tracker" in r.stderr, f"{at}: {r.stderr!r}")


# ---- descendants ----

def background_child_is_recorded_whole():
    r, capture = run("sh", "-c", f"{sys.executable} -c 'import time; time.sleep(0.3); x = [bytes(1000)] * 9' & true")
    equal("status", r.returncode, 0)
    names = [p["name"] for p in of(decode(capture), "process")]
    check(is_whole(capture) and any("python" in n for n in names), f"{names}")
    ends = [p["end_ns"] for p in of(decode(capture), "process")]
    check(max(ends) > 300e6, f"{ends}")


def a_child_that_was_only_just_forked():
    for _ in range(10):
        r, capture = run("sh", "-c", "ls / >/dev/null &")
        names = [p["name"] for p in of(decode(capture), "process")]
        check("ls" in names and is_whole(capture), f"{names}: {r.stderr!r}")


def descendants_that_run_on():
    """tracker run returns, says so, and the recorder finishes the file without it."""
    left, began = path(), time.monotonic()
    r, capture = run("sh", "-c", f"sleep 600 >/dev/null 2>&1 & echo $! >{left}; exit 3", options=("--wait=200ms",))
    took = time.monotonic() - began
    equal("status", r.returncode, 3)
    check(took >= 0.2, f"took {took}")
    check(b"1 descendant is still running" in r.stderr and not is_whole(capture), f"{r.stderr!r}")
    kill_noted(left)
    until(lambda: is_whole(capture), "the recorder never finishes")
    lived = time.monotonic() - began
    ends = [p["end_ns"] / 1e9 for p in of(decode(capture), "process")]
    check(0.2 < max(ends) < lived, f"ends {ends}, of {lived}")


def waiting_for_descendants():
    r, capture = run("sh", "-c", "sleep 2.5 >/dev/null 2>&1 & exit 3", options=("--wait", "inf"))
    check(r.returncode == 3 and is_whole(capture), f"{r.stderr!r}")
    r = call("run", "--wait", "soon", "--", "true")
    equal("bad duration", r.returncode, 2)


def how_descendants_ended():
    """Newer kernels tell of whom the recorder has met; older ones leave it unknown, never wrong."""
    r, capture = run("sh", "-c", "(exec sh -c 'sleep 0.3; exit 9'); (exec sh -c 'sleep 0.3; kill -9 $$'); true")
    ends = sorted((p["ended"], p["code"]) for p in of(decode(capture), "process"))
    version = tuple(int(n) for n in os.uname().release.split("-")[0].split(".")[:2])
    equal("ends", ends, [(1, 0)] * 3 + [(1, 9), (2, 9)] if version >= (6, 15) else [(0, 0)] * 4 + [(1, 0)])


# ---- the recorder ----

def recorder_of(program):
    """The pid that the variable names by which the program finds its recorder."""
    with open(f"/proc/{program}/environ", "rb") as f:
        value = [v for v in f.read().split(b"\0") if v.startswith(b"TRACKER_SHM=")][0]
    return int(value.split(b"/")[2])


LOOP = "import os,sys\nprint(os.getpid(), flush=True)\n" \
       "for i in range(int(sys.argv[1])): x = [bytes(600 + j) for j in range(1000)]\nsys.exit(5)"


def killed_recorder():
    p, capture = start(sys.executable, "-c", LOOP, "3000")
    os.kill(recorder_of(int(p.stdout.readline())), signal.SIGKILL)
    _, err = p.communicate(timeout=300)
    equal("the program's status", p.returncode, 5)
    check(b"the recorder died (SIGKILL)" in err, f"{err!r}")


def stopped_recorder():
    """What fits the shared memory waits there: nothing is lost, nothing is out of order."""
    p, capture = start(sys.executable, "-c", LOOP, "30", env=dict(os.environ, PYTHONMALLOC="malloc"))
    recorder = recorder_of(int(p.stdout.readline()))
    os.kill(recorder, signal.SIGSTOP)
    time.sleep(0.5)
    os.kill(recorder, signal.SIGCONT)
    p.communicate(timeout=300)
    equal("the program's status", p.returncode, 5)
    health = {h["key"]: h["value"] for h in of(decode(capture), "health")}
    check(is_whole(capture) and health["lost"] == health["late_events"] == 0, f"{health}")


def terminated_recorder():
    """SIGTERM: the file is finished, the program runs on."""
    p, capture = start("sh", "-c", "echo $$; sleep 1; exit 5")
    os.kill(recorder_of(int(p.stdout.readline())), signal.SIGTERM)
    until(lambda: is_whole(capture), "not finished")
    p.communicate(timeout=300)
    equal("the program's status", p.returncode, 5)
    check(any("told to stop" in n["text"] for n in of(decode(capture), "notice")), "no notice")


def duration():
    """The file is whole while the program runs on; then one line says it."""
    p, capture = start("sh", "-c", "read until_the_end; exit 5", options=("--duration", "300ms"))
    until(lambda: os.path.exists(capture) and is_whole(capture), "not finished")
    equal("runs on", p.poll(), None)
    _, err = p.communicate(timeout=300)
    lines = err.decode().splitlines()
    equal("status", (p.returncode, len(lines)), (5, 4))
    check(re.fullmatch(r"tracker: recording stopped after \d\.\d s because of --duration; the program ran on", lines[0]), lines[0])
    check("allocations" in lines[1] and capture in lines[2], f"{lines}")
    lines = decode(capture)
    check(all(q["end_ns"] == -1 and q["ended"] == 0 for q in of(lines, "process")), f"{of(lines, 'process')}")
    health = {h["key"]: h["value"] for h in of(lines, "health")}
    check(health["stopped_by"] == 1 and 3e8 <= health["stopped_ns"] == health["end_ns"], f"{health}")
    check(any("recording stopped after" in n["text"] for n in of(lines, "notice")), "no notice")


def duration_quiet_and_not_reached():
    r, capture = run("sh", "-c", "sleep 0.6; exit 5", options=("-q", "--duration", "0.2"))
    equal("quiet", (r.returncode, r.stderr), (5, b""))
    check(is_whole(capture), "not whole")
    r, capture = run("sh", "-c", "exit 5", options=("--duration", "1h", "--max-size", "1G"))
    equal("not reached", (r.returncode, len(r.stderr.splitlines())), (5, 3))
    check(not of(decode(capture), "notice"), "a notice")


def duration_and_descendants():
    """The time is over while tracker run waits for descendants, or has left already."""
    left = path()
    script = f"sleep 600 >/dev/null 2>&1 & echo $! >{left}; exit 3"
    r, capture = run("sh", "-c", script, options=("--wait=inf", "--duration=500ms"))
    equal("waiting", r.returncode, 3)
    check(is_whole(capture) and b"recording stopped after" in r.stderr, f"{r.stderr!r}")
    kill_noted(left)
    r, capture = run("sh", "-c", script, options=("--wait=0", "--duration=500ms"))
    equal("left", r.returncode, 3)
    until(lambda: os.path.exists(capture) and is_whole(capture), "not finished")
    kill_noted(left)


def duration_and_interrupt():
    """^C after the end of the recording is the program's business as ever."""
    script = 'trap "echo int; exit 4" INT; echo ready; while :; do sleep 0.01; done'
    p, capture = start("sh", "-c", script, start_new_session=True, options=("--duration", "100ms"))
    equal("ready", p.stdout.readline(), b"ready\n")
    until(lambda: os.path.exists(capture) and is_whole(capture), "not finished")
    os.killpg(p.pid, signal.SIGINT)
    out, err = p.communicate(timeout=300)
    equal("all", (p.returncode, out), (4, b"int\n"))
    check(b"recording stopped after 0." in err, f"{err!r}")


def no_pipe_stays_open():
    """Who reads our output sees its end when the program ends, not when the recorder does."""
    left = path()
    subprocess.run(["sh", "-c", '"$0" run -q --wait=0 -o "$1" -- sh -c "sleep 600 >/dev/null 2>&1 & echo \\$! >$2" 2>&1 | cat',
                    TRACKER, path(), left], cwd=SCRATCH, timeout=300)
    kill_noted(left)


# ---- the dispatcher ----

def dispatcher():
    r = call()
    equal("no arguments", (r.returncode, r.stdout), (2, b""))
    equal("four examples", sum(line.startswith(b"  tracker ") for line in r.stderr.splitlines()), 4)
    for option in ("-h", "--help", "help"):
        r = call(option)
        check(r.returncode == 0 and not r.stderr, f"{option}: {r}")
        for command in ["run", *reports.names(os.path.join(os.path.dirname(TRACKER), "..", "reporters"))]:
            check(f"\n  {command} ".encode() in r.stdout, f"{command} is not in {option}")
    r = call("--version")
    check(r.returncode == 0 and r.stdout.startswith(b"tracker "), f"{r}")
    r = call("--print-preload")
    library = r.stdout.decode().strip()
    check(os.path.isabs(library) and os.path.exists(library) and library.endswith("libtracker.so"), f"{r}")
    equal("help run", call("help", "run").stdout, call("run", "--help").stdout)
    equal("sane help", b"--no-follow-exec" in call("run", "--help").stdout, True)


def unknown_commands():
    app = write(b"#!/bin/sh\n")
    for word, suggestion in (("stat", "tracker stats"), ("flamgraph", "tracker flamegraph"),
                             (app, f"tracker run {app}"), ("out.bin", "tracker stats out.bin"),
                             ("xyzzyxyzzy", "--help")):
        r = call(word)
        equal(word, r.returncode, 2)
        one_line(r.stderr, f"tracker: '{word}' is not a tracker command", suggestion)
    equal("option", call("--frobnicate").returncode, 2)


def other_places():
    """Found beside the binary wherever one calls it from, and in TRACKER_HOME."""
    link = path("")
    os.symlink(TRACKER, link)
    equal("by a link", subprocess.run([link, "run", "--version"], capture_output=True).returncode, 0)
    home = os.path.dirname(os.path.dirname(TRACKER))
    copy = path("")
    shutil.copy(TRACKER, copy)
    for status, *argv in ((1, "stats", "--version"), (125, "run", "true")):
        r = subprocess.run([copy, *argv], capture_output=True)
        equal(f"{argv} alone", (r.returncode, r.stdout), (status, b""))
        check(b"install tracker again or set TRACKER_HOME" in r.stderr, f"{argv}: {r.stderr!r}")
    for command in "run", "stats":
        equal(f"{command} with TRACKER_HOME", subprocess.run([copy, command, "--version"], capture_output=True,
                                                             env=dict(os.environ, TRACKER_HOME=home)).returncode, 0)


def usage():
    for args in ((), ("--no-such-option", "true"), ("--nframe", "0", "true"), ("--nframe", "1000001", "true"),
                 ("--unwind", "guess", "true"), ("--duration", "soon", "true"), ("--duration", "0", "true"),
                 ("--max-size", "1000000", "true"), ("--max-size", "much", "true")):
        r = call("run", *args)
        equal(f"{args}", (r.returncode, r.stdout), (2, b""))
        check(r.stderr.startswith(b"tracker-run: "), f"{r.stderr!r}")
    r, _ = run("sh", "-c", "echo $0 $1", "-o", "--force")
    equal("options end at the program", r.stdout, b"-o --force\n")


CASES = [exit_status, death_by_signal, stdout_and_stderr_are_the_programs, three_lines_afterwards,
         what_the_program_inherits, closed_descriptors, signals_are_passed_on, terminal_interrupt, scripts,
         name_patterns, existing_file, force_keeps_the_old_file_when_nothing_ran, symbolic_link, private_file,
         no_such_folder, devices, cannot_run, static_program, sanitized_program, setuid_program, foreign_programs,
         background_child_is_recorded_whole, a_child_that_was_only_just_forked, descendants_that_run_on,
         waiting_for_descendants, how_descendants_ended, killed_recorder, stopped_recorder, terminated_recorder,
         duration, duration_quiet_and_not_reached, duration_and_descendants, duration_and_interrupt, no_pipe_stays_open,
         dispatcher, unknown_commands, other_places, usage]


def main():
    wanted, failed = sys.argv[3:], 0
    for n in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):  # nohup and a shell's & ignore some; what we start would, too
        signal.signal(n, signal.SIG_DFL)
    cases = [c for c in CASES if not wanted or any(w in c.__name__ for w in wanted)]
    print(f"1..{len(cases)}")
    for i, case in enumerate(cases, 1):
        name = case.__name__.replace("_", " ")
        try:
            case()
            print(f"ok {i} {name}", flush=True)
        except Skip as e:
            failed += CI
            print(f"{'not ok' if CI else 'ok'} {i} {name} # SKIP {e}", flush=True)
        except (Failure, subprocess.TimeoutExpired) as e:
            failed += 1
            print(f"not ok {i} {name}\n# {e}", flush=True)
    shutil.rmtree(SCRATCH, ignore_errors=True)
    return 1 if failed or not cases else 0


if __name__ == "__main__":
    sys.exit(main())

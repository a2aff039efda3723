#!/usr/bin/env python3
"""recording - tracker and tracker run as their users meet them: exit codes and
signals passed through, stdout untouched, what is refused and in which words. The recorder and what runs on: recorder.py.

usage: recording.py TRACKER DECODER [PART_OF_A_NAME]...

The programs are the system's own (sh, cat, true, python3), so that what they do
alone is the truth; captures are read by the second decoder, not by ours.
"""
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from recorded import (SCRATCH, TRACKER, Skip, call, check, decode, equal, is_whole, of, one_line, path, run,
                      start, write, main)


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
    check("allocations" in lines[0] and capture in lines[1] and f"tracker report {capture}" in lines[2], f"{lines}")


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


CASES = [exit_status, death_by_signal, stdout_and_stderr_are_the_programs, three_lines_afterwards,
         what_the_program_inherits, closed_descriptors, signals_are_passed_on, terminal_interrupt, scripts,
         name_patterns, existing_file, force_keeps_the_old_file_when_nothing_ran, symbolic_link, private_file,
         no_such_folder, devices, cannot_run, static_program, sanitized_program, setuid_program,
         foreign_programs]


if __name__ == "__main__":
    sys.exit(main(CASES))

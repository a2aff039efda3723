#!/usr/bin/env python3
"""recorder - the recorder as users of tracker run meet it: descendants that run on, recorders that are killed or told to end,
limits of time; and the dispatcher.

usage: recorder.py TRACKER DECODER [PART_OF_A_NAME]...

The programs are the system's own (sh, sleep, python3), so that what they do alone is the truth; captures are read by the second
decoder, not by ours.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from recorded import (SCRATCH, TRACKER, call, check, decode, equal, is_whole, kill_noted, of, one_line, path,
                      reports, run, start, until, write, main)


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
    for word, suggestion in (("sats", "Did you mean 'stats'?"), ("flamgraph", "Did you mean 'flamegraph'?"), ("staats", "'stats'"), ("summray", "'summary'"),
                             (app, f"tracker run {app}"), ("out.bin", "tracker report out.bin"),
                             ("xyzzyxyzzy", "--help")):
        r = call(word)
        equal(word, r.returncode, 2)
        one_line(r.stderr, f"tracker: '{word}' is no command of tracker", suggestion)
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


CASES = [background_child_is_recorded_whole, a_child_that_was_only_just_forked, descendants_that_run_on,
         waiting_for_descendants, how_descendants_ended, killed_recorder, stopped_recorder,
         terminated_recorder, duration, duration_quiet_and_not_reached, duration_and_descendants,
         duration_and_interrupt, no_pipe_stays_open, dispatcher, unknown_commands, other_places, usage]


if __name__ == "__main__":
    sys.exit(main(CASES))

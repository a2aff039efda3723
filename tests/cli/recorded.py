"""recorded - programs run by tracker run, and what came of it: for recording.py and recorder.py."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402, F401

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


def main(all_cases):
    """Runs those whose names contain one of the words; TAP on stdout; the exit status."""
    wanted, failed = sys.argv[3:], 0
    for n in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):  # nohup and a shell's & ignore some; what we start would, too
        signal.signal(n, signal.SIG_DFL)
    cases = [c for c in all_cases if not wanted or any(w in c.__name__ for w in wanted)]
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

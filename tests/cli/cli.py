"""
cli - runs the commands in a file and compares what they print, to the byte.

usage: cli.py MKCAPTURE FOLDER_OF_REPORTERS FILE.t

In a .t file, one statement a line:

  capture NAME     a capture made by mkcapture from the lines below that begin with a tab
  file NAME        a file of the lines below that begin with a tab
  $ COMMAND        a shell command, in an empty folder of its own, reporters on PATH, mkcapture in MKCAPTURE
  > TEXT           a line that it prints (in order, and no others)
  ! TEXT           the same on stderr
  = N              its exit status, if not 0
  # ...            a comment; blank lines are ignored

After >~ and !~ stands a regular expression for the whole line, and {pwd} is the folder.
"""
import os
import re
import subprocess
import sys
import tempfile


def parse(path):
    """Statements as lists: [line number, kind, text, lines below ...]."""
    statements = []
    with open(path, encoding="utf-8") as f:
        for number, line in enumerate(f.read().split("\n"), 1):
            if line.startswith("\t"):
                statements[-1][3].append(line[1:])
            elif line and not line.startswith("#"):
                kind, _, text = line.partition(" ")
                if kind not in ("capture", "file", "$", ">", ">~", "!", "!~", "="):
                    sys.exit("%s:%d: what is %r?" % (path, number, kind))
                statements.append([number, kind, text, []])
    return statements


def matches(want, got):
    return len(want) == len(got) and all(
        re.fullmatch(text, line) if is_regex else text == line
        for (is_regex, text), line in zip(want, got))


def lines_of(output):
    lines = output.decode("utf-8", "backslashreplace").split("\n")
    if lines[-1]:
        lines[-1] += "<no newline>"
    else:
        lines.pop()
    return lines


def show(name, want, got):
    print("  %s expected:" % name)
    for is_regex, text in want:
        print("    %s%s" % ("~ " if is_regex else "", text))
    print("  %s got:" % name)
    for line in got:
        print("    " + line)


class Case:
    def __init__(self, number, command):
        self.number, self.command, self.status = number, command, 0
        self.out, self.err = [], []

    def holds(self, path, env):
        done = subprocess.run(["sh", "-c", self.command], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = lines_of(done.stdout), lines_of(done.stderr)
        if done.returncode == self.status and matches(self.out, out) and matches(self.err, err):
            return True
        print("%s:%d: %s" % (path, self.number, self.command))
        if done.returncode != self.status:
            print("  exit status %d, expected %d" % (done.returncode, self.status))
        if not matches(self.out, out):
            show("stdout", self.out, out)
        if not matches(self.err, err):
            show("stderr", self.err, err)
        return False


def cases_of(statements, mkcapture, folder):
    """Makes files and captures on the way; each case runs before the next statement."""
    case = None
    for number, kind, text, below in statements:
        body = "".join(line + "\n" for line in below)
        text = text.replace("{pwd}", re.escape(folder) if kind.endswith("~") else folder)
        if kind in ("capture", "file", "$") and case:
            yield case
            case = None
        if kind == "capture":
            subprocess.run([mkcapture, text], input=body.replace("{pwd}", folder).encode(), check=True)
        elif kind == "file":
            with open(text, "w", encoding="utf-8") as f:
                f.write(body)
            os.chmod(text, 0o644)
        elif kind == "$":
            case = Case(number, text)
        elif kind == "=":
            case.status = int(text)
        else:
            (case.out if kind[0] == ">" else case.err).append((len(kind) > 1, text))
    if case:
        yield case


def main():
    mkcapture, reporters, path = [os.path.abspath(p) for p in sys.argv[1:4]]
    env = {"PATH": reporters + ":" + os.environ["PATH"], "LC_ALL": "C", "HOME": "/nonexistent", "MKCAPTURE": mkcapture}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    held = failed = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        os.chdir(folder)
        for case in cases_of(parse(path), mkcapture, folder):
            if case.holds(path, env):
                held += 1
            else:
                failed += 1
        os.chdir("/")
    print("%s: %d held, %d failed" % (os.path.basename(path), held, failed))
    sys.exit(failed != 0 or held == 0)


main()

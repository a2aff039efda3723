"""style - C sources are formatted as clang-format does by .clang-format: all but those that unformatted.txt names.

What it makes of a file differs from one major version to the next, so it must be that of VERSION. Without it nothing is
checked, which in CI is a fault.
"""
import os
import re
import subprocess
from pathlib import PurePosixPath

VERSION = "14"
HERE = os.path.dirname(os.path.abspath(__file__))
A_TIME = 64  # files


def excepted():
    with open(os.path.join(HERE, "unformatted.txt"), encoding="utf-8") as f:
        return [line.split("#")[0].strip() for line in f if line.split("#")[0].strip()]


def find():
    for name in ("clang-format-" + VERSION, "clang-format"):
        try:
            said = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
        except FileNotFoundError:
            continue
        if re.search(r"version %s\." % VERSION, said):
            return name
    return None


def check(root, sources, problem):
    patterns, program = excepted(), find()
    names = [n for n, _ in sources if n.endswith((".c", ".h")) and not any(PurePosixPath(n).match(p) for p in patterns)]
    if not program:
        if os.environ.get("CI") == "true":
            problem(os.path.join(root, ".clang-format"), 0, "there is no clang-format %s to check it" % VERSION)
        else:
            print("# no clang-format %s: formatting is not checked" % VERSION)
        return
    for at in range(0, len(names), A_TIME):
        r = subprocess.run([program, "--dry-run", *names[at:at + A_TIME]], capture_output=True, text=True, cwd=root)
        for name, line in sorted({(m[1], int(m[2])) for m in re.finditer(r"^(\S+?):(\d+):\d+: ", r.stderr, re.M)}):
            problem(os.path.join(root, name), line, "not as .clang-format says: %s -i %s" % (program, name))

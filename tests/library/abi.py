"""abi - what a program that was built with an older libtracker-replay relies on is as abi.txt says.

abi.txt has what programs may link with (`function NAME`, with its version) and the memory that they share (`NAME NUMBER`). Lines may only
be added there: each other change breaks programs, and needs another soname.

usage: abi.py LIBRARY PROGRAM_IN_C PROGRAM_IN_CPP ABI_TXT
"""
import re
import subprocess
import sys


def said(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()


def main():
    library, in_c, in_cpp, path = sys.argv[1:]
    with open(path) as f:
        want = [line.strip() for line in f if line.strip() and not line.startswith("#")]
    functions = [m[1] for line in said("nm", "-D", "--defined-only", library) if (m := re.search(r" T (\S+)$", line))]
    soname = re.findall(r"\(SONAME\).*\[(.*)\]", "\n".join(said("readelf", "-dW", library)))
    have = ["soname " + name for name in soname] + sorted("function " + f for f in functions) + said(in_c)
    if said(in_cpp) != said(in_c):
        sys.exit("C++ sees other structures than C")
    for line in sorted(set(want) - set(have)):
        print("is no longer so: " + line)
    for line in sorted(set(have) - set(want)):
        print("is not in abi.txt: " + line)
    if want != have:
        sys.exit("the library is not what abi.txt says")


main()

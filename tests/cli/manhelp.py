"""
manhelp - every command's --help and its man page name the same options and operands.

usage: manhelp.py FOLDER_OF_PROGRAMS FOLDER_OF_PAGES
"""
import glob
import os
import re
import subprocess
import sys


def options_of_help(program):
    """Options stand at the start of a line: "  -n, --limit N"."""
    text = subprocess.run([program, "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return set(re.findall(r"^  (?:-\w, |    )?(--[a-z][a-z-]*)", text, re.M))


def options_of_page(page):
    """Options of the OPTIONS section, in bold at the start of a line, several with commas."""
    with open(page, encoding="utf-8") as f:
        section = f.read().split("\n# OPTIONS\n", 1)[1].split("\n# ", 1)[0]
    heads = [line for line in section.split("\n") if line.startswith("*-")]
    return {o for head in heads for o in re.findall(r"--[a-z][a-z-]*", head)}


def synopsis_of_help(program):
    """The first line: "Usage: tracker stats [options] CAPTURE[@POINT]"."""
    text = subprocess.run([program, "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    return text.split("\n", 1)[0].replace("Usage: ", "", 1)


def synopsis_of_page(page):
    """The first line of the SYNOPSIS section, without its bold and underlined marks."""
    with open(page, encoding="utf-8") as f:
        line = f.read().split("\n# SYNOPSIS\n\n", 1)[1].split("\n", 1)[0]
    return re.sub(r"[*_\\]", "", line)


def main():
    programs, pages = sys.argv[1:3]
    failed = 0
    found = sorted(p for p in glob.glob(os.path.join(programs, "tracker-*")) if os.path.isfile(p))
    for program in found:
        name = os.path.basename(program)
        page = os.path.join(pages, name + ".1.scd")
        if not os.path.exists(page):
            print("%s: no man page" % name)
            failed += 1
            continue
        in_help, in_page = options_of_help(program), options_of_page(page)
        for option in sorted(in_help ^ in_page):
            print("%s: %s is only in %s" % (name, option, "--help" if option in in_help else page))
            failed += 1
        lines = synopsis_of_help(program), synopsis_of_page(page)
        if lines[0] != lines[1]:
            print("%s: --help says %r, its page %r" % (name, lines[0], lines[1]))
            failed += 1
    print("%d commands" % len(found))
    sys.exit(failed != 0 or not found)


main()

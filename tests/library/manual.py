"""manual - docs/man/tracker.h.3.scd names every function and macro that programs may call, and no other.

usage: manual.py PAGE HEADER...
"""
import re
import sys

CALLED = re.compile(r"^(?!\s|#|typedef\b|extern\b)[^;{}()]*?\b(tracker_\w*[a-z])\(", re.M)
MACRO = re.compile(r"^#define (TRACKER_(?:ASSERT|WITH|POOL)_\w*[A-Z])\b", re.M)
NAMED = re.compile(r"\b(?:tracker_\w*[a-z](?=\(|\*)|TRACKER_(?:ASSERT|WITH|POOL)_\w+)")


def main():
    page, *headers = sys.argv[1:]
    declared = set()
    for path in headers:
        with open(path) as f:
            text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
        declared |= set(CALLED.findall(text)) | set(MACRO.findall(text))
    with open(page) as f:
        text = f.read().partition("# EXAMPLES")[0]
    types = set(re.findall(r"\b(tracker_\w+)\* \\\*", text))
    named = set(NAMED.findall(text)) - (types - declared)
    for name in sorted(declared - named):
        print("the page does not name " + name)
    for name in sorted(named - declared):
        print("no header has " + name)
    if named != declared or len(declared) < 60:
        sys.exit("%d names in the headers" % len(declared))


main()

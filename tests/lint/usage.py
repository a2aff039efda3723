"""usage - what headers declare is used: every function of a header of the product by some other source of the product.

What only its own file calls is to be static, what only tests call is to go. Headers that are installed are for
programs. Those that are meant to be there all the same stand in unused.txt, each with its reason; one that stands there and is used is a fault, too.
"""
import collections
import os
import re

PRODUCT = ("format/", "libtracker/", "reporters/", "tools/")
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
PROTOTYPE = re.compile(r"^(?![ \t#}])(?!typedef\b)(?:[A-Za-z_][\w ]*?[\s*]+)([A-Za-z_]\w*)\([^;{}]*\)"
                       r"(?:\s*__attribute__\(\(.*?\)\))?\s*;", re.M)
INLINE = re.compile(r"^static inline [^;{}=]*?([A-Za-z_]\w*)\([^;{}]*\)\s*\{", re.M)
DEFINED = r"^[A-Za-z_][^;{}=\n]*?\b%s\([^;{}]*\)\s*\{"
INSTALLED = ("libtracker/tracker.h", "reporters/library/tracker-replay.h")
HERE = os.path.dirname(os.path.abspath(__file__))


def read(sources):
    """Text without comments and strings, and its words, of each file of the product."""
    texts, words = {}, {}
    for name, path in sources:
        if name.startswith(PRODUCT) and name.endswith((".c", ".h")):
            with open(path, encoding="utf-8", errors="replace") as f:
                texts[name] = NOISE.sub(lambda m: " " + "\n" * m[0].count("\n"), f.read())
            words[name] = collections.Counter(re.findall(r"[A-Za-z_]\w*", texts[name]))
    return texts, words


def is_used(function, header, texts, words):
    """By a source that does not define it, or in a header beside its prototype."""
    for name in texts:
        mentions = words[name][function] - (1 if name == header else 0)
        if mentions > 0 and not re.search(DEFINED % function, texts[name], re.M):
            return True
    return False


def unused(sources):
    texts, words = read(sources)
    for header in sorted(n for n in texts if n.endswith(".h") and n not in INSTALLED):
        for m in PROTOTYPE.finditer(texts[header]):
            if not is_used(m[1], header, texts, words):
                yield header, texts[header].count("\n", 0, m.start(1)) + 1, m[1]
        for m in INLINE.finditer(texts[header]):
            if sum(w[m[1]] for w in words.values()) < 2:
                yield header, texts[header].count("\n", 0, m.start(1)) + 1, m[1]


def excepted():
    with open(os.path.join(HERE, "unused.txt"), encoding="utf-8") as f:
        return {line.split("#")[0].strip() for line in f} - {""}


def check(root, sources, problem):
    allowed, found = excepted(), set()
    for header, line, function in unused(sources):
        found.add(function)
        if function not in allowed:
            problem(os.path.join(root, header), line, "no other source of the product uses %s: static, or gone" % function)
    for function in sorted(allowed - found):
        problem(os.path.join(HERE, "unused.txt"), 0, "%s is used, or is gone" % function)

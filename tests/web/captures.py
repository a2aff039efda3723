"""Captures for the flame graph's tests, as text for mkcapture, and what must come out of them by arithmetic."""
import subprocess

HEAD = """header id=7 start=1790000000000000000
module app /src/app main
module libc /usr/lib/x86_64-linux-gnu/libc.so.6
frame malloc - 0 module=libc
frame lsm - 0 as=__libc_start_main module=libc
frame start - 0 as=_start module=app
frame main /src/app.c 90 module=app
process 0 pid=4242 name=app args="./app\\0--fast\\0" exit=0 end=100ms
thread 0 tid=4242 name=app main
"""


def stack(name, *frames, below=("main", "lsm", "start")):
    return f"stack {name} malloc {' '.join((*frames, *below))}\n"


def frames(*lines):
    return "".join(f"frame {name}{line} /src/app.c {line} as={name} module=app\n" for name, line in lines)


def fx_flame():
    """memray's example: a calls b and h, b calls c, c calls missing and d, d calls e and f and allocates, f calls g, h calls i."""
    text = HEAD + frames(("a", 10), ("a", 11), ("b", 20), ("c", 30), ("c", 31), ("missing", 35), ("d", 40), ("d", 41),
                         ("d", 42), ("e", 50), ("f", 55), ("g", 60), ("h", 70), ("i", 75))
    text += stack("missing", "missing35", "c30", "b20", "a10")
    text += stack("e", "e50", "d40", "c31", "b20", "a10")
    text += stack("g", "g60", "f55", "d41", "c31", "b20", "a10")
    text += stack("d", "d42", "c31", "b20", "a10")
    text += stack("i", "i75", "h70", "a11")
    text += "at 10ms\nmalloc m 100000 missing\nat 20ms\nfree m\n"
    text += "at 30ms\nmalloc e 100000 e\nat 40ms\nmalloc g 200000 g\nat 50ms\nmalloc d 50000 d\n"
    text += "at 60ms\nmalloc i 100000 i\nmark built\nat 80ms\nfree e\nfree g\nfree d\nat 100ms\n"
    return text


# name -> (value, own) of fx_flame at its peak; `missing` is not there.
FX_FLAME = {
    "<root>": (450000, 0), "main": (450000, 0), "a": (450000, 0), "b": (350000, 0), "c": (350000, 0),
    "d": (350000, 50000), "e": (100000, 100000), "f": (200000, 0), "g": (200000, 200000), "h": (100000, 0),
    "i": (100000, 100000),
}


def fx_inverted():
    """a (1000000 each time) called on three ways, a1 on one."""
    text = HEAD + frames(("a", 10), ("a1", 12), ("b", 20), ("c", 30), ("d", 40), ("f", 50), ("g", 60))
    text += stack("one", "a10", "b20", "c30") + stack("two", "a10", "b20", "d40") + stack("three", "a10", "f50")
    text += stack("four", "a112", "g60")
    return text + "".join(f"malloc {s} 1000000 {s}\n" for s in ("one", "two", "three", "four"))


def threads():
    """Two processes; three threads; the same function in each. 100, 20 and 3 KB."""
    text = HEAD + frames(("work", 10), ("deep", 20))
    text += "process 1 pid=4300 parent=0 fork name=child\n"
    text += "thread 1 tid=4243 name=worker\nthread 2 process=1 tid=4300 name=child main\n"
    text += stack("w", "work10") + stack("v", "deep20", "work10")
    text += "in 0\nmalloc a 100000 w\nin 1\nmalloc b 15000 w\nmalloc c 5000 v\nin 2\nmalloc d 3000 v\n"
    return text


def recursion():
    """fib three deep, 1000 B at each level, and 500 B elsewhere: a search for fib finds 3000."""
    text = HEAD + frames(("fib", 10), ("other", 20))
    text += stack("one", "fib10") + stack("two", "fib10", "fib10") + stack("three", "fib10", "fib10", "fib10")
    text += stack("else", "other20")
    return text + "malloc a 1000 one\nmalloc b 1000 two\nmalloc c 1000 three\nmalloc d 500 else\n"


def modules():
    """The program allocates 1000 B in one block itself, 3000 in two through libone and 4000 in five through libtwo, which libone calls."""
    text = HEAD + "module one /usr/lib/libone.so.1\nmodule two /usr/lib/libtwo.so.2\n" + frames(("own", 10), ("calls", 20))
    text += "frame one /src/one.c 5 module=one\nframe two /src/two.c 6 module=two\n"
    text += stack("app", "own10") + stack("one", "one", "calls20") + stack("two", "two", "one", "calls20")
    text += "malloc a 1000 app\n" + "".join(f"malloc b{i} 1500 one\n" for i in range(2))
    return text + "".join(f"malloc c{i} 800 two\n" for i in range(5))


# module -> (share of the bytes, share of the blocks) of modules(), whatever way the graph is turned.
MODULES = {"libtwo.so.2": ("50.0 %", "62.5 %"), "libone.so.1": ("37.5 %", "25.0 %"), "app": ("12.5 %", "12.5 %")}

HOSTILE = {
    "script": "</script><script>window.hit = 1; alert(1)</script>",
    "image": "<img src=x onerror=window.hit=2>",
    "comment": "<!--<script>",
    "template": "@@COLUMNS@@ @@META@@ ${window.hit=3}",
    "separator": "a\\xe2\\x80\\xa8b\\xe2\\x80\\xa9c",
    "invalid": "bad\\xff\\xfe\\xc3utf8",
    "lines": "one\\ntwo;three 5",
    "quotes": "\\\"quoted\\\" \\\\ 'single' `tick`",
    "bidi": "\\xe2\\x80\\xae" + "reversed",
    "proto": "__proto__",
    "long": "x" * 5000,
}


def hostile():
    """Names that try to be more than names, everywhere a program can put them."""
    text = """header id=9 start=1
module app "/src/</script><script>alert(2)</script>" main
process 0 pid=1 name="</title><script>alert(3)</script>" args="./a\\0</script><img src=x onerror=alert(4)>\\0\\xff\\0" exit=0
thread 0 tid=1 name="<b onmouseover=alert(5)>" main
notice "<iframe src=javascript:alert(6)></iframe>"
"""
    for i, (key, name) in enumerate(HOSTILE.items(), 1):
        text += f'frame {key} "/src/<svg onload=alert(7)>{key}.c" {i} "as={name}" module=app\nstack {key} {key}\n'
    text += "".join(f"malloc {key} {1000 + i} {key}\n" for i, key in enumerate(HOSTILE, 1))
    return text + 'at 10ms\nmark "</script><script>alert(8)</script>"\nat 20ms\nfree long\n'


def deep(n):
    """n frames f1 (the outermost) to f<n>, in 32 call frames: the rest is inlined."""
    text, calls, step = HEAD, [], -(-n // 32)
    for top in range(n, 0, -step):
        text += f"frame f{top} /src/deep.c {top} module=app\n"
        text += "".join(f"inlined f{top} f{i} /src/deep.c {i}\n" for i in range(top - 1, max(top - step, 0), -1))
        calls.append(f"f{top}")
    return text + stack("deep", *calls) + "malloc a 4096 deep\n"


def make(mkcapture, path, text):
    subprocess.run([mkcapture, path], input=text.encode(), check=True)
    return path

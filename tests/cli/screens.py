"""
screens - each report as it looks on terminals of 40, 80 and 200 columns, and in a pipe: golden texts, in screens/NAME.txt.

usage: screens.py MKCAPTURE FOLDER_OF_REPORTERS [--write]

With --write, the texts are written anew: read them before you commit them.
"""
import os
import subprocess
import sys
import tempfile
import unittest

MKCAPTURE, REPORTERS = map(os.path.abspath, sys.argv[1:3])
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tools"))
import reports  # noqa: E402
import terminals  # noqa: E402

SCREENS = os.path.join(HERE, "screens")
LOOKED = os.path.join(HERE, "..", "golden", "good", "memory.bin")  # in which the memory was looked at
WIDTHS = (40, 80, 200)
QUIET = {"NO_COLOR": "1", "TRACKER_PAGER": "cat"}
OPTIONS = {"dump": ["-n", "6"], "export": ["--format", "folded", "-o", "-"], "flamegraph": ["--format", "folded"]}


def capture_text():
    """A server with two workers that name themselves, and a helper that a signal ended: what holds, leaks, grows, and is soon freed."""
    out = ['module app /usr/sbin/server main build-id=0123456789abcdef',
           'frame main /home/ann/server/main.c 10 as=main module=app',
           'frame serve /home/ann/server/serve.c 40 as=serve_requests module=app',
           'frame open /home/ann/server/session.cc 23 as="net::Session::open(std::string const&)" module=app',
           'frame cache /home/ann/server/cache.cc 77 as="net::Cache<std::string, std::vector<char> >::insert" module=app',
           'frame text /home/ann/server/text.c 5 as=format_text module=app',
           'stack open open serve main', 'stack cache cache serve main', 'stack text text serve main', 'stack main main',
           'process 0 pid=100 name=server exe=/usr/sbin/server args="server\\0--port\\080\\0" titled=1 title="server: master process"',
           'process 1 pid=101 ppid=100 parent=0 fork name=server start=1ms titled=1 title="server: worker process"',
           'process 2 pid=102 ppid=100 parent=0 fork name=server start=2ms titled=1 title="server: worker process"',
           'process 3 pid=103 ppid=100 parent=0 name=helper exe=/usr/bin/helper start=3ms',
           'thread 0 process=0 tid=100 main', 'thread 1 process=1 tid=101 main', 'thread 2 process=2 tid=102 main', 'thread 3 process=3 tid=103 main',
           'malloc a 40000 main', 'in 3', 'malloc h 3000 main']
    for i in range(300):
        out += [f"in {i % 3}", "after 10ms", f"malloc s{i} 1000 open", f"malloc t{i} 64 text", f"free t{i}"]
        if i < 40:
            out.append(f"new c{i} 5000 cache")
    out += ["in 0", "free a"] + [x for i in range(40) for x in (f"in {i % 3}", f"delete c{i}")]
    out += ["process 0 exit=0 end=3100ms", "process 1 exit=0 end=3050ms", "process 2 exit=1 end=3050ms", "process 3 signal=15 end=2000ms",
            "rss 0 9000000", 'notice "helper (pid 103) loaded a library by dlmopen: some of its allocations are not recorded"']
    return "\n".join(out) + "\n"


class Screens(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        subprocess.run([MKCAPTURE, os.path.join(cls.folder.name, "server.bin")], input=capture_text().encode(), check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def shown(self, name):
        operands = {"diff": ["server.bin@10%", "server.bin"], "memory": [LOOKED]}.get(name, ["server.bin"])
        argv = [os.path.join(REPORTERS, "tracker-" + name), *OPTIONS.get(name, []), *operands]
        before = os.getcwd()
        os.chdir(self.folder.name)
        try:
            parts = [] if name == "dump" else [(f"{n} columns", terminals.run(argv, n, env=QUIET)[1]) for n in WIDTHS]
            piped = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()
        finally:
            os.chdir(before)
        return "".join(f"==== {title}\n{text}" for title, text in [*parts, ("a pipe", piped)])

    def test_each_report(self):
        for name in reports.names(REPORTERS):
            path, text = os.path.join(SCREENS, name + ".txt"), self.shown(name)
            if "--write" in sys.argv:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            with self.subTest(report=name), open(path, encoding="utf-8") as f:
                self.assertEqual(text, f.read())
            for part in text.split("==== ")[1:]:
                title, _, body = part.partition("\n")
                limit = int(title.split()[0]) if title[0].isdigit() and name not in ("export", "flamegraph") else None  # which print stacks for programs
                self.assertNotIn("\x1b", body)
                self.assertFalse(limit and [line for line in body.splitlines() if terminals.width(line) > limit], (name, title))
                if "columns" in title and name in ("stats", "leaks"):  # what happened to blocks is a sentence, and no name to be cut
                    self.assertIn("live when SIGTERM ended it", " ".join(body.split()))
                self.assertLessEqual(len(body.splitlines()), 60 if limit is None or limit >= 80 else 100, (name, title))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

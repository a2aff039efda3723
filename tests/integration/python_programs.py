#!/usr/bin/env python3
"""python_programs - Python programs of every kind, alone and recorded: what they print and their status are the same, and the row of a line in which
they allocate has the size that arithmetic in the program says.

usage: python_programs.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import sys

import harness
from harness import check, equal, execute

POOL = """
import multiprocessing, os
def work(n):
    kept = [bytearray(20001) for _ in range(10)]  #!
    return sum(map(len, kept)) + n
if __name__ == "__main__":
    for method in "fork", "spawn", "forkserver":
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, sum(pool.map(work, range(4), chunksize=1)))
"""
SERVER = """
import asyncio
kept = []
async def answer(reader, writer):
    line = await reader.readline()
    kept.append(bytearray(20001))  #!
    writer.write(line.upper())
    await writer.drain()
    writer.close()
async def ask(port, n):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello %d\\n" % n)
    line = await reader.readline()
    writer.close()
    return len(line)
async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(sum(await asyncio.gather(*(ask(port, n) for n in range(40)))))
    server.close()
asyncio.run(main())
"""
GREEN = """
from gevent import monkey
monkey.patch_all()
import gevent, time
kept = []
def work(n):
    for _ in range(10):
        kept.append(bytearray(20001))  #!
        time.sleep(0)
assert time.sleep.__module__.startswith("gevent")
gevent.joinall([gevent.spawn(work, n) for n in range(4)])
print(len(kept))
"""
THREADS = """
import threading, queue
todo, kept = queue.Queue(), []
class Worker(threading.Thread):
    def run(self):
        for n in iter(todo.get, None):
            kept.append(bytearray(20001))  #!
workers = [Worker() for _ in range(4)]
for w in workers: w.start()
for n in range(40): todo.put(n)
for w in workers: todo.put(None)
for w in workers: w.join()
print(len(kept))
"""
WAYS = """
import contextlib, functools, sys
kept = []
def block():
    return bytearray(20001)  #!
class Way:
    def __init__(self): kept.append(block())
    def __call__(self): kept.append(block())
    def __del__(self): kept.append(block())
    def __getattr__(self, name): kept.append(block())
    @property
    def text(self): kept.append(block())
    @staticmethod
    def plain(): kept.append(block())
def generator():
    yield block()
    yield block()
async def coroutine():
    kept.append(block())
@functools.lru_cache
def cached(n): return block()
way = Way()
way(); way.text; way.plain(); way.missing
kept.extend(generator())
try:
    coroutine().send(None)
except StopIteration:
    pass
kept.extend(map(lambda n: block(), range(3)))
kept.extend(block() for _ in range(3))
kept.append(sorted([2, 1, 3], key=lambda n: kept.append(block()) or n))
kept.append(cached(1)); kept.append(cached(1))
with contextlib.ExitStack() as stack:
    stack.callback(lambda: kept.append(block()))
exec(compile("kept.append(block())", "<made>", "exec"))
del way
print(len(kept))
"""
SUITE = """
import pytest
kept = []
@pytest.fixture
def block():
    kept.append(bytearray(20001))  #!
    return kept[-1]
@pytest.mark.parametrize("n", range(10))
def test_block(block, n):
    assert len(block) == 20001
"""


class Programs:
    def __init__(self, t):
        self.t = t

    def both(self, name, text, blocks, command=(), live=True):
        """The program alone and recorded; `blocks` of 20,001 bytes (and bytearray's one for the end) were allocated on the line with the mark #!."""
        folder = self.t.file(".d")
        os.mkdir(folder)
        script = os.path.join(folder, name + ".py")
        with open(script, "w", encoding="ascii") as f:
            f.write(text)
        line = next(n for n, code in enumerate(text.splitlines(), 1) if "#!" in code)
        argv = [sys.executable, *command, script]
        env = {"PYTHONDONTWRITEBYTECODE": "1"}
        alone, recorded = execute(argv, env), self.t.record(argv, env=env)
        equal("as alone", (recorded.status, self.said(recorded)), (alone.status, self.said(alone)))
        equal("status", alone.status, 0)
        stacks = [e["stack"] for e in self.t.events(recorded.capture) if e["kind"] in ("malloc", "calloc") and e["size"] == 20002]
        equal("blocks", len(stacks), blocks)
        rows = {(r["file"], r["line"]): r for r in self.t.json("table", recorded.capture + ("" if live else "@end"))["rows"]}
        if live:
            at_the_peak = rows[script, line]["count"]
            check(at_the_peak <= blocks + 1 and rows[script, line]["size"] >= 20002 * (blocks - 1), rows[script, line])
            tree = [s for s in self.t.text("tree", "-n", "0", "--depth", "0", recorded.capture).splitlines() if f"{name}.py:{line}" in s]
            check(tree and not any("_PyEval" in s for s in tree), f"stacks of the line: {tree[:5]}")
        return recorded

    @staticmethod
    def said(r):
        """Without the seconds that pytest prints."""
        return [line.split(" in ")[0] for line in (r.stdout + r.stderr).decode().splitlines()]

    def pool(self):
        recorded = self.both("pool", POOL, 120, live=False)
        leaked = json.loads(self.t.run("info", "--json", recorded.capture))["processes"]
        check(len(leaked) >= 7, f"processes: {leaked}")

    def asyncio(self):
        self.both("server", SERVER, 40)

    def gevent(self):
        self.both("green", GREEN, 40)

    def threads(self):
        self.both("threads", THREADS, 40)

    def calls(self):
        self.both("ways", WAYS, 21)

    def pytest(self):
        self.both("test_suite", SUITE, 10, ["-m", "pytest", "-q", "-p", "no:cacheprovider"])


def make_cases(t):
    programs = Programs(t)
    return [(n, getattr(programs, n)) for n in ("pool", "asyncio", "gevent", "threads", "calls", "pytest")]


if __name__ == "__main__":
    harness.main(make_cases)

"""measure - runs one workload bare, under tracker and under heaptrack; see run.

"app" is CPU time of the recorded process, "all" that of every process of the
run until the finished file lies there; "names" is the share of it that went
into looking up names, a cost by program and not by event. Differences are to
the bare run of the same round.
"""
import ctypes
import json
import os
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import time

import harness
from workloads import Workload

TOOLS = ("native", "tracker", "heaptrack")
# heaptrack 1.4.0's interpreter asks for 6 GB at once: docs/PERFORMANCE.md says why.
HEAPTRACK_LIMIT = 6 << 30
PR_SET_CHILD_SUBREAPER = 36
REPORTER_RUNS = 3
SAMPLE = "512K"
# Figures that are differences to the bare run, per event.
PER_EVENT = ("app", "all", "all_but_names", "wall")


class Bench:
    def __init__(self, tracker, scratch, heaptrack_folder=None, aggregate=False):
        self.t, self.scratch = tracker, scratch
        self.counter, self.usage = tracker.find("counter.so"), tracker.find("usage.so")
        self.heaptrack, self.heaptrack_print = (shutil.which(n, path=heaptrack_folder) for n in ("heaptrack", "heaptrack_print"))
        self.aggregate = ["--aggregate"] if aggregate else []
        self.tools = [t for t in TOOLS if t != "heaptrack" or self.heaptrack]
        self.count = 0
        # Helpers that outlive their parents come to us, so that their CPU time is seen.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def path(self, suffix):
        self.count += 1
        return os.path.join(self.scratch, f"{self.count}{suffix}")

    def command(self, tool, argv):
        """The command that records argv, and the beginning of the name of the file it writes."""
        if tool in ("tracker", "sampled"):
            out = self.path(".bin")
            sample = ["--sample", SAMPLE] if tool == "sampled" else []
            return [self.t.tracker, "run", "-q", "-o", out, *sample, *self.aggregate, "--", *argv], out
        if tool == "heaptrack":
            out = self.path(".ht")
            return [self.heaptrack, "-o", out, *argv], out
        return list(argv), None

    def environment(self, w, usage):
        env = {k: v for k, v in os.environ.items() if k != "LD_PRELOAD"} | w.env
        return env | {"LD_PRELOAD": self.usage, "USAGE_FILE": usage}

    def once(self, tool, w):
        """One run: CPU, wall, memory, file; None when the tool failed."""
        usage, errors = self.path(".usage"), self.path(".stderr")
        argv, out = self.command(tool, w.argv)
        start = time.monotonic()
        with open(w.stdin or os.devnull, "rb") as stdin, open(errors, "wb") as stderr:
            p = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, cwd=w.cwd,
                                 env=self.environment(w, usage), preexec_fn=limits if tool == "heaptrack" else None)
        status, cpu = reap(p)
        wall = time.monotonic() - start
        app, helper_peak = read_usage(usage, w.argv[0])
        if status != 0 or not app or (tool == "heaptrack" and not interpreted(errors)):
            discard(out)
            return None
        health = self.health(out) if tool in ("tracker", "sampled") else {}
        names = health.get("symbols_cpu_ns", 0) / 1e9
        peak_all = app["peak"] + (health["recorder_max_rss_bytes"] >> 10 if health else helper_peak)
        return {"app": app["cpu"] / 1e9, "app_wall": app["wall"] / 1e9, "all": max(cpu, app["cpu"] / 1e9), "wall": wall,
                "names": names, "all_but_names": max(cpu, app["cpu"] / 1e9) - names, "private": app["private"],
                "peak": app["peak"], "peak_all": peak_all, "file": written(out), "out": out, "health": health}

    def health(self, out):
        return self.t.json("info", out)["health"]

    def events(self, w):
        """Allocations and frees of the bare program by the independent counter."""
        folder = self.path(".counts")
        os.mkdir(folder)
        env = os.environ | w.env | {"LD_PRELOAD": self.counter, "COUNTER_DIR": folder}
        with open(w.stdin or os.devnull, "rb") as stdin:
            subprocess.run(w.argv, stdin=stdin, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, cwd=w.cwd,
                           check=True)
        return sum(c["allocations"] + c["frees"] for images in harness.read_counters(folder).values() for c in images)

    def workload(self, name, w, repeats, deadline):
        rows, last = {t: [] for t in self.tools}, {}
        events = self.events(w)
        for i in range(repeats):
            if i and time.monotonic() > deadline:
                break
            turn = i % len(self.tools)
            for tool in self.tools[turn:] + self.tools[:turn]:
                got = self.once(tool, w)
                if got:
                    rows[tool].append((i, got))
                    discard(last.get(tool))
                    last[tool] = got["out"]
        bare = [got for _, got in rows["native"]]
        result = {"name": name, "workload": w.name, "events": events, "rounds": len(bare),
                  "native": {k + "_s": median(g[k] for g in bare) for k in ("app", "app_wall", "wall")}}
        for tool in self.tools[1:]:
            result[tool] = compare(rows["native"], rows[tool], events)
            reading = self.reporter(tool, last.get(tool), events)
            if result[tool] and reading:
                result[tool] |= reading
            discard(last.get(tool))
        return result

    def reporter(self, tool, out, events):
        """What reading the file costs: tracker stats, heaptrack_print."""
        if not out or (tool == "heaptrack" and not self.heaptrack_print):
            return None
        argv = [self.t.reporter("stats"), out] if tool == "tracker" else [self.heaptrack_print, outputs(out)[0]]
        runs = []
        for _ in range(REPORTER_RUNS):
            start = time.monotonic()
            p = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=limits)
            _, status, used = os.wait4(p.pid, 0)
            p.returncode = os.waitstatus_to_exitcode(status)
            runs.append((time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss))
            if status:
                return None
        wall, cpu, rss = (statistics.median(column) for column in zip(*runs))
        # of several threads wall says it, beside other programs CPU time
        return {"reporter_wall_ns": wall * 1e9 / events, "reporter_cpu_ns": cpu * 1e9 / events,
                "reporter_ns": min(wall, cpu) * 1e9 / events, "reporter_rss_mb": rss / 1024}

    def sampling(self, workloads, repeats, deadline):
        """CPU ns per event added to the program: recorded exactly, and with --sample."""
        result = {}
        for name, w in workloads.items():
            events, rows = self.events(w), {t: [] for t in ("native", "tracker", "sampled")}
            for i in range(repeats):
                if i and time.monotonic() > deadline:
                    break
                for tool, list_ in rows.items():
                    got = self.once(tool, w)
                    list_.append((i, got))
                    discard(got["out"])
            exact, sampled = (compare(rows["native"], rows[t], events) for t in ("tracker", "sampled"))
            result[name] = {"exact_app_ns": exact["app_ns"], "sampled_app_ns": sampled["app_ns"],
                            "exact_all_ns": exact["all_but_names_ns"], "sampled_all_ns": sampled["all_but_names_ns"],
                            "ratio": sampled["app_ns"] / exact["app_ns"]}
        return result

    def start(self, repeats):
        """Wall time of running /bin/true, in ms."""
        w, times = Workload("true", ["/bin/true"]), {t: [] for t in self.tools}
        for _ in range(repeats):
            for tool, list_ in times.items():
                got = self.once(tool, w)
                if got:
                    list_.append(got["wall"] * 1e3)
                    discard(got["out"])
        return {tool: median(list_) for tool, list_ in times.items()}

    def redis(self, repeats, requests, deadline):
        """Requests per second of a server under redis-benchmark, and as a share of the bare one."""
        rates, shares = {t: [] for t in self.tools}, {t: [] for t in self.tools}
        for i in range(repeats):
            if i and time.monotonic() > deadline:
                break
            bare = None
            for tool in self.tools:
                rate = self.redis_once(tool, requests)
                if rate:
                    rates[tool].append(rate)
                if tool == "native":
                    bare = rate
                elif rate and bare:
                    shares[tool].append(rate / bare)
        return {"native_requests_per_s": median(rates["native"])} | {t: median(shares[t]) for t in self.tools[1:]}

    def redis_once(self, tool, requests):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = str(s.getsockname()[1])
        where = ["-h", "127.0.0.1", "-p", port]
        argv, out = self.command(tool, ["redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir",
                                        self.scratch])
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        rate = None
        try:
            for _ in range(500):
                with socket.socket() as s:
                    if s.connect_ex(("127.0.0.1", int(port))) == 0:
                        break
                time.sleep(0.02)
            r = subprocess.run(["redis-benchmark", *where, "-n", str(requests), "-P", "8", "--csv", "-t", "set,get,lpush"],
                               capture_output=True, text=True, timeout=120)
            lines = [line.split(",") for line in r.stdout.splitlines()[1:]]
            rate = statistics.mean(float(x[1].strip('"')) for x in lines) if lines else None
            subprocess.run(["redis-cli", *where, "shutdown", "nosave"], capture_output=True, timeout=30)
        finally:
            reap(p)
            discard(out)
        return rate


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (HEAPTRACK_LIMIT, HEAPTRACK_LIMIT))


def reap(p):
    """Waits for p and for whatever it left behind: (status of p, CPU seconds of all)."""
    status, cpu = None, 0.0
    signal.alarm(300)
    while True:
        try:
            pid, code, used = os.wait4(-1, 0)
        except ChildProcessError:
            signal.alarm(0)
            p.returncode = status
            return status, cpu
        cpu += used.ru_utime + used.ru_stime
        if pid == p.pid:
            status = os.waitstatus_to_exitcode(code)


def read_usage(path, program):
    """What usage.so wrote of the program (the largest process of that name), and the peak in KiB of the largest other
    process, which for heaptrack is its interpreter; None: nothing."""
    if not os.path.exists(path):
        return None, 0
    with open(path) as f:
        lines = [json.loads(line) for line in f]
    app = max((u for u in lines if u["name"] == os.path.basename(program)), key=lambda u: u["cpu"], default=None)
    return app, max((u["peak"] for u in lines if u is not app), default=0)


def interpreted(errors):
    """heaptrack's script ends with status 0 when its interpreter died: then this is missing."""
    with open(errors, "rb") as f:
        return b"heaptrack stats:" in f.read()


def outputs(out):
    folder = os.path.dirname(out)
    return [os.path.join(folder, n) for n in os.listdir(folder) if n.startswith(os.path.basename(out))]


def written(out):
    return sum(os.path.getsize(p) for p in outputs(out)) if out else 0


def discard(out):
    for path in outputs(out) if out else ():
        os.unlink(path)


def median(values):
    values = list(values)
    return statistics.median(values) if values else None


def quartiles(values):
    low, _, high = statistics.quantiles(values, n=4)
    return low, high


def compare(native, tool, events):
    """Medians of (tool - the bare run of the same round), per event or in MB, and of what only the tool has."""
    bare = dict(native)
    pairs = [(bare[i] | {"all_but_names": bare[i]["all"]}, got) for i, got in tool if i in bare]
    if not pairs:
        return None
    def all_added(key, unit):
        return [(got[key] - base[key]) / unit for base, got in pairs]
    def added(key, unit):
        return median(all_added(key, unit))
    def own(key, unit):
        return median(got["health"].get(key, 0) / unit for _, got in pairs)
    result = {key + "_ns": added(key, events / 1e9) for key in PER_EVENT}
    result |= {key + "_ns_between": quartiles(all_added(key, events / 1e9)) for key in PER_EVENT if len(pairs) > 3}
    result |= {"file_bytes": median(got["file"] / events for _, got in pairs), "private_mb": added("private", 1024),
               "rss_mb": added("peak", 1024), "rss_all_mb": added("peak_all", 1024), "app_wall_s": median(got["app_wall"] for _, got in pairs),
               "app_s": median(got["app"] for _, got in pairs), "rounds": len(pairs)}
    if pairs[0][1]["health"]:
        result |= {"names_ms": own("symbols_cpu_ns", 1e6), "recorder_s": own("recorder_cpu_ns", 1e9),
                   "recorder_rss_mb": own("recorder_max_rss_bytes", 1 << 20), "stalls": own("stalls", 1),
                   "lost": own("lost", 1), "order_changes": own("order_changes", 1)}
    return result

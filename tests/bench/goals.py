"""goals - what recording may cost, row by row, and whether a run of the benchmark met it.

Nanoseconds are added to the bare program per event, as measured on two cores of
x86-64; "of heaptrack's" compares with the run beside it.
"""

# workload -> CPU ns per event: of the program, of all processes
CPU = {
    "churn 20 same": (15, 30), "churn 20 few": (30, 50), "churn 20 all": (150, 300), "churn 60 same": (20, 35),
    "cppmix": (18, 62), "sqlite3": (28, 65), "python3": (28, 78), "xmllint": (21, 82), "cc1plus": (70, 120),
    "clang": (200, 350), "live_set": (40, 130),
    "paths 1": (14, 45), "paths 16": (30, 80), "paths 256": (35, 90), "paths 4096": (38, 125), "paths 1M": (45, 200),
    "paths 60 deep": (60, 130), "paths 2 threads": (25, 75), "paths live": (40, 130),
}
# workload -> share of what heaptrack adds beside it: to the program, to all processes. In no other shape may it add less.
SHARE = {
    "paths 1": (1 / 8, 1 / 7), "paths 16": (1 / 3, 1 / 3), "paths 256": (1 / 3, 1 / 3), "paths 4096": (1 / 3, 1 / 3),
    "paths 1M": (1 / 3, 1 / 3), "paths 60 deep": (1 / 4, 1 / 4), "paths 2 threads": (1 / 5, 1 / 4), "cppmix": (1 / 3, 1 / 4),
    "live_set": (1 / 4, 1 / 3), "sqlite3": (1 / 3, 1 / 3), "python3": (1 / 4, 1 / 3), "xmllint": (1 / 5, 1 / 3),
    "cc1plus": (1 / 4, 1 / 4), "clang": (1 / 4, 1 / 4),
}
# workload -> ns per event that `stats` takes
STATS_NS = {"paths 1": 20, "cppmix": 28, "sqlite3": 18, "live_set": 60, "xmllint": 50}
# workload -> bytes per event of a file that heaptrack wrote elsewhere, in case it fails here
FILE = {"churn 20 few": 2.8, "cppmix": 0.7, "sqlite3": 0.04, "python3": 0.6, "cc1plus": 1.35}
PRIVATE_MB = {"cc1plus": 8}
REDIS_SHARE = 0.9
START_MS = 2.2
SYMBOLS_S = 0.4
SCALING = 1.1
SAMPLING_SHARE = 0.2


def row(what, goal, got, heaptrack=None, unit="", most=True):
    met = None if got is None or goal is None else bool(got <= goal if most else got >= goal)
    return {"what": what, "goal": goal, "got": got, "heaptrack": heaptrack, "unit": unit, "met": met}


def share(t, h, key):
    return t[key] / h[key] if t.get(key) is not None and h.get(key, 0) > 0 else None


def of_workload(r):
    name, t, h = r["name"], r.get("tracker") or {}, r.get("heaptrack") or {}
    rows = []
    for i, (key, what) in enumerate((("app_ns", "app"), ("all_but_names_ns", "all but names"))):
        if name in CPU:
            rows.append(row(f"{name}: {what}", CPU[name][i], t.get(key), h.get(key), "ns/event"))
        if h:
            rows.append(row(f"{name}: {what}, of heaptrack's", SHARE.get(name, (1, 1))[i], share(t, h, key)))
    if name in FILE:
        rows.append(row(f"{name}: file", h.get("file_bytes") or FILE[name], t.get("file_bytes"), h.get("file_bytes"),
                        "B/event"))
    if name in PRIVATE_MB:
        rows.append(row(f"{name}: memory", PRIVATE_MB[name], t.get("private_mb"), h.get("private_mb"), "MB"))
    if name in STATS_NS:
        rows.append(row(f"{name}: stats", STATS_NS[name], t.get("reporter_ns"), h.get("reporter_ns"), "ns/event"))
    return rows


def scaling(workloads):
    """Wall of churn with N threads by its own with one, over the same of the bare program."""
    runs = {r["name"]: r for r in workloads if r["name"].startswith("threads ")}
    one, rows = runs.get("threads 1"), []
    for name, r in runs.items():
        if not one or r is one or not (r.get("tracker") and one.get("tracker")):
            continue
        bare = r["native"]["app_wall_s"] / one["native"]["app_wall_s"]
        def ratio(tool):
            return r[tool]["app_wall_s"] / one[tool]["app_wall_s"] / bare if r.get(tool) and one.get(tool) else None
        rows.append(row(f"{name}: wall to one thread's, by the bare one's", SCALING, ratio("tracker"), ratio("heaptrack")))
    return rows


def judge(result):
    rows = [g for r in result["workloads"] for g in of_workload(r)] + scaling(result["workloads"])
    redis, start, symbols = result.get("redis"), result.get("start_ms"), result.get("symbols")
    if redis:
        rows.append(row("redis-server: share of bare throughput", REDIS_SHARE, redis.get("tracker"),
                        redis.get("heaptrack"), most=False))
    if start:
        rows.append(row("start of /bin/true", START_MS, start.get("tracker"), start.get("heaptrack"), "ms"))
    for name, x in result.get("sampling", {}).items():
        if name.startswith("churn"):
            rows.append(row(f"{name}: app with --sample, of recording all", SAMPLING_SHARE, x["ratio"]))
    if symbols:
        rows.append(row("20,000 addresses of a large binary", SYMBOLS_S, symbols["seconds"], None, "s"))
    return rows

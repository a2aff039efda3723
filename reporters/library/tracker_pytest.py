"""tracker_pytest - pytest-memray's markers and summary, over tracker.Tracker:

    @pytest.mark.limit_memory("24 MB")      fails if more was allocated at one moment of the test
    @pytest.mark.limit_leaks("1 MB")        fails if one place has allocated more in the test than was freed by its end

Limits hold in every run with `-p tracker_pytest`; `--tracker` says at the end what each test allocated. Native code counts like Python's.
Small Python objects count one by one only with PYTHONMALLOC=malloc (arenas of Python's own allocator otherwise), so limit_leaks asks for that.
Tests run fastest under `tracker run --dormant --trace-python-allocators -- python3 -m pytest ...`, which sets it; otherwise each measured test attaches and detaches.
"""
import os
import re
import tempfile

import pytest

import tracker

_UNITS = {"B": 0, "KB": 1, "KIB": 1, "MB": 2, "MIB": 2, "GB": 3, "GIB": 3, "TB": 4, "TIB": 4}


def _size(text):
    """pytest-memray's: a KB is 1024 bytes."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", text)
    if not found or found[2].upper() not in _UNITS:
        raise ValueError("Invalid memory size format: %s" % text)
    return int(float(found[1]) * 1024 ** _UNITS[found[2].upper()])


def _shown(size):
    return tracker._format_size(size, False)


def _rows(statistics):
    return "".join("\n    - %s: %s in %d" % (s.traceback[-1], _shown(s.size), s.count) for s in statistics)


def _over_memory(capture, limit):
    peak = capture.stats()["peak_bytes"]
    if peak > _size(limit):
        return "Test was limited to %s but allocated %s\nList of allocations:%s" % (_shown(_size(limit)), _shown(peak), _rows(capture.table()[:5]))
    return None


def _over_leaks(capture, limit):
    if not os.environ.get("PYTHONMALLOC", "").startswith("malloc"):
        return "limit_leaks sees the objects only with PYTHONMALLOC=malloc in the environment of pytest"
    over = [s for s in capture.table("end", "traceback") if s.size > _size(limit)]
    if over:
        return "Test was allowed to leak %s per location but at least one location leaked more\nList of leaked allocations:%s" % (
            _shown(_size(limit)), _rows(over[:5]))
    return None


_LIMITS = {"limit_memory": _over_memory, "limit_leaks": _over_leaks}


def pytest_addoption(parser):
    group = parser.getgroup("tracker")
    group.addoption("--tracker", action="store_true", help="say what each test allocated")
    group.addoption("--tracker-path", metavar="FOLDER", help="keep the capture of each measured test there")
    group.addoption("--tracker-most", metavar="N", type=int, default=5, help="how many tests the summary shows (5; 0: all)")


class _Plugin:
    def __init__(self, config):
        self.folder, self.every, self.most = config.getoption("--tracker-path"), config.getoption("--tracker"), config.getoption("--tracker-most")
        self.measured = []
        if self.folder:
            os.makedirs(self.folder, exist_ok=True)

    def _judge(self, item, path, limits, failed):
        capture = tracker.Capture(path)
        stats = capture.stats()
        self.measured.append((stats["peak_bytes"], stats["allocations"], stats["bytes_allocated"], item.nodeid))
        said = [] if failed else filter(None, (_LIMITS[m.name](capture, *m.args) for m in limits))
        for text in said:
            pytest.fail(text, pytrace=False)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem):
        limits = [m for name in _LIMITS for m in [pyfuncitem.get_closest_marker(name)] if m]
        if not limits and not self.every:
            yield
            return
        for m in limits:
            _size(*m.args)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(self.folder or folder, re.sub(r"[^\w.\[\]-]", "-", pyfuncitem.nodeid) + ".bin")
            with tracker.Tracker(destination=tracker.FileDestination(path, overwrite=True)):
                outcome = yield
            self._judge(pyfuncitem, path, limits, outcome.excinfo)

    def pytest_terminal_summary(self, terminalreporter):
        if not self.every or not self.measured:
            return
        terminalreporter.section("tracker")
        rows = sorted(self.measured, reverse=True)
        for peak, allocations, size, name in rows[:self.most or None]:
            terminalreporter.write_line("%s: %s at the peak, %d allocations, %s in all" % (name, _shown(peak), allocations, _shown(size)))
        if self.most and len(rows) > self.most:
            terminalreporter.write_line("%d more; --tracker-most 0 shows all" % (len(rows) - self.most))


def pytest_configure(config):
    config.addinivalue_line("markers", "limit_memory(limit): fail the test if it allocates more than that at one moment")
    config.addinivalue_line("markers", "limit_leaks(limit): fail the test if one place leaks more than that")
    config.pluginmanager.register(_Plugin(config), "tracker_plugin")

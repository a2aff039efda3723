"""tracker - captures of native programs in Python, with the names and the meaning of Python's own tracemalloc.

    import tracker

    capture = tracker.Capture("app.bin")
    for stat in capture.table("end", key_type="lineno")[:10]:
        print(stat)

    before, after = capture.snapshot("start"), capture.snapshot("end")
    for stat in after.filter_traces([tracker.Filter(True, "/src/*")]).compare_to(before, "lineno"):
        print(stat)

Of a program that runs Python and libtracker (tracker run python3 ..., or libtracker.so preloaded), start, stop, take_snapshot and
the other functions of tracemalloc's are about all blocks of the process, those of its C libraries, too.

Any Python program can record a part of its time, with the names of memray's API, whether libtracker is there or not:

    with tracker.Tracker("part.bin"):
        work()

`python3 -m tracker run script.py` records the script, `python3 -m tracker COMMAND ...` is `tracker COMMAND ...`.

Snapshot, Statistic, StatisticDiff, Trace, Traceback, Frame, Filter and DomainFilter are tracemalloc's, so that a script that reads
snapshots can say `import tracker as tracemalloc`. What differs, and why, stands in docs/API.md: the most recent frames leave the
allocator's own out; in cumulative sums a block counts once for each key; the line of a traceback group begins with the
most recent frame; format(limit) with limit < 0 gives the -limit oldest frames; a file is a capture, not a pickle.

One file, the standard library, and libtracker-replay.so.0, which is looked for in TRACKER_REPLAY_LIBRARY, beside this file, in the
prefix that this file is installed in, and where the system has its libraries.
"""
import collections.abc
import ctypes
import enum
import errno
import functools
import glob
import linecache
import os
import shutil
import stat
import subprocess
import sys

__all__ = ["BaseFilter", "Capture", "DomainFilter", "Error", "Filter", "Frame", "Snapshot", "Statistic", "StatisticDiff", "Trace",
           "Traceback", "clear_traces", "domain_name", "get_object_traceback", "get_traceback_limit", "get_traced_memory",
           "get_tracemalloc_memory", "is_tracing", "mark", "reset_peak", "start", "stop", "take_snapshot", "track", "untrack",
           "untrack_range", "annotate", "annotate_label", "ClassTracker", "Tracker", "FileDestination", "SocketDestination",
           "FileFormat"]

_OK, _ENOMEM, _EDISABLED, _EINVAL, _EIO, _EEXIST, _ENOTSUP, _ENOENT = 0, -1, -2, -3, -5, -6, -8, -9
_KEY_TYPES = {"filename": 0, "lineno": 1, "traceback": 2, "function": 3, "module": 4}


class Error(Exception):
    """What libtracker-replay refused: its sentence, and its code (enum tracker_error)."""

    def __init__(self, text, code):
        super().__init__(text)
        self.code = code


# ---- the library ----


class _Frame(ctypes.Structure):
    _fields_ = [("function", ctypes.c_char_p), ("filename", ctypes.c_char_p), ("module", ctypes.c_char_p), ("lineno", ctypes.c_uint),
                ("ip", ctypes.c_size_t), ("inlined", ctypes.c_bool)]


class _Trace(ctypes.Structure):
    _fields_ = [("domain", ctypes.c_uint), ("address", ctypes.c_size_t), ("size", ctypes.c_size_t), ("traceback", ctypes.c_void_p)]


class _Filter(ctypes.Structure):
    _fields_ = [("inclusive", ctypes.c_bool), ("filename_pattern", ctypes.c_char_p), ("lineno", ctypes.c_long),
                ("all_frames", ctypes.c_bool), ("domain", ctypes.c_long)]


class _Statistic(ctypes.Structure):
    _fields_ = [("traceback", ctypes.c_void_p), ("size", ctypes.c_size_t), ("count", ctypes.c_size_t)]


class _StatisticDiff(ctypes.Structure):
    _fields_ = [*_Statistic._fields_, ("size_diff", ctypes.c_int64), ("count_diff", ctypes.c_int64)]


class _Totals(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        "allocations", "frees", "bytes_allocated", "peak_bytes", "peak_blocks", "peak_time_ns", "leaked_bytes", "leaked_blocks",
        "temporary", "temporary_bytes", "end_ns", "lost", "sample_bytes")]


class _Process(ctypes.Structure):
    _fields_ = [("pid", ctypes.c_uint), ("parent_pid", ctypes.c_uint), ("name", ctypes.c_char_p), ("executable", ctypes.c_char_p),
                ("start_ns", ctypes.c_uint64), ("end_ns", ctypes.c_uint64), ("status", ctypes.c_int), ("signal", ctypes.c_int)]


class _TrackOptions(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("resolution_level", ctypes.c_uint), ("keep", ctypes.c_bool), ("trace", ctypes.c_bool)]


class _Destination(ctypes.Structure):
    _fields_ = [("kind", ctypes.c_int), ("path", ctypes.c_char_p), ("overwrite", ctypes.c_bool), ("compress_on_exit", ctypes.c_bool),
                ("buffered", ctypes.c_bool), ("server_port", ctypes.c_uint), ("address", ctypes.c_char_p)]


class _Options(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_size_t), ("file_name", ctypes.c_char_p), ("destination", ctypes.POINTER(_Destination)),
                ("native_traces", ctypes.c_bool), ("trace_python_allocators", ctypes.c_bool), ("track_object_lifetimes", ctypes.c_bool),
                ("follow_fork", ctypes.c_bool), ("memory_interval_ms", ctypes.c_uint), ("file_format", ctypes.c_int),
                ("nframe", ctypes.c_int)]


_SURVIVOR = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Trace), ctypes.c_void_p)
_P, _S, _I, _B, _Z = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_bool, ctypes.c_size_t
_FUNCTIONS = {
    "replay_last_code": (_I, []), "replay_last_error": (_S, []),
    "traceback_len": (_Z, [_P]), "traceback_total_nframe": (_Z, [_P]),
    "traceback_frame": (_I, [_P, ctypes.c_ssize_t, ctypes.POINTER(_Frame)]),
    "snapshot_load": (_P, [_S]), "snapshot_dump": (_I, [_P, _S]), "snapshot_free": (None, [_P]),
    "snapshot_traceback_limit": (_I, [_P]), "snapshot_len": (_Z, [_P]),
    "snapshot_trace": (_I, [_P, _Z, ctypes.POINTER(_Trace)]),
    "snapshot_filter": (_P, [_P, ctypes.POINTER(_Filter), _Z]),
    "snapshot_statistics": (_I, [_P, _I, _B, ctypes.POINTER(ctypes.POINTER(_Statistic)), ctypes.POINTER(_Z)]),
    "snapshot_compare_to": (_I, [_P, _P, _I, _B, ctypes.POINTER(ctypes.POINTER(_StatisticDiff)), ctypes.POINTER(_Z)]),
    "statistics_free": (None, [_P]),
    "format_size": (_I, [_S, _Z, ctypes.c_double, _B]),
    "file_open": (_P, [_S]), "file_free": (None, [_P]), "file_snapshot": (_P, [_P, _S]),
    "file_totals": (_I, [_P, ctypes.POINTER(_Totals), _Z]),
    "file_process": (_I, [_P, _Z, ctypes.POINTER(_Process), _Z]),
    "take_snapshot": (_P, []), "get_object_traceback": (_P, [_P]), "traceback_free": (None, [_P]),
    "start": (_I, [_I]), "stop": (_I, []), "is_tracing": (_I, []), "clear_traces": (_I, []), "reset_peak": (_I, []),
    "get_traceback_limit": (_I, []), "get_traced_memory": (_I, [ctypes.POINTER(_Z), ctypes.POINTER(_Z)]), "get_tracker_memory": (_Z, []),
    "mark": (_I, [_S]), "last_error": (_S, []),
    "snapshot_domain_name": (_I, [_P, ctypes.c_uint, _S, _Z]), "snapshot_domain": (ctypes.c_long, [_P, _S]),
    "domain_name": (_I, [ctypes.c_uint, _S]), "track": (_I, [ctypes.c_uint, _Z, _Z]), "untrack": (_I, [ctypes.c_uint, _Z]),
    "untrack_range": (_I, [ctypes.c_uint, _Z, _Z]),
    "track_class": (_I, [_S, ctypes.POINTER(_TrackOptions)]), "track_object": (_I, [_Z, _S, ctypes.POINTER(_TrackOptions)]),
    "track_change": (_I, [_Z, ctypes.c_uint]), "detach_class": (_I, [_S]), "detach_all_classes": (_I, []), "detach_all": (_I, []),
    "clear": (_I, []), "annotate": (_I, [_Z, _S]), "annotate_label": (_I, [_Z, _S]), "create_snapshot": (_I, [_S, _B]),
    "start_periodic_snapshots": (_I, [ctypes.c_double]), "stop_periodic_snapshots": (_I, []), "dump_stats": (_I, [_S]),
    "capture_new": (_P, [ctypes.POINTER(_Options)]), "capture_enter": (_I, [_P]), "capture_exit": (_I, [_P]), "capture_free": (_I, [_P]),
    "capture_surviving": (_I, [_P, _SURVIVOR, _P]), "last_code": (_I, []),
}
_NAME = "libtracker-replay.so.0"


def _places():
    named = os.environ.get("TRACKER_REPLAY_LIBRARY")
    if named:
        return [named]
    here = os.path.dirname(os.path.abspath(__file__))
    prefix = os.path.normpath(os.path.join(here, "..", "..", ".."))  # of PREFIX/share/tracker/python
    found = [path for at in (here, *(os.path.join(prefix, lib) for lib in ("lib", "lib64", "lib/*"))) for path in
             sorted(glob.glob(os.path.join(glob.escape(here) if at == here else at, _NAME)))]
    return [*found, _NAME]


@functools.lru_cache(maxsize=None)
def _library():
    errors = []
    for place in _places():
        try:
            library = ctypes.CDLL(place)
        except OSError as e:
            errors.append(str(e))
            continue
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, "tracker_" + name)
            function.restype, function.argtypes = result, arguments
        return library
    raise ImportError("%s is not there: %s; say where it is with TRACKER_REPLAY_LIBRARY" % (_NAME, "; ".join(errors)))


def _call(name, *arguments):
    return getattr(_library(), "tracker_" + name)(*arguments)


def _failure():
    """The exception for the thread's last failure."""
    code, text = _call("replay_last_code"), _text(_call("replay_last_error"))
    if code == _ENOMEM:
        return MemoryError(text)
    if code == _ENOENT and text.startswith("No such file"):
        return FileNotFoundError(text)
    return Error(text, code)


def _check(code):
    if code != _OK:
        raise _failure()


def _text(data):
    return os.fsdecode(data)


def _format_size(size, sign):
    buffer = ctypes.create_string_buffer(400)
    _call("format_size", buffer, len(buffer), size, sign)
    return buffer.value.decode()


class _Handle:
    """An object of the library, freed with the last thing that uses it."""

    __slots__ = ("pointer", "free")

    def __init__(self, pointer, free):
        if not pointer:
            raise _failure()
        self.pointer, self.free = pointer, getattr(_library(), free)

    def __del__(self):
        if getattr(self, "free", None):
            self.free(self.pointer)


# ---- frames and tracebacks ----


@functools.total_ordering
class Frame:
    """A frame of the source. `function`, `module` and `inlined` are more than tracemalloc knows; two frames are equal without them."""

    __slots__ = ("_frame", "_more")

    def __init__(self, frame, more=("", "", False)):
        self._frame, self._more = tuple(frame), more

    @property
    def filename(self):
        return self._frame[0]

    @property
    def lineno(self):
        return self._frame[1]

    @property
    def function(self):
        return self._more[0]

    @property
    def module(self):
        return self._more[1]

    @property
    def inlined(self):
        return self._more[2]

    def __eq__(self, other):
        return self._frame == other._frame if isinstance(other, Frame) else NotImplemented

    def __lt__(self, other):
        return self._frame < other._frame if isinstance(other, Frame) else NotImplemented

    def __hash__(self):
        return hash(self._frame)

    def __str__(self):
        return "%s:%s" % self._frame

    def __repr__(self):
        return "<Frame filename=%r lineno=%r>" % self._frame


class _Name(Frame):
    """The key of sums by function or module, which has no line."""

    __slots__ = ()

    def __str__(self):
        return self.filename


@functools.total_ordering
class Traceback(collections.abc.Sequence):
    """Frames from the oldest to the most recent one; made of (filename, lineno), the most recent first, as tracemalloc's is."""

    __slots__ = ("_list", "_total")

    def __init__(self, frames, total_nframe=None):
        self._list = tuple(f if isinstance(f, Frame) else Frame(f) for f in reversed(tuple(frames)))
        self._total = total_nframe

    @property
    def total_nframe(self):
        """How deep the stack was before it was cut, or None."""
        return self._total

    @property
    def _frames(self):
        return tuple(f._frame for f in self._list)

    def __len__(self):
        return len(self._list)

    def __getitem__(self, index):
        return self._list[index]

    def __contains__(self, frame):
        return frame in self._list

    def __hash__(self):
        return hash(self._list)

    def __eq__(self, other):
        return self._list == other._list if isinstance(other, Traceback) else NotImplemented

    def __lt__(self, other):
        return self._list < other._list if isinstance(other, Traceback) else NotImplemented

    def __str__(self):
        return str(self[0])

    def __repr__(self):
        total = "" if self._total is None else " total_nframe=%s" % self._total
        return "<Traceback %r%s>" % (tuple(self), total)

    def format(self, limit=None, most_recent_first=False):
        """Lines as of a traceback. limit > 0: the most recent frames; limit < 0: the oldest ones."""
        frames = self._list
        if limit is not None:
            frames = frames[-limit:] if limit > 0 else frames[:-limit]
        lines = []
        for frame in reversed(frames) if most_recent_first else frames:
            lines.append('  File "%s", line %s' % (frame.filename, frame.lineno))
            source = linecache.getline(frame.filename, frame.lineno).strip()
            if source:
                lines.append("    %s" % source)
        return lines


def _frames(pointer, frame_type=Frame):
    """Of a traceback of the library, the most recent first."""
    frames, frame = [], _Frame()
    for i in range(1, _call("traceback_len", pointer) + 1):
        _check(_call("traceback_frame", pointer, -i, ctypes.byref(frame)))
        frames.append(frame_type((_text(frame.filename), frame.lineno), (_text(frame.function), _text(frame.module), frame.inlined)))
    return frames


# ---- statistics ----


def _summary(traceback, size, size_diff, count, count_diff):
    text = "%s: size=%s%s, count=%i%s" % (traceback[-1], _format_size(size, False), size_diff, count, count_diff)
    return text + ", average=%s" % _format_size(size / count, False) if count else text


class Statistic:
    """Blocks with the same key."""

    __slots__ = ("traceback", "size", "count")

    def __init__(self, traceback, size, count):
        self.traceback, self.size, self.count = traceback, size, count

    def _values(self):
        return self.traceback, self.size, self.count

    def __hash__(self):
        return hash(self._values())

    def __eq__(self, other):
        return self._values() == other._values() if isinstance(other, Statistic) else NotImplemented

    def __str__(self):
        return _summary(self.traceback, self.size, "", self.count, "")

    def __repr__(self):
        return "<Statistic traceback=%r size=%i count=%i>" % self._values()


class StatisticDiff:
    """The same in a newer snapshot, and how much more that is than in an older one."""

    __slots__ = ("traceback", "size", "size_diff", "count", "count_diff")

    def __init__(self, traceback, size, size_diff, count, count_diff):
        self.traceback, self.size, self.size_diff, self.count, self.count_diff = traceback, size, size_diff, count, count_diff

    def _values(self):
        return self.traceback, self.size, self.size_diff, self.count, self.count_diff

    def __hash__(self):
        return hash(self._values())

    def __eq__(self, other):
        return self._values() == other._values() if isinstance(other, StatisticDiff) else NotImplemented

    def __str__(self):
        return _summary(self.traceback, self.size, " (%s)" % _format_size(self.size_diff, True), self.count, " (%+i)" % self.count_diff)

    def __repr__(self):
        return "<StatisticDiff traceback=%r size=%i (%+i) count=%i (%+i)>" % self._values()


# ---- traces ----


class Trace:
    """One live block: (domain, size, frames[, total_nframe]); `address` is more than tracemalloc knows, and does not count for ==."""

    __slots__ = ("domain", "size", "traceback", "address")

    def __init__(self, trace, address=None):
        self.domain, self.size, frames = trace[:3]
        self.traceback = frames if isinstance(frames, Traceback) else Traceback(*trace[2:])
        self.address = address

    def _values(self):
        return self.domain, self.size, self.traceback

    def __eq__(self, other):
        return self._values() == other._values() if isinstance(other, Trace) else NotImplemented

    def __hash__(self):
        return hash(self._values())

    def __str__(self):
        return "%s: %s" % (self.traceback, _format_size(self.size, False))

    def __repr__(self):
        return "<Trace domain=%s size=%s, traceback=%r>" % (self.domain, _format_size(self.size, False), self.traceback)


class _Traces(collections.abc.Sequence):
    def __init__(self, handle):
        self._handle, self._cache = handle, {}  # tracebacks, which many traces share, by address

    def _get(self, index):
        trace = _Trace()
        _check(_call("snapshot_trace", self._handle.pointer, index, ctypes.byref(trace)))
        pointer = trace.traceback
        if pointer not in self._cache:
            self._cache[pointer] = Traceback(_frames(pointer), _call("traceback_total_nframe", pointer))
        return Trace((trace.domain, trace.size, self._cache[pointer]), trace.address)

    def __len__(self):
        return _call("snapshot_len", self._handle.pointer)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return tuple(self._get(i) for i in range(*index.indices(len(self))))
        return self._get(range(len(self))[index])

    def __eq__(self, other):
        return list(self) == list(other) if isinstance(other, _Traces) else NotImplemented

    def __repr__(self):
        return "<Traces len=%s>" % len(self)


# ---- filters ----


class BaseFilter:
    """What Filter and DomainFilter have in common."""

    def __init__(self, inclusive):
        self.inclusive = inclusive

    def _as_c(self, snapshot):
        raise NotImplementedError


class Filter(BaseFilter):
    """By the name of a file, of the most recent frame or of all; with lineno and domain (a number or a name) only those."""

    def __init__(self, inclusive, filename_pattern, lineno=None, all_frames=False, domain=None):
        super().__init__(inclusive)
        self._filename_pattern = filename_pattern
        self.lineno, self.all_frames, self.domain = lineno, all_frames, domain

    @property
    def filename_pattern(self):
        return self._filename_pattern

    def _as_c(self, snapshot):
        return _Filter(self.inclusive, os.fsencode(self._filename_pattern), -1 if self.lineno is None else self.lineno, self.all_frames,
                       -1 if self.domain is None else snapshot.domain(self.domain))


class DomainFilter(BaseFilter):
    """By the domain alone: its number, or its name."""

    def __init__(self, inclusive, domain):
        super().__init__(inclusive)
        self._domain = domain

    @property
    def domain(self):
        return self._domain

    def _as_c(self, snapshot):
        return _Filter(self.inclusive, None, -1, False, snapshot.domain(self._domain))


# ---- snapshots ----


def _key_type(name):
    if name not in _KEY_TYPES:
        raise ValueError("unknown key_type: %r" % (name,))
    return _KEY_TYPES[name]


def _ask(name, structure, make, snapshots, key_type, cumulative):
    """A list of make(traceback, item), for each `structure` that the library answers with."""
    items, n = ctypes.POINTER(structure)(), _Z()
    code = _call(name, *(s._handle.pointer for s in snapshots), _key_type(key_type), cumulative, ctypes.byref(items), ctypes.byref(n))
    if code == _EINVAL:
        raise ValueError(_text(_call("replay_last_error")))
    _check(code)
    frame_type = _Name if key_type in ("function", "module") else Frame
    try:
        return [make(Traceback(_frames(item.traceback, frame_type)), item) for item in items[:n.value]]
    finally:
        _call("statistics_free", items)


class Snapshot:
    """The blocks that were live at one moment. Of load(), of filter_traces(), or of a Capture."""

    def __init__(self, handle):
        self._handle = handle

    @property
    def traceback_limit(self):
        return _call("snapshot_traceback_limit", self._handle.pointer)

    @property
    def traces(self):
        return _Traces(self._handle)

    def dump(self, filename):
        """Writes a capture that holds only this; every report reads it. An existing file is replaced."""
        _check(_call("snapshot_dump", self._handle.pointer, os.fsencode(filename)))

    @staticmethod
    def load(filename):
        """Of a file that dump wrote, or of any capture: "out.bin" (its peak), "out.bin@end", "out.bin@LABEL" ..."""
        return Snapshot(_Handle(_call("snapshot_load", os.fsencode(filename)), "tracker_snapshot_free"))

    def filter_traces(self, filters):
        """A new snapshot: what an inclusive filter matches, if there is one, and no exclusive one does."""
        if not isinstance(filters, collections.abc.Iterable):
            raise TypeError("filters must be a list of filters, not %s" % type(filters).__name__)
        filters = [f._as_c(self) for f in filters]
        array = (_Filter * len(filters))(*filters)
        return Snapshot(_Handle(_call("snapshot_filter", self._handle.pointer, array, len(filters)), "tracker_snapshot_free"))

    def domain_name(self, domain):
        """What the program calls a domain (tracker_domain_name), or None."""
        room = ctypes.create_string_buffer(512)
        length = _call("snapshot_domain_name", self._handle.pointer, domain, room, len(room))
        return _text(room.value) if length >= 0 else None

    def domain(self, name):
        """The number of a domain with that name. A number is itself. LookupError: none is called so."""
        if not isinstance(name, (str, bytes)):
            return name
        number = _call("snapshot_domain", self._handle.pointer, os.fsencode(name))
        if number < 0:
            raise LookupError("no domain is named %s" % name)
        return number

    def statistics(self, key_type, cumulative=False):
        """Statistic objects, the biggest first. key_type: filename, lineno, traceback, function or module."""
        def make(traceback, s):
            return Statistic(traceback, s.size, s.count)
        return _ask("snapshot_statistics", _Statistic, make, [self], key_type, cumulative)

    def compare_to(self, old_snapshot, key_type, cumulative=False):
        """StatisticDiff objects, the greatest change first."""
        def make(traceback, s):
            return StatisticDiff(traceback, s.size, s.size_diff, s.count, s.count_diff)
        return _ask("snapshot_compare_to", _StatisticDiff, make, [self, old_snapshot], key_type, cumulative)


class Capture:
    """A capture that is asked several questions. Points are those that stand behind the @: "end", "LABEL", "1.5s"; None is the peak."""

    def __init__(self, path):
        self.path = os.fspath(path)
        self._handle = _Handle(_call("file_open", os.fsencode(path)), "tracker_file_free")

    def snapshot(self, point=None):
        point = None if point is None else os.fsencode(point)
        return Snapshot(_Handle(_call("file_snapshot", self._handle.pointer, point), "tracker_snapshot_free"))

    def table(self, point=None, key_type="lineno", cumulative=False, filters=()):
        """The statistics of a point, as `tracker table` prints them."""
        return self.snapshot(point).filter_traces(filters).statistics(key_type, cumulative)

    def diff(self, old, new, key_type="lineno", cumulative=False, filters=()):
        """What changed between two points, as `tracker diff` prints it."""
        new, old = (self.snapshot(point).filter_traces(filters) for point in (new, old))
        return new.compare_to(old, key_type, cumulative)

    def stats(self):
        """What was counted in all, by name: allocations, frees, peak_bytes, leaked_bytes ..."""
        totals = _Totals()
        _check(_call("file_totals", self._handle.pointer, ctypes.byref(totals), ctypes.sizeof(totals)))
        return {name: getattr(totals, name) for name, _ in _Totals._fields_}

    def processes(self):
        """A dict for each process, in the order in which they began."""
        found, process = [], _Process()
        while _call("file_process", self._handle.pointer, len(found), ctypes.byref(process), ctypes.sizeof(process)) == _OK:
            values = {name: getattr(process, name) for name, _ in _Process._fields_}
            found.append({name: _text(v) if isinstance(v, bytes) else v for name, v in values.items()})
        return found


# ---- of this process ----


def _tracing(name, *arguments):
    code = _call(name, *arguments)
    if code < 0:
        text = _text(_call("last_error"))
        raise ValueError(text) if code == _EINVAL else RuntimeError(text)
    return code


def start(nframe=1):
    """Traces every block that the process allocates from now on, with that many frames."""
    _tracing("start", nframe)


def stop():
    """Forgets all traces."""
    _tracing("stop")


def is_tracing():
    return bool(_call("is_tracing"))


def clear_traces():
    _tracing("clear_traces")


def get_traceback_limit():
    """RuntimeError when nothing is traced."""
    return _tracing("get_traceback_limit")


def get_traced_memory():
    """(current, peak) bytes of traced blocks."""
    current, peak = _Z(), _Z()
    _tracing("get_traced_memory", ctypes.byref(current), ctypes.byref(peak))
    return current.value, peak.value


def reset_peak():
    _tracing("reset_peak")


def get_tracemalloc_memory():
    """Bytes that the traces take."""
    return _call("get_tracker_memory")


def take_snapshot():
    pointer = _call("take_snapshot")
    if not pointer and _call("replay_last_code") == _EDISABLED:
        raise RuntimeError(_text(_call("replay_last_error")))
    return Snapshot(_Handle(pointer, "tracker_snapshot_free"))


def get_object_traceback(obj):
    """Where the block was allocated that the object lies in, or None: with Python's own allocator not each has a block (--trace-python-allocators)."""
    pointer = _call("get_object_traceback", id(obj))
    if not pointer:
        return None
    handle = _Handle(pointer, "tracker_traceback_free")
    return Traceback(_frames(pointer), _call("traceback_total_nframe", handle.pointer))


def mark(label):
    """Names this moment of a recording, which is taken as CAPTURE@LABEL."""
    _tracing("mark", os.fsencode(label))


def domain_name(domain, name):
    """Gives a domain of the program's own a name, under which reports show it."""
    _tracing("domain_name", domain, os.fsencode(name))


def track(domain, address, size):
    """Records a block of a domain of the program's own: memory of a GPU, an object of a pool."""
    _tracing("track", domain, address, size)


def untrack(domain, address):
    """... and its end."""
    _tracing("untrack", domain, address)


def untrack_range(domain, begin, size):
    """The end of all blocks of the domain that begin in that range."""
    _tracing("untrack_range", domain, begin, size)


def annotate(address, type_name):
    """Says that the block at the address holds an object of that type."""
    _tracing("annotate", address, os.fsencode(type_name))


def annotate_label(address, label):
    """Reports print this text beside a tracked object."""
    _tracing("annotate_label", address, os.fsencode(label))


class ClassTracker:
    """pympler's ClassTracker for the native objects of the process: tracker types shows what it tracks.

    A class is a pattern of C++ type names (fnmatch), and an object an address, or a Python object with a block of its own
    (PYTHONMALLOC=malloc).
    """

    def __init__(self, stream=None):
        self.stream = stream  # reports are made of the capture, by tracker types

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    @staticmethod
    def _class(cls):
        if not isinstance(cls, str):
            raise TypeError("only class objects can be tracked: give the name of a native class")
        return os.fsencode(cls)

    @staticmethod
    def _options(name, resolution_level, keep, trace):
        return ctypes.byref(_TrackOptions(os.fsencode(name) if name else None, resolution_level, keep, trace))

    @staticmethod
    def _on_object(name, instance, *arguments):
        # In front of most objects stand two words of Python's collector; since 3.11, of some of them two more.
        places = (instance,) if isinstance(instance, int) else [id(instance) - n for n in (0, 16, 32)]
        codes = [_OK]
        for place in places:
            codes.append(_call(name, place, *arguments))
            if codes[-1] != _ENOENT:
                break
        if codes[-1] == _ENOENT:
            raise KeyError(instance) if name == "track_change" else TypeError(_text(_call("last_error")))
        if codes[-1] != _OK:
            raise RuntimeError(_text(_call("last_error")))

    def track_class(self, cls, name=None, resolution_level=0, keep=False, trace=False):
        _tracing("track_class", self._class(cls), self._options(name, resolution_level, keep, trace))

    def track_object(self, instance, name=None, resolution_level=0, keep=False, trace=False):
        shown = name or ("" if isinstance(instance, int) else type(instance).__module__ + "." + type(instance).__qualname__)
        self._on_object("track_object", instance, os.fsencode(shown), self._options(None, resolution_level, keep, trace))

    def track_change(self, instance, resolution_level=0):
        self._on_object("track_change", instance, resolution_level)

    def detach_class(self, cls):
        if _call("detach_class", self._class(cls)) == _ENOENT:
            raise KeyError(cls)

    def detach_all_classes(self):
        _tracing("detach_all_classes")

    def detach_all(self):
        _tracing("detach_all")

    def clear(self):
        _tracing("clear")

    def close(self):
        self.stop_periodic_snapshots()
        self.detach_all_classes()

    def create_snapshot(self, description="", compute_total=False):
        _tracing("create_snapshot", os.fsencode(str(description)), compute_total)

    def start_periodic_snapshots(self, interval=1.0):
        _tracing("start_periodic_snapshots", interval)

    def stop_periodic_snapshots(self):
        _tracing("stop_periodic_snapshots")

    def dump_stats(self, path):
        _tracing("dump_stats", os.fsencode(path))


# ---- recordings ----


class FileFormat(enum.IntEnum):
    ALL_ALLOCATIONS = 0
    AGGREGATED_ALLOCATIONS = 1


class FileDestination:
    """A capture goes to this file. An existing one is an error, unless overwrite is true."""

    def __init__(self, path, overwrite=False, compress_on_exit=True):
        self.path, self.overwrite, self.compress_on_exit = os.fspath(path), overwrite, compress_on_exit


class SocketDestination:
    """A capture goes to a client, for whom the Tracker waits: tracker receive PORT, tracker live PORT. Only where libtracker is in the process."""

    def __init__(self, server_port, address="127.0.0.1"):
        if not 0 < server_port < 65536:
            raise ValueError("Invalid port: %s" % server_port)
        self.server_port, self.address = server_port, address


def _command():
    """The program `tracker`."""
    here = os.path.dirname(os.path.abspath(__file__))
    places = [os.environ.get("TRACKER_COMMAND"), os.path.join(here, "..", "..", "tools", "tracker"),  # a folder of builds
              os.path.join(here, "..", "..", "..", "bin", "tracker"), shutil.which("tracker")]
    for place in places:
        if place and os.access(place, os.X_OK) and os.path.isfile(place):
            return os.path.normpath(place)
    raise FileNotFoundError("the command tracker is not in PATH; say where it is with TRACKER_COMMAND")


def _is_preloaded():
    return hasattr(ctypes.CDLL(None), "tracker_api_2")


def _raise_code(code):
    text = _text(_call("last_error"))
    if code == _ENOMEM:
        raise MemoryError(text)
    if code == _EEXIST:
        raise FileExistsError(text)
    raise (OSError if code == _EIO else NotImplementedError if code == _ENOTSUP else ValueError if code == _EINVAL else RuntimeError)(text)


class _OwnCapture:
    """A capture that libtracker, which is in this process, begins and ends."""

    def __init__(self, destination, more):
        file = isinstance(destination, FileDestination)
        place = _Destination(0 if file else 1, os.fsencode(destination.path) if file else None, file and destination.overwrite,
                             not file or destination.compress_on_exit, True, 0 if file else destination.server_port,
                             None if file else os.fsencode(destination.address))
        options = _Options(ctypes.sizeof(_Options), None, ctypes.pointer(place), True, more["trace_python_allocators"],
                           more["track_object_lifetimes"], more["follow_fork"], more["memory_interval_ms"], more["file_format"], 1024)
        self._pointer = _call("capture_new", ctypes.byref(options))
        if not self._pointer:
            _raise_code(_call("last_code"))
        self._free = _library().tracker_capture_free

    def _do(self, what):
        code = _call(what, self._pointer)
        if code != _OK:
            _raise_code(code)

    def enter(self):
        self._do("capture_enter")

    def exit(self):
        self._do("capture_exit")

    def surviving(self):
        """The blocks that were allocated in it and live still."""
        found = []

        def add(trace, _):
            trace = trace.contents
            found.append(Trace((trace.domain, trace.size, Traceback(_frames(trace.traceback), _call("traceback_total_nframe", trace.traceback))),
                               trace.address))
        code = _call("capture_surviving", self._pointer, _SURVIVOR(add), None)
        if code != _OK:
            raise RuntimeError(_text(_call("last_error")))
        return found

    def __del__(self):
        if getattr(self, "_pointer", None):
            self._free(self._pointer)


class _AttachedCapture:
    """A capture of this process that `tracker attach` begins and `tracker detach` ends: nothing of tracker was in it before."""

    _active = None  # the one that has been entered

    def __init__(self, destination, more):
        if not isinstance(destination, FileDestination):
            raise NotImplementedError("a capture for a client needs libtracker from the beginning: python3 -m tracker run ...")
        if more["track_object_lifetimes"]:
            raise NotImplementedError("track_object_lifetimes needs libtracker from the beginning: python3 -m tracker run ...")
        self._objects = more["trace_python_allocators"]
        self._command, self._aggregates, self._entered = _command(), more["file_format"] == FileFormat.AGGREGATED_ALLOCATIONS, False
        self._path, self._is_new = os.path.abspath(destination.path), False
        try:
            os.close(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            self._is_new = True
        except FileExistsError:
            if not destination.overwrite and stat.S_ISREG(os.stat(self._path).st_mode):
                raise FileExistsError("Output file %s already exists; set overwrite to true to overwrite it" % self._path) from None
        except OSError as e:
            raise type(e)(e.errno, "Could not create output file %s: %s" % (destination.path, os.strerror(e.errno))) from None

    @staticmethod
    def _let_trace(who):
        """Where the kernel lets parents trace their children only (Yama), this process must allow the opposite."""
        try:
            with open("/proc/sys/kernel/yama/ptrace_scope") as scope:
                if scope.read().strip() == "1":
                    ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(who), 0, 0, 0)  # PR_SET_PTRACER; -1: any
        except OSError:
            pass

    def _run(self, *arguments):
        self._let_trace(-1)
        try:
            done = subprocess.run([self._command, *arguments, str(os.getpid())], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        finally:
            self._let_trace(0)
        if done.returncode != 0:
            raise RuntimeError("%s; python3 -m tracker run records a program from its beginning" % _text(done.stdout).strip().rstrip("."))

    def enter(self):
        if _AttachedCapture._active and _AttachedCapture._active[0] == os.getpid():
            raise RuntimeError("No more than one Tracker instance can be active at the same time")
        self._run("attach", "-q", "-f", *["-a"] * self._aggregates, *["--trace-python-allocators"] * self._objects, "-o", self._path.replace("%", "%%"))
        self._entered, _AttachedCapture._active = True, (os.getpid(), self)

    def exit(self):
        _AttachedCapture._active = None
        self._run("detach", "-q")

    def __del__(self):
        if getattr(self, "_is_new", False) and not self._entered and os.path.exists(self._path):
            os.unlink(self._path)


class Tracker:
    """memray's: records what this process allocates while its block runs, of all threads, into a file that every report reads.

    native_traces makes no difference, stacks are always whole. With trace_python_allocators each object is recorded, instead of the arenas
    that objects lie in; beside tracker run this needs its --trace-python-allocators. Where libtracker is in the process, it begins the capture; elsewhere
    `tracker attach` brings it in, and then forked children are in the capture, too, and memory_interval_ms does not count.
    """

    def __init__(self, file_name=None, *, destination=None, native_traces=False, memory_interval_ms=10, follow_fork=False,
                 trace_python_allocators=False, track_object_lifetimes=False, file_format=FileFormat.ALL_ALLOCATIONS):
        if (file_name is None) == (destination is None):
            raise TypeError("Exactly one of 'file_name' or 'destination' argument must be specified")
        if isinstance(destination, SocketDestination):
            if follow_fork:
                raise RuntimeError("follow_fork requires an output file")
            if file_format == FileFormat.AGGREGATED_ALLOCATIONS:
                raise RuntimeError("AGGREGATED_ALLOCATIONS requires an output file")
        more = {"trace_python_allocators": trace_python_allocators, "track_object_lifetimes": track_object_lifetimes, "follow_fork": follow_fork,
                "memory_interval_ms": memory_interval_ms, "file_format": int(file_format)}
        self._stage, self._lifetimes, self._objects = "new", track_object_lifetimes, trace_python_allocators
        self._capture = (_OwnCapture if _is_preloaded() else _AttachedCapture)(destination or FileDestination(file_name), more)

    def __enter__(self):
        if self._stage != "new":
            raise RuntimeError("Attempting to use stale output handle")
        self._capture.enter()
        if self._objects:
            bytearray(1000)  # no object: what libtracker sees by malloc is where it begins to see objects
        self._stage = "entered"
        return self

    def __exit__(self, *error):
        self._stage = "left"
        self._capture.exit()

    def get_surviving_objects(self):
        """The Traces of blocks that were allocated in the block and live at its end."""
        if not self._lifetimes:
            raise RuntimeError("track_object_lifetimes was not true")
        if self._stage != "left":
            raise RuntimeError("the Tracker's block has not ended")
        return self._capture.surviving()


# ---- python3 -m tracker ----


def _options_with_values(command, text=None):
    """The options of `tracker run` that take an argument, by its own --help."""
    text = text or subprocess.run([command, "run", "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
    found = set()
    for line in text.splitlines():
        words = line.strip().split()
        names = []
        while words and words[0].startswith("-"):
            names.append(words.pop(0).rstrip(","))
        if names and line.startswith(" ") and words and not line.strip()[len(", ".join(names)):].startswith("  "):
            found.update(names)
    return found


_ALWAYS = ("--native", "-n", "--follow-fork")  # memray's names for what tracker does anyway


def _split_run(arguments, valued):
    """(options of tracker run, what Python runs)"""
    options = []
    while arguments and arguments[0].startswith("-") and arguments[0] not in ("-m", "-c", "-"):
        option, arguments = arguments[0], arguments[1:]
        if option == "--":
            break
        if option not in _ALWAYS:
            options.append(option)
        if option in valued and arguments:
            options.append(arguments[0])
            arguments = arguments[1:]
    return options, arguments


def _main(arguments):
    command = _command()
    if not arguments or arguments[0] != "run" or "--help" in arguments[1:2] or "-h" in arguments[1:2]:
        os.execv(command, [command, *arguments])
    options, program = _split_run(arguments[1:], _options_with_values(command))
    if not program or program[0] in ("-m", "-c") and len(program) < 2:
        sys.exit("usage: python3 -m tracker run [options of tracker run] SCRIPT | -m MODULE | -c CODE [ARGUMENT...]")
    if not program[0].startswith("-") and not os.path.exists(program[0]):
        sys.exit("No such file: %s" % program[0])
    flags = getattr(subprocess, "_args_from_interpreter_flags", list)()
    os.execv(command, [command, "run", *options, "--", sys.executable, *flags, *program])


if __name__ == "__main__":
    _main(sys.argv[1:])

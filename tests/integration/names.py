#!/usr/bin/env python3
"""names - what is said where functions have no names, and what brings them.

The programs are compiled here; which bytes are allocated where stands in their sources.

usage: names.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import ctypes.util
import http.server
import json
import os
import pty
import re
import select
import shutil
import subprocess
import threading

import harness
from harness import Skip, check, equal, need

# 3,000 of 4,000 bytes are allocated by a function of the library that only a symbol table names.
LIBRARY = r"""
#include <stdlib.h>
void *kept;
static __attribute__((noinline)) void inner(void) { kept = malloc(3000); __asm__ volatile(""); }
void entry(void) { inner(); __asm__ volatile(""); }
"""
PROGRAM = r"""
#include <stdlib.h>
void entry(void);
void *mine;
int main(void) { mine = malloc(1000); entry(); return 0; }
"""
# One function allocates in three places, and is called from two.
SITES = r"""
#include <stdlib.h>
void *kept[8];
__attribute__((noinline)) static void make(int n) { kept[0] = malloc(100); kept[1] = malloc(200); if (n) kept[2] = malloc(300); }
__attribute__((noinline)) static void other(void) { kept[3] = malloc(1000); __asm__ volatile(""); }
int main(int argc, char **argv) { make(argc); other(); make(argc + 1); return 0; }
"""
SAYS = "75 % of the bytes were allocated in libbare.so, which has no names"


def compile_c(folder, name, text, *flags):
    source = os.path.join(folder, os.path.splitext(name)[0] + ".c")
    with open(source, "w", encoding="ascii") as f:
        f.write(text)
    subprocess.run([need("gcc"), "-g", "-O1", "-fno-builtin", "-fasynchronous-unwind-tables", source, "-o", os.path.join(folder, name),
                    *flags], check=True)
    return os.path.join(folder, name)


def nodes(root):
    yield root
    for child in root["children"]:
        yield from nodes(child)


class Names:
    def __init__(self, tracker):
        self.t = tracker
        os.environ.pop("DEBUGINFOD_URLS", None)

    def build(self):
        """A program whose library is stripped and names a debug file that is not there: (program, library, that file)."""
        folder = self.t.file(".d")
        os.mkdir(folder)
        library = compile_c(folder, "libbare.so", LIBRARY, "-shared", "-fPIC")
        program = compile_c(folder, "app", PROGRAM, library, "-Wl,-rpath," + folder)
        debug = os.path.join(folder, "libbare.debug")
        objcopy = need("objcopy")
        subprocess.run([objcopy, "--only-keep-debug", library, debug], check=True)
        subprocess.run([objcopy, "--strip-all", "--add-gnu-debuglink=" + debug, library], check=True)
        os.rename(debug, debug + ".away")
        return program, library, debug

    def said(self, command, capture, *options):
        """What a report says on stderr, and its JSON's "unnamed"."""
        r = harness.execute([self.t.reporter(command), *options, capture])
        equal(command, (r.status, r.stderr.count(b"no names") <= 1), (0, True))
        if command == "flamegraph":
            out = self.t.file(".html")
            equal("the page", harness.execute([self.t.reporter(command), "-o", out, capture]).status, 0)
            with open(out, encoding="utf-8") as f:
                equal("the page says it", SAYS in f.read(), SAYS.encode() in r.stderr)
            os.unlink(out)
        return r.stderr.decode(), self.t.json(command, capture).get("unnamed")

    def debug_files(self, capture):
        """Those that are not here, of modules that do not belong to the machine."""
        return {m["path"]: m["debug_file_missing"] for m in self.t.json("info", capture)["modules"]
                if m["debug_file_missing"] and not m["path"].startswith("/usr/")}

    def case_the_module_without_names_is_named(self):
        program, library, debug = self.build()
        capture = self.t.record([program]).capture
        for command in self.t.reports("unnamed"):
            options = ["-o", self.t.file(".html")] if command == "flamegraph" else []
            words, unnamed = self.said(command, capture, *options)
            check(SAYS + ": put its debug file libbare.debug beside it" in words and "DEBUGINFOD_URLS" in words, f"{command} says {words!r}")
            equal(command, (unnamed["bytes"], unnamed["percent"], unnamed["module"], unnamed["modules"]), (3000, 75.0, library, 1))
        equal("info", self.debug_files(capture), {library: "libbare.debug"})
        check("its debug file (.gnu_debuglink) is missing: libbare.debug" in self.t.text("info", capture), self.t.text("info", capture))
        words, _ = self.said("table", capture, "--filter", "-*libbare*")
        check("no names" not in words, f"of bytes that are filtered away: {words!r}")
        os.rename(debug + ".away", debug)
        equal("info, when it is here", self.debug_files(capture), {})
        self.t.run("symbolize", "--force", capture)
        words, unnamed = self.said("table", capture)
        check("no names" not in words and unnamed is None, f"with names: {words!r} {unnamed}")
        line = LIBRARY.split("\n").index(next(x for x in LIBRARY.split("\n") if "3000" in x)) + 1
        check(f"libbare.c:{line}: size=3000 B" in self.t.text("table", capture), self.t.text("table", capture))

    def case_call_sites_of_a_function_without_a_name_are_one_row(self):
        folder = self.t.file(".d")
        os.mkdir(folder)
        program = compile_c(folder, "app", SITES, "-s")
        unwind = subprocess.run([need("readelf"), "--debug-dump=frames", program], capture_output=True, text=True, check=True).stdout
        starts = {f"app!0x{m:x}" for m in (int(x, 16) for x in re.findall(r"FDE cie=\S+ pc=([0-9a-f]+)", unwind))}
        capture = self.t.record([program]).capture
        want = {1200: 6, 1000: 1}  # bytes and allocations of the two functions
        for group in ("function", "lineno", "traceback"):
            rows = self.t.json("table", "-n", "0", "-g", group, "--allocations", capture)["rows"]
            equal(f"table -g {group}", {r["size"]: r["count"] for r in rows}, want)
        folded = [line.rpartition(" ") for line in
                  self.t.text("flamegraph", "--allocations", "--format", "folded", "-o", "-", capture).splitlines()]
        equal("folded", {int(n): stack.split(";")[-1] in starts for stack, _, n in folded}, dict.fromkeys(want, True))
        equal("folded: functions", len({stack for stack, _, _ in folded}), 2)
        for command, size, options in (("flamegraph", "value", ["--format", "json", "-o", "-"]), ("tree", "size", [])):
            leaves = [n for n in nodes(self.t.json(command, *options, "--allocations", capture)["root"]) if not n["children"]]
            equal(command, {n[size]: n["count"] for n in leaves}, want)
            check({n["name"] for n in leaves} < starts, f"{command}: {[n['name'] for n in leaves]} are not in {starts}")

    def case_no_line_where_a_tenth_or_less_has_no_names(self):
        program, _, _ = self.build()
        folder = os.path.dirname(program)
        program = compile_c(folder, "app", PROGRAM.replace("1000", "27000"), os.path.join(folder, "libbare.so"), "-Wl,-rpath," + folder)
        words, unnamed = self.said("table", self.t.record([program]).capture)
        check("no names" not in words and unnamed is None, f"a tenth: {words!r} {unnamed}")
        program = compile_c(folder, "app", PROGRAM.replace("1000", "26900"), os.path.join(folder, "libbare.so"), "-Wl,-rpath," + folder)
        words, unnamed = self.said("table", self.t.record([program]).capture)
        check("10 % of the bytes" in words and unnamed, f"more than a tenth: {words!r} {unnamed}")

    def case_a_file_that_is_gone_is_told_from_a_stripped_one(self):
        program, library, _ = self.build()
        capture = self.t.record([program], ["--no-symbols"]).capture
        os.unlink(library)
        words, unnamed = self.said("table", capture)
        check("file is not on this machine" in words and "symbolize" in unnamed["advice"], f"{words!r} {unnamed}")

    def told(self, program):
        """The notices of a capture of the program, and what info calls its symbols."""
        info = self.t.json("info", self.t.record([program]).capture)
        mine = next(m for m in info["modules"] if m["path"] == os.path.realpath(program))
        return [n for n in info["notices"] if n.startswith(mine["path"] + ": ")], mine

    def patch_section(self, program, name, change):
        """Changes the bytes of a section where they lie in the file."""
        for line in subprocess.run([need("readelf"), "-SW", program], capture_output=True, text=True, check=True).stdout.splitlines():
            fields = line.split("]")[-1].split()
            if fields[:1] == [name]:
                offset, size = int(fields[3], 16), int(fields[4], 16)
        with open(program, "r+b") as f:
            f.seek(offset)
            new = change(f.read(size))
            f.seek(offset)
            f.write(new)

    def simple(self, *flags):
        folder = self.t.file(".d")
        os.mkdir(folder)
        return compile_c(folder, "app", PROGRAM.replace("entry();", "").replace("void ;", ""), *flags)

    def case_debug_information_that_cannot_be_read_is_told_of(self):
        notices, module = self.told(self.simple())
        equal("of a whole program", (notices, module["symbols"]), ([], "embedded"))
        notices, module = self.told(self.simple("-g0"))
        equal("without debug information", (notices, module["symbols"]), ([], "names only, no lines"))

        program = self.simple("-gz=zlib")  # the compression header begins with its type
        self.patch_section(program, ".debug_info", lambda b: b"\x63\0\0\0" + b[4:])
        notices, module = self.told(program)
        equal("unknown compression", (len(notices), module["symbols"]), (1, "names only, no lines"))
        check("compressed in an unknown way" in notices[0], notices[0])

        program = self.simple("-gdwarf-5")  # a unit begins with its length, then its version
        self.patch_section(program, ".debug_info", lambda b: b[:4] + b"\x63\0" + b[6:])
        notices, module = self.told(program)
        equal("unknown version", (len(notices), module["symbols"]), (1, "names only, no lines"))

        program = self.simple("-gsplit-dwarf")
        dwo = [os.path.join(os.path.dirname(program), f) for f in os.listdir(os.path.dirname(program)) if f.endswith(".dwo")]
        equal("units apart", len(dwo), 1)
        equal("split, whole", self.told(program)[0], [])
        os.unlink(dwo[0])
        notices, _ = self.told(program)
        equal("split, without the .dwo", len(notices), 1)
        check(os.path.basename(dwo[0]) in notices[0], notices[0])

    def case_the_file_that_dwz_made_is_told_of_when_it_is_gone(self):
        first, second = self.simple(), self.simple()
        common = os.path.join(os.path.dirname(first), "common.dwz")
        r = harness.execute([need("dwz"), "-m", common, first, second])
        if r.status or not os.path.exists(common):
            raise Skip("dwz moves nothing")
        equal("with it", self.told(first)[0], [])
        os.unlink(common)
        notices, _ = self.told(first)
        equal("without it", len(notices), 1)
        check(f"dwz moved parts of it (.gnu_debugaltlink) is missing: {common}" in notices[0], notices[0])

    def case_what_is_skipped_stays_visible(self):
        source = self.t.file(".cc")
        with open(source, "w", encoding="ascii") as f:
            f.write("#include <cstdlib>\n#include <cstring>\n#include <string>\n#include <vector>\n"
                    "__attribute__((noinline)) void text(std::string &s) { s.reserve(5000); }\n"
                    "__attribute__((noinline)) void list(std::vector<int> &v) { v.reserve(1750); }\n"
                    "__attribute__((noinline)) char *copy(const char *s) { return strdup(s); }\n"
                    "__attribute__((noinline)) void *plain() { return malloc(9000); }\n"
                    "__attribute__((noinline)) void *single() { return new char[11000]; }\n"
                    "int main() { auto *s = new std::string; auto *v = new std::vector<int>; text(*s); list(*v);\n"
                    "return !copy(std::string(2999, 'y').c_str()) | !plain() | !single(); }\n")
        program = self.t.file(".cxx")
        subprocess.run([need("g++"), "-g", "-O0", "-fno-builtin", source, "-o", program], check=True)
        capture = self.t.record([program]).capture
        want = {"text": "std::string::reserve", "list": "std::vector<...>::reserve", "copy": "strdup", "plain": None, "single": None}
        rows = self.t.json("table", "-n", "0", "-g", "traceback", "--leaks", "--traceback", capture)["rows"]
        got = {f["function"]: f.get("via") for r in rows for f in r["traceback"] if f["function"] in want}
        equal("via, in JSON", got, want)
        leaks = self.t.text("leaks", capture).splitlines()
        for function, via in want.items():
            line = next(x for x in leaks if x.startswith(f"   at {function} ("))
            equal(function, line.partition(") via ")[2] or None, via)
        words = self.t.text("table", "-g", "traceback", "--leaks", "--traceback", "--functions", capture)
        check(", in text via std::string::reserve\n" in words, words)

    def case_a_debuginfod_server_is_asked_once_and_only_when_named(self):
        program, library, debug = self.build()
        notes = subprocess.run([need("readelf"), "-n", library], capture_output=True, text=True, check=True).stdout
        if not ctypes.util.find_library("debuginfod") or "Build ID: " not in notes:
            raise Skip("no libdebuginfod, or no build-ids")
        wanted = f"/buildid/{notes.split('Build ID: ')[1].split()[0]}/debuginfo"
        with open(debug + ".away", "rb") as f:
            answer = f.read()
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200 if self.path == wanted else 404)
                self.send_header("Content-Length", str(len(answer) if self.path == wanted else 0))
                self.end_headers()
                if self.path == wanted:
                    self.wfile.write(answer)

            def log_message(self, *args):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            cache = self.t.file(".cache")
            os.mkdir(cache)
            env = {"DEBUGINFOD_URLS": f"http://127.0.0.1:{server.server_port}", "DEBUGINFOD_CACHE_PATH": cache, "no_proxy": "127.0.0.1"}
            capture = self.t.record([program], ["--no-symbols"]).capture
            words, _ = self.said("table", capture)
            equal("requests without DEBUGINFOD_URLS", asked, [])
            check("DEBUGINFOD_URLS" in words, words)
            first = harness.execute([self.t.reporter("table"), capture], env)
            check(b"libbare.c:" in first.stdout and b"no names" not in first.stderr, f"{first.stdout} {first.stderr}")
            equal("requests for the library", asked.count(wanted), 1)
            equal("what is said where nobody looks", first.stderr, b"")
            again = harness.execute([self.t.reporter("table"), capture], env)
            equal("from the cache", (again.stdout, asked.count(wanted)), (first.stdout, 1))
            shutil.rmtree(cache)
            os.mkdir(cache)
            main, terminal = pty.openpty()
            p = subprocess.run([self.t.reporter("table"), capture], env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=terminal, check=True)
            os.close(terminal)
            said = b""
            while select.select([main], [], [], 1)[0]:
                try:
                    said += os.read(main, 65536)
                except OSError:
                    break
            os.close(main)
            check(b"ownload" in said, f"on a terminal: {said!r} {p}")
        finally:
            server.shutdown()
            server.server_close()

    def case_the_package_is_that_of_dpkg(self):
        dpkg, found = need("dpkg"), False
        for name in ("sqlite3", "git", "python3"):
            program = os.path.realpath(need(name))
            owner = subprocess.run([dpkg, "-S", program], capture_output=True, text=True, check=False).stdout
            if not owner:
                continue
            args = ["-c", "x = [bytes(9000) for i in range(99)]"] if name == "python3" else ["--version"]
            unnamed = json.loads(self.t.run("table", "--json", self.t.record([program, *args]).capture)).get("unnamed")
            if not unnamed or os.path.realpath(unnamed["module"]) != program:
                continue
            found = True
            package = owner.split(":")[0]
            names = (f"apt install {package}-dbgsym,", f"apt install {package.replace('-minimal', '')}-dbg,")
            check(any(unnamed["advice"].startswith(n) for n in names), f"{program} of {package}: {unnamed}")
        if not found:
            raise Skip("no program of a package without names")


def make_cases(t):
    names = Names(t)
    return [(n[len("case_"):].replace("_", " "), getattr(names, n)) for n in dir(Names) if n.startswith("case_")]


if __name__ == "__main__":
    harness.main(make_cases)

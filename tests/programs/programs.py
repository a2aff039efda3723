"""programs - what run.py runs: real programs on made input, each in a folder of its own.

A function makes one program's input in `folder` (a new and empty one, always of the same path) and says how to run
it. Slow preparations are kept in `kept`, which stays from run to run. What differs between any two bare runs (times,
pids) is named by `varies`, a list of regular expressions; run.py finds out whether they suffice.
"""
import os
import shutil
import subprocess
import textwrap

import workloads
from harness import need

TIMES = rb"\d+([.:]\d+)+ ?m?s?\b"


class Run:
    """A command that is run in the folder, and what to compare of it."""

    def __init__(self, argv, stdin=None, env=None, files=(), varies=(), status=0, before=()):
        self.argv, self.stdin, self.env = argv, stdin, env or {}
        self.files, self.varies, self.status = files, varies, status
        self.before = before  # commands of the same user that prepare the folder


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "wb") as f:
        f.write(text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode())
    os.chmod(path, mode)
    return path


def once(path, make):
    """Calls make(path of a new folder) unless an earlier run has."""
    if not os.path.exists(path):
        os.makedirs(path + ".new")
        make(path + ".new")
        os.rename(path + ".new", path)
    return path


def quietly(*argv, **more):
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, **more)




# ---- browsers, documents, media ----

PAGE = """
<!DOCTYPE html><html><head><title>Page</title><style>
body { font-family: sans-serif; background: linear-gradient(#eef, #fff) } td { border: 1px solid #999 }
</style></head><body><h1>A page</h1><table id="t"></table><canvas id="c" width="200" height="80"></canvas><script>
for (let i = 0; i < 200; i++) {
  const row = document.getElementById("t").insertRow();
  for (let j = 0; j < 5; j++) row.insertCell().textContent = "cell " + i + " " + (i * j % 17);
}
const c = document.getElementById("c").getContext("2d");
for (let i = 0; i < 40; i++) { c.fillStyle = `hsl(${i * 9} 80% 60%)`; c.fillRect(i * 5, 0, 5, 80); }
</script></body></html>
"""
PDF_VARIES = [rb"/(CreationDate|ModDate) ?\(D:[^)]*\)", rb"/ID ?\[[^]]*\]", rb"/DocChecksum ?/[0-9A-F]*",
              rb"<xmp:[A-Za-z]*Date>[^<]*", rb"uuid:[0-9a-fA-F-]*"]


def chromium(*options, files=()):
    def make(folder, kept):
        return Run([need("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    f"--user-data-dir={folder}/profile", *(o.replace("FOLDER", folder) for o in options),
                    "file://" + write(folder, "page.html", PAGE)],
                   files=[os.path.join(folder, f) for f in files], varies=PDF_VARIES)
    return make


def firefox(folder, kept):
    os.mkdir(folder + "/profile")
    return Run([need("firefox-esr"), "--headless", "--no-remote", "--profile", folder + "/profile",
                "--screenshot", folder + "/page.png", "file://" + write(folder, "page.html", PAGE)],
               files=[folder + "/page.png"], env={"MOZ_CRASHREPORTER_DISABLE": "1"})


def libreoffice(folder, kept):
    rows = "".join(f"<tr><td>{i}</td><td>{i * i}</td></tr>" for i in range(300))
    return Run([need("soffice"), f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "pdf",
                "--outdir", folder, write(folder, "text.html", f"<h1>Numbers</h1><table>{rows}</table>")],
               files=[folder + "/text.pdf"], varies=PDF_VARIES)


def ffmpeg(folder, kept):
    return Run([need("ffmpeg"), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-f", "lavfi", "-i",
                "testsrc=duration=4:size=320x240:rate=25", "-f", "lavfi", "-i", "sine=duration=4", "-c:v", "mpeg4",
                "-c:a", "mp2", "-flags", "bitexact", "-fflags", "bitexact", folder + "/out.avi"],
               files=[folder + "/out.avi"])


# ---- compilers ----

RUST = """
use std::collections::HashMap;
fn main() {
    let mut counts: HashMap<String, Vec<u64>> = HashMap::new();
    for i in 0..1000u64 { counts.entry(format!("key {}", i % 97)).or_default().push(i * i); }
    let mut sums: Vec<_> = counts.iter().map(|(k, v)| (k.clone(), v.iter().sum::<u64>())).collect();
    sums.sort();
    println!("{:?}", &sums[..5]);
}
"""
HASKELL = """
import qualified Data.Map as M
main :: IO ()
main = print (take 5 (M.toList (M.fromListWith (+) [(i `mod` 97, i * i) | i <- [1 .. 100000 :: Int]])))
"""
CGO = """
package main

/*
#include <stdlib.h>
#include <string.h>
static char *doubled(const char *s) { char *p = malloc(2 * strlen(s) + 1); strcpy(p, s); strcat(p, s); return p; }
*/
import "C"
import (
	"fmt"
	"sync"
	"unsafe"
)

func main() {
	var group sync.WaitGroup
	sums := make([]int, 4)
	for g := 0; g < 4; g++ {
		group.Add(1)
		go func(g int) {
			defer group.Done()
			for i := 0; i < 5000; i++ {
				s := C.CString(fmt.Sprintf("text %d", i))
				d := C.doubled(s)
				sums[g] += len(C.GoString(d))
				C.free(unsafe.Pointer(s))
				C.free(unsafe.Pointer(d))
			}
		}(g)
	}
	group.Wait()
	fmt.Println(sums)
}
"""
JAVA = """
import java.util.*;
public class Hello {
    public static void main(String[] a) {
        Map<String, List<Integer>> m = new TreeMap<>();
        for (int i = 0; i < 200000; i++) m.computeIfAbsent("key " + i % 97, k -> new ArrayList<>()).add(i * 31);
        long sum = 0;
        for (List<Integer> l : m.values()) for (int i : l) sum += i;
        System.out.println(m.size() + " " + sum);
    }
}
"""


def rustc(folder, kept):
    sysroot = subprocess.run([need("rustc"), "--print", "sysroot"], capture_output=True, text=True, check=True)
    compiler = os.path.join(sysroot.stdout.strip(), "bin", "rustc")  # not rustup, which would start it
    return Run([compiler, "-O", "-C", "codegen-units=1", write(folder, "hello.rs", RUST), "-o",
                folder + "/hello"],
               files=[folder + "/hello"])


def ghc(folder, kept):
    return Run([need("ghc"), "-O", write(folder, "hello.hs", HASKELL), "-o", folder + "/hello"],
               files=[folder + "/hello"])


def go_cache(folder, kept):
    """A copy of a cache in which the standard library is compiled, but not our program."""
    def fill(new):
        write(new, "warm.go", CGO.replace("text %d", "warm %d"))
        quietly(need("go"), "build", "-o", new + "/warm", new + "/warm.go",
                env=os.environ | {"GOCACHE": new + "/cache", "GOFLAGS": "-trimpath"})

    copy = folder + "/cache"
    shutil.copytree(once(kept + "/go", fill) + "/cache", copy, copy_function=os.link)
    return {"GOCACHE": copy, "GOFLAGS": "-trimpath"}


def go_build(folder, kept):
    return Run([need("go"), "build", "-o", folder + "/hello", write(folder, "hello.go", CGO)],
               env=go_cache(folder, kept), files=[folder + "/hello"])


def cgo(folder, kept):
    quietly(need("go"), "build", "-o", folder + "/hello", write(folder, "hello.go", CGO),
            env=os.environ | go_cache(folder, kept))
    return Run([folder + "/hello"])


def javac(folder, kept):
    return Run([need("javac"), "-d", folder, write(folder, "Hello.java", JAVA)],
               files=[folder + "/Hello.class"])


def java(folder, kept):
    quietly(need("javac"), "-d", folder, write(folder, "Hello.java", JAVA))
    return Run([need("java"), "-cp", folder, "Hello"])


def make_j8(folder, kept):
    """A build of 40 files, eight at a time; a statically linked program takes part."""
    names = [f"f{i}" for i in range(40)]
    for i, name in enumerate(names):
        write(folder, name + ".c", "".join(f"int {name}_{j}(int x) {{ return x * {i + j} + (x >> {j % 7}); }}\n"
                                           for j in range(60)))
    write(folder, "main.c", "#include <stdio.h>\nint f3_4(int);\nint main(void) { return !printf(\"%d\\n\", f3_4(5)); }\n")
    write(folder, "tool.c", "int main(void) { return 0; }\n")
    quietly(need("gcc"), "-static", "-o", folder + "/tool", folder + "/tool.c")
    write(folder, "Makefile", "OBJECTS = " + " ".join(n + ".o" for n in names) + "\n"
          "program: main.o $(OBJECTS)\n\tgcc -o $@ $^\n\t./program > says\n"
          "%.o: %.c\n\t@./tool\n\tgcc -O1 -c -o $@ $<\n")
    return Run([need("make"), "-j8", "-s"], files=[folder + "/says", folder + "/program"])


# ---- interpreters ----

def script(command, name, text):
    def make(folder, kept):
        path = write(folder, name, text)
        return Run([need(command[0]), *command[1:], path])
    return make


NODE = """
const m = new Map();
for (let i = 0; i < 200000; i++) { const k = "key " + i % 97; m.set(k, (m.get(k) || 0) + i); }
console.log(JSON.stringify([...m].slice(0, 5)));
const zlib = require("zlib");
const hash = (b) => require("crypto").createHash("sha256").update(b).digest("hex");
zlib.gzip(Buffer.alloc(1 << 20, "text "), (e, b) => console.log(b.length, hash(b)));
"""
RUBY = """
require 'json'; require 'set'
m = Hash.new(0)
100000.times { |i| m["key #{i % 97}"] += i }
puts JSON.generate(m.sort.first(5))
puts (1..4).map { |n| Thread.new { (1..1000).map { |i| (i * n).to_s }.to_set.size } }.map(&:value).inspect
"""
PERL = """
my %m; $m{"key " . $_ % 97} += $_ for 1 .. 200000;
print join(",", map { "$_=$m{$_}" } (sort keys %m)[0 .. 4]), "\\n";
my $t = join " ", 1 .. 20000; my $n = () = $t =~ /\\b\\d*7\\d*\\b/g; print "$n\\n";
print `echo from a shell`;
"""
PHP = """
<?php $m = []; for ($i = 0; $i < 200000; $i++) { $k = "key " . $i % 97; $m[$k] = ($m[$k] ?? 0) + $i; }
ksort($m); echo json_encode(array_slice($m, 0, 5)), "\\n", strlen(str_repeat("x", 5000000)), "\\n";
"""
R = """
set.seed(1); d <- data.frame(x = rnorm(20000), g = sample(letters, 20000, TRUE))
print(aggregate(x ~ g, d, mean)[1:5, ]); print(summary(lm(x ~ g, d))$df); cat(nchar(paste(1:50000, collapse = "")), "\\n")
"""
LISP = """
(let ((m (make-hash-table :test 'equal)))
  (dotimes (i 50000) (cl-incf (gethash (format "key %d" (% i 97)) m 0) i))
  (princ (format "%S\\n" (gethash "key 5" m)))
  (with-temp-buffer (dotimes (i 20000) (insert (format "line %d\\n" i))) (goto-char (point-min))
    (princ (format "%d\\n" (how-many "7$")))))
"""


def emacs(folder, kept):
    return Run([need("emacs"), "--batch", "-Q", "-l", "cl-lib", "-l", write(folder, "script.el", LISP)])


def gdb(folder, kept):
    source = write(folder, "debugged.c", """
        #include <stdlib.h>
        static int depth(int n) { char *p = malloc(n + 1); int r = n ? depth(n - 1) + 1 : 0; free(p); return r; }
        int main(void) { return depth(10) - 10; }
        """)
    quietly(need("gcc"), "-g", "-o", folder + "/debugged", source)
    return Run([need("gdb"), "-nx", "-batch", "-ex", "break depth if n == 3", "-ex", "run", "-ex", "backtrace",
                "-ex", "continue", folder + "/debugged"], varies=[rb"process \d+", rb"0x[0-9a-f]+"])


# ---- databases, servers ----

def git_clone(folder, kept):
    workloads.git(folder, 300)
    return Run([need("git"), "clone", "--no-local", "--quiet", folder + "/repository", folder + "/clone", "-b", "main"],
               env={"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"},
               files=[folder + "/clone/.git/packed-refs", folder + "/clone/dir1/file1.txt"])


def postgres_programs():
    return os.path.dirname(os.path.realpath(need("postgres")))


def initdb(folder, kept):
    return Run([postgres_programs() + "/initdb", "-D", folder + "/data", "-N", "-A", "trust", "-U", "postgres"],
               files=[folder + "/data/PG_VERSION", folder + "/data/postgresql.conf"])


def pgbench(folder, kept):
    """A server that makes itself a daemon, four clients, and its end."""
    bin = postgres_programs()
    return Run(["/bin/sh", "-c", f"""
        PATH={bin}:$PATH; export PGHOST={folder} PGUSER=postgres PGDATABASE=postgres
        pg_ctl -D {folder}/data -s -w -l {folder}/log -o "-k {folder} -c listen_addresses='' -c fsync=off" start &&
        pgbench -q -i -s 1 2>/dev/null && pgbench -n -c 4 -t 100 --random-seed=1 &&
        psql -At -c "select count(*) from pgbench_history"; status=$?
        pg_ctl -D {folder}/data -s -w -m fast stop; exit $status
        """], varies=[rb"(latency average|initial connection time|tps) = .*"],
               before=[[bin + "/initdb", "-D", folder + "/data", "-N", "-A", "trust", "-U", "postgres"]])


def redis(folder, kept):
    """On a socket of its own: every request answered, what it saved read again."""
    server, client, bench = need("redis-server", "redis-cli", "redis-benchmark")
    socket = folder + "/socket"
    return Run(["/bin/sh", "-c", f"""
        {server} --port 0 --unixsocket {socket} --dir {folder} --save '' --loglevel warning >log 2>&1 &
        until {client} -s {socket} ping >/dev/null 2>&1; do sleep 0.1; done
        {bench} -s {socket} -n 20000 -q -t set,get,lpush,hset,zadd -r 1000 --seed 1 >/dev/null
        {client} -s {socket} set x y; {client} -s {socket} bgsave >/dev/null
        {client} -s {socket} --no-raw llen mylist; {client} -s {socket} shutdown nosave; wait $!
        """])


def sqlite3(folder, kept):
    w = workloads.sqlite3(folder, 40000)
    return Run([w.argv[0], folder + "/file.db"], stdin=w.stdin)


# ---- machines ----

def boot_sector():
    """16-bit code: a text to the serial port, then the port that ends qemu with status 2 * 8 + 1."""
    text = b"booted\r\n\0"
    code = bytes.fromhex("31c0 8ed8 be 1b7c ba f803 ac 84c0 7403 ee ebf8 ba 0105 b008 ee f4 ebfd".replace(" ", ""))
    assert len(code) == 0x1b
    return (code + text).ljust(510, b"\0") + b"\x55\xaa"


def qemu_system(folder, kept):
    return Run([need("qemu-system-x86_64"), "-accel", "tcg", "-m", "32", "-display", "none", "-nodefaults",
                "-serial", "file:" + folder + "/serial", "-device", "isa-debug-exit,iobase=0x501",
                "-drive", "format=raw,file=" + write(folder, "disk", boot_sector())],
               status=17, files=[folder + "/serial"])


def qemu_user(folder, kept):
    return Run([need("qemu-x86_64"), "-cpu", "max", "-U", "LD_PRELOAD", "/bin/ls", "-l", "/usr/include"])


# ---- the table ----

class Program:
    """
    `packages` are Debian's. `ci`: ./setup installs them for the tests, and every claim of run.py holds. `user`: who runs
    it if that cannot be root. `explained`: name of a process -> why its counts are not the counter's.
    """

    def __init__(self, name, make, packages, ci=False, user=None, explained=None):
        self.name, self.make, self.packages, self.ci = name, make, packages, ci
        self.user, self.explained = user, explained or {}


PROGRAMS = [
    Program("chromium --print-to-pdf", chromium("--no-pdf-header-footer", "--print-to-pdf=FOLDER/page.pdf", files=["page.pdf"]),
            "chromium"),
    Program("chromium --screenshot", chromium("--screenshot=FOLDER/page.png", files=["page.png"]), "chromium"),
    Program("chromium --dump-dom", chromium("--dump-dom"), "chromium"),
    Program("firefox-esr --screenshot", firefox, "firefox-esr"),
    Program("soffice --convert-to pdf", libreoffice, "libreoffice-writer-nogui"),
    Program("ffmpeg", ffmpeg, "ffmpeg"),
    Program("rustc", rustc, "rustup's, or rustc"),
    Program("ghc", ghc, "ghc"),
    Program("go build, cgo", go_build, "golang-go"),
    Program("cgo program", cgo, "golang-go", ci=True),
    Program("javac", javac, "default-jdk-headless"),
    Program("java", java, "default-jdk-headless"),
    Program("make -j8", make_j8, "make gcc", ci=True),
    Program("node", script(["node"], "script.js", NODE), "nodejs", ci=True),
    Program("ruby", script(["ruby"], "script.rb", RUBY), "ruby"),
    Program("perl", script(["perl"], "script.pl", PERL), "perl", ci=True),
    Program("php", script(["php"], "script.php", PHP), "php-cli"),
    Program("R", script(["R", "--vanilla", "--no-echo", "-f"], "script.R", R), "r-base-core"),
    Program("emacs --batch", emacs, "emacs-nox"),
    Program("gdb -batch", gdb, "gdb"),
    Program("git clone", git_clone, "git", ci=True),
    Program("initdb", initdb, "postgresql", user="postgres"),
    Program("postgres, pgbench", pgbench, "postgresql postgresql-contrib", user="postgres"),
    Program("redis-server, -benchmark", redis, "redis-server redis-tools", ci=True),
    Program("sqlite3", sqlite3, "sqlite3", ci=True),
    Program("qemu-system-x86_64", qemu_system, "qemu-system-x86"),
    Program("qemu-x86_64", qemu_user, "qemu-user"),
]

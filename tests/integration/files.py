#!/usr/bin/env python3
"""files - functions have names whatever became of the file that they come from: opened by a relative
name, deleted, renamed, replaced, in memory only, in another mount namespace, started by the loader.

The programs are compiled here, each in a folder of its own. Which function allocated which size stands in
their sources.
"""
import os
import shutil
import subprocess
import tempfile

import harness
from harness import Skip, check, equal, execute, need

PROGRAM = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
void *kept;
__attribute__((noinline)) void its_own(void) { kept = malloc(4242); }
int main(int argc, char **argv)
{
	const char *const how = argc > 1 ? argv[1] : "";
	char other[4096];

	its_own();
	snprintf(other, sizeof(other), "%s.other", argv[0]);
	if (!strcmp(how, "deleted"))
		return unlink(argv[0]);
	if (!strcmp(how, "removed"))
		return remove(argv[0]);
	if (!strcmp(how, "replaced"))
		return rename(other, argv[0]);
	if (!strcmp(how, "renamed"))
		return rename(argv[0], other);
	return 0;
}
"""

PLUGIN = r"""
#include <stdlib.h>
void *kept_there;
__attribute__((noinline)) static void *NAME(void) { return kept_there = malloc(SIZE); }
PADDING
void *plugin_run(void) { return NAME(); }
"""

HOST = r"""
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int load(const char *path, void **ret)
{
	void *(*run)(void);

	*ret = dlopen(path, RTLD_NOW);
	if (!*ret || !(run = (void *(*)(void))dlsym(*ret, "plugin_run"))) {
		puts(dlerror());
		return 1;
	}
	return run() == NULL;
}
int main(int argc, char **argv)
{
	void *library;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-cd")) {
			if (chdir(argv[++i]))
				return 2;
		} else if (!strcmp(argv[i], "-rm")) {
			if (unlink(argv[++i]))
				return 3;
		} else if (!strcmp(argv[i], "-mv")) {
			if (rename(argv[i + 1], argv[i + 2]))
				return 4;
			i += 2;
		} else if (!strcmp(argv[i], "-close")) {
			dlclose(library);
		} else if (!strcmp(argv[i], "-open")) { /* loaded and deleted before anything of it is called */
			if (!(library = dlopen(argv[++i], RTLD_NOW)) || unlink(argv[i]))
				return 5;
			((void *(*)(void))dlsym(library, "plugin_run"))();
		} else if (load(argv[i], &library)) {
			return 6;
		}
	}
	return 0;
}
"""

MEMFD = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>
int main(int argc, char **argv, char **envp)
{
	const int in = open(argv[1], O_RDONLY), fd = memfd_create("payload", MFD_CLOEXEC);

	while (sendfile(fd, in, NULL, 1 << 20) > 0)
		;
	fexecve(fd, argv + 1, envp);
	return argc + 90;
}
"""


class Files:
    def __init__(self, t):
        self.t = t

    def folder(self):
        return tempfile.mkdtemp(dir=self.t.scratch)

    def compile(self, path, source, *flags, libraries=()):
        need("gcc")
        subprocess.run(["gcc", "-w", "-g", "-O1", *flags, "-x", "c", "-", "-x", "none", *libraries, "-o", path], input=source,
                       text=True, check=True, cwd=os.path.dirname(path))
        return path

    def plugin(self, path, name, size, padding="", *flags):
        return self.compile(path, PLUGIN.replace("NAME", name).replace("SIZE", str(size)).replace("PADDING", padding),
                            "-fPIC", "-shared", *flags)

    def names(self, argv, cwd, sizes, env=None):
        """Records argv in the folder; the two innermost functions of the leak of each size."""
        r = self.t.record(argv, env=env, preexec=lambda: os.chdir(cwd))
        equal(f"{argv}: status, output", (r.status, r.stdout), (0, b""))
        found = {}
        for row in self.t.json("leaks", r.capture)["rows"]:
            found[row["size"] // row["count"]] = [f["function"] for f in row["stack"][:2]]
        return [found.get(size) for size in sizes]

    def program(self, how):
        folder = self.folder()
        self.compile(f"{folder}/app", PROGRAM)
        shutil.copy("/bin/true", f"{folder}/app.other")
        equal(how, self.names(["./app", how], folder, [4242]), [["its_own", "main"]])

    def library(self):
        """However it is spelled, and wherever the program goes afterwards."""
        folder = self.folder()
        os.mkdir(f"{folder}/sub")
        self.plugin(f"{folder}/plugin.so", "there", 1111)
        shutil.copy(f"{folder}/plugin.so", f"{folder}/sub/second.so")
        host = self.compile(f"{folder}/host", HOST)
        linked = self.compile(f"{folder}/linked", "void *plugin_run(void); int main(void) { plugin_run(); return 0; }",
                              libraries=["./plugin.so"])
        want = [["there", "plugin_run"]]
        for argv, env in ([host, f"{folder}/plugin.so"], None), ([host, "./plugin.so"], None), \
                         ([host, "sub/../plugin.so"], None), ([host, "plugin.so"], {"LD_LIBRARY_PATH": "."}), \
                         ([host, "-cd", "sub", "./second.so"], None), ([host, "./plugin.so", "-cd", "/"], None), \
                         ([linked], None):
            equal(f"{argv[1:]} {env}", self.names(argv, folder, [1111], env), want)

    def library_deleted(self):
        """As loaders do that carry libraries within them."""
        for order in (["-open", "./extracted"], ["./extracted", "-rm", "./extracted"],
                      ["./extracted", "-mv", "./extracted", "./elsewhere"]):
            folder = self.folder()
            self.plugin(f"{folder}/extracted", "there", 1111)
            host = self.compile(f"{folder}/host", HOST)
            equal(f"{order}", self.names([host, *order], folder, [1111]), [["there", "plugin_run"]])

    def library_replaced(self):
        """Two builds that have one path, after each other: each is named by its own file."""
        for flags in ((), ("-Wl,--build-id=none",)):
            folder = self.folder()
            self.plugin(f"{folder}/plugin.so", "first_build", 1111, "", *flags)
            self.plugin(f"{folder}/next.so", "second_build", 2222, "int more(int i) { return i * i + 7; }", *flags)
            host = self.compile(f"{folder}/host", HOST)
            argv = [host, "./plugin.so", "-mv", "next.so", "plugin.so", "-close", "./plugin.so"]
            equal(f"{flags}", self.names(argv, folder, [1111, 2222]), [["first_build", "plugin_run"], ["second_build", "plugin_run"]])

    def in_memory(self):
        folder = self.folder()
        self.compile(f"{folder}/app", PROGRAM)
        start = self.compile(f"{folder}/start", MEMFD)
        equal("memfd", self.names([start, "./app"], folder, [4242]), [["its_own", "main"]])

    def mount_namespace(self):
        """A file system that goes with the program."""
        need("unshare", "mount")
        if execute(["unshare", "-m", "true"]).status != 0:
            raise Skip("mount namespaces are not permitted here")
        folder = self.folder()
        os.mkdir(f"{folder}/mnt")
        self.compile(f"{folder}/app", PROGRAM)
        script = "mount -t tmpfs none mnt && cp app mnt && exec mnt/app"
        equal("mounted", self.names(["unshare", "-m", "sh", "-c", script], folder, [4242]), [["its_own", "main"]])

    def may_be_unmounted(self):
        """What was recorded holds no file system."""
        need("unshare", "mount", "umount")
        if execute(["unshare", "-m", "true"]).status != 0:
            raise Skip("mount namespaces are not permitted here")
        folder = self.folder()
        os.mkdir(f"{folder}/mnt")
        self.compile(f"{folder}/app", PROGRAM)
        script = "mount -t tmpfs none mnt && cp app mnt && mnt/app && sleep 0.2 && umount mnt"
        equal("unmounted", self.names(["unshare", "-m", "sh", "-c", script], folder, [4242]), [["its_own", "main"]])

    def by_loader(self):
        """ld.so PROGRAM: the program is PROGRAM."""
        folder = self.folder()
        app = self.compile(f"{folder}/app", PROGRAM)
        loader = subprocess.run(["readelf", "-lW", app], capture_output=True, text=True, check=True).stdout
        loader = loader.split("interpreter: ")[1].split("]")[0]
        r = self.t.record([loader, "./app"], preexec=lambda: os.chdir(folder))
        modules = self.t.json("info", r.capture)["modules"]
        check(any(m["path"] == os.path.realpath(app) for m in modules), f"app is not among {modules}")
        equal("names", self.names([loader, "./app"], folder, [4242]), [["its_own", "main"]])
        equal("leaks", [r["size"] for r in self.t.json("leaks", r.capture)["rows"]], [4242])


def make_cases(t):
    c = Files(t)
    cases = [(f"program: {how}", lambda how=how: c.program(how)) for how in ("deleted", "removed", "replaced", "renamed")]
    return cases + [(n.replace("_", " "), getattr(c, n)) for n in (
        "library", "library_deleted", "library_replaced", "in_memory", "mount_namespace", "may_be_unmounted", "by_loader")]


if __name__ == "__main__":
    harness.main(make_cases)

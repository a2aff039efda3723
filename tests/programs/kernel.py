"""kernel - which processes there were, from the kernel and not from anybody who is preloaded.

The process connector (netlink) tells of every fork and every exec on the machine, however short a process
lives and however it is linked. It is root's, and the machine's first namespaces'; elsewhere strace follows the
command, which a program that traces others (gdb) does not bear.
"""
import os
import re
import shutil
import socket
import struct
import threading
import time

from harness import Failure, Skip

CN_IDX_PROC, NETLINK_CONNECTOR, SO_RCVBUFFORCE = 1, 11, 33
LISTEN, IGNORE = 1, 2
NONE, FORK, EXEC = 0, 1, 2
NLMSG, CN_MSG = struct.Struct("=IHHII"), struct.Struct("=IIIIHH")
EVENT = struct.Struct("=IIQ4I")  # what, processor, CLOCK_MONOTONIC; thread and process of a fork's parent, then of the child


class Process:
    """One process: whose child, how often it executed a program, the last one's name if that could be read, threads it made."""

    def __init__(self, parent):
        self.parent, self.execs, self.name, self.threads = parent, 0, "?", 0


class Processes(dict):
    """pid -> Process."""

    def forked(self, parent, child):
        p = self.get(child)
        if p and not p.parent:  # strace shows what a child did before its parent's vfork returned
            p.parent = parent
        else:
            self[child] = Process(parent)

    def executed(self, pid, name):
        p = self.setdefault(pid, Process(0))
        p.execs += 1
        p.name = name or p.name

    def made_thread(self, pid):
        self.setdefault(pid, Process(0)).threads += 1

    def below(self, root):
        """The process, and those that descend from it."""
        found, before = {root}, 0
        while len(found) > before:
            before = len(found)
            found |= {pid for pid, p in self.items() if p.parent in found}
        return {pid: self[pid] for pid in found if pid in self}


def name_of(pid):
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return None


class Connector:
    """Listens from `with` to its end; .processes then has everybody who was born in between."""

    prefix = ()

    def __init__(self):
        self.processes = Processes()
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
        try:
            self.socket.bind((0, CN_IDX_PROC))
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
            self.ask(LISTEN)
            self.socket.settimeout(2)
            if self.answer() != 0:
                raise OSError("refused")
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(0.2)
        self.end, self.lost = 0, False
        self.thread = threading.Thread(target=self.listen, daemon=True)

    def ask(self, what):
        body = CN_MSG.pack(CN_IDX_PROC, 1, 0, 0, 4, 0) + struct.pack("=I", what)
        self.socket.send(NLMSG.pack(NLMSG.size + len(body), 3, 0, 0, 0) + body)

    def events(self):
        data = self.socket.recv(65536)
        return EVENT.unpack(data[NLMSG.size + CN_MSG.size:][:EVENT.size].ljust(EVENT.size, b"\0"))

    def answer(self):
        """What the kernel said to LISTEN; other listeners' answers and events come in between."""
        while True:
            what, _, _, error, *_ = self.events()
            if what == NONE:
                return error

    def listen(self):
        while True:
            try:
                what, _, when, _, process, child, child_process = self.events()
            except socket.timeout:
                if self.end:
                    return
                continue
            except OSError:  # ENOBUFS: the kernel had to drop some
                self.lost = True
                continue
            if self.end and when > self.end:
                return
            if what == FORK and child == child_process:
                self.processes.forked(process, child)
            elif what == FORK:
                self.processes.made_thread(child_process)  # a thread has its process's parent
            elif what == EXEC:
                self.processes.executed(process, name_of(process))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.end = time.monotonic_ns()
        self.thread.join()
        self.ask(IGNORE)
        self.socket.close()
        if self.lost:
            raise Failure("the kernel's events came faster than they were read")


class Strace:
    """Follows the command that `prefix` stands before."""

    CALLS = "execve,execveat,fork,vfork,clone,clone3"
    LINE = re.compile(r"(\d+) +(?:<\.\.\. )?(execve|execveat|fork|vfork|clone|clone3)\b(.*?)(?:= (-?\d+)[^=]*)?$")

    def __init__(self, log):
        if not shutil.which("strace"):
            raise Skip("neither the process connector (root's) nor strace can be used")
        self.log, self.processes = log, Processes()
        self.threads = {}  # thread -> its process
        self.prefix = ("strace", "-f", "-qq", "-e", f"trace={self.CALLS}", "-e", "signal=none", "-o", log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        begun = {}  # calls that were interrupted in the log: their arguments stand in the first half
        with open(self.log, errors="replace") as f:
            for line in f:
                m = self.LINE.match(line)
                if not m:
                    continue
                pid, call, arguments, result = int(m[1]), m[2], m[3], m[4]
                if "<unfinished" in arguments:
                    begun[pid] = arguments
                    continue
                arguments = begun.pop(pid, "") + arguments if "resumed>" in arguments else arguments
                self.called(pid, call, arguments, int(result or -1))

    def called(self, pid, call, arguments, result):
        if call.startswith("exec") and result == 0:
            path = re.search(r'"([^"]*)"', arguments)
            self.processes.executed(pid, os.path.basename(path[1]) if path else None)
        elif not call.startswith("exec") and result > 0 and "CLONE_THREAD" in arguments:
            self.threads[result] = self.threads.get(pid, pid)
            self.processes.made_thread(self.threads[result])
        elif not call.startswith("exec") and result > 0:
            self.processes.forked(self.threads.get(pid, pid), result)


def watch(log):
    """The connector, or strace writing to `log`."""
    try:
        return Connector()
    except OSError:
        return Strace(log)

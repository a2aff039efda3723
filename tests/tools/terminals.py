"""terminals - runs a program on a terminal of a given size, and says how wide text is there."""
import fcntl
import os
import pty
import re
import struct
import termios
import unicodedata

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def run(argv, columns, lines=10000, env=None):
    """(exit status, what stands on the terminal). The size is set before the program begins."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    pid = os.fork()
    if pid == 0:
        os.close(primary)
        os.login_tty(secondary) if hasattr(os, "login_tty") else login(secondary)
        os.execvpe(argv[0], argv, {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **(env or {})})
    os.close(secondary)
    text = b""
    while True:
        try:
            part = os.read(primary, 65536)
        except OSError:  # EIO: the other end is closed
            break
        if not part:
            break
        text += part
    os.close(primary)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode().replace("\r\n", "\n")


def login(fd):
    """What os.login_tty of newer Pythons does."""
    os.setsid()
    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)
    for other in range(3):
        os.dup2(fd, other)
    if fd > 2:
        os.close(fd)


def without_colours(text):
    return ESCAPES.sub("", text)


def width(line):
    """Columns that a line takes, tabs included."""
    column = 0
    for c in without_colours(line):
        if c == "\t":
            column += 8 - column % 8
        elif unicodedata.combining(c) == 0 and unicodedata.category(c) not in ("Mn", "Me", "Cf"):
            column += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return column

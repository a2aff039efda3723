"""tmux - a command on a terminal, in tmux: what is on its screen, and keys. Standard library only."""
import json
import re
import subprocess
import time

from harness import check, need


class Screen:
    """A command in tmux."""

    def __init__(self, case, command, width=100, height=30, env=None):
        self.case = case
        self.tmux = need("tmux")
        self.socket = case.t.file(".tmux")
        full = case.env | {"LANG": "C.UTF-8", "TERM": "tmux-256color"} | (env or {})
        setting = " ".join(f"{k}={json.dumps(full[k])}" for k in sorted({"LANG", "TERM", "XDG_RUNTIME_DIR"} | set(env or {})))
        words = " ".join(json.dumps(w) for w in command)
        self.do("new-session", "-d", "-x", str(width), "-y", str(height), "-s", "s", f"trap : INT; env {setting} {words}; echo status $?; exec sleep 1000")

    def do(self, *args):
        r = subprocess.run([self.tmux, "-S", self.socket, "-f", "/dev/null", *args], capture_output=True, check=False, timeout=60)
        check(r.returncode == 0, f"tmux {args}: {r.stderr.decode()}")
        return r.stdout.decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([self.tmux, "-S", self.socket, "kill-server"], capture_output=True, check=False, timeout=60)

    def text(self, *options):
        return "\n".join(line.rstrip() for line in self.do("capture-pane", "-p", "-J", *options, "-t", "s").split("\n"))

    def keys(self, *keys):
        self.do("send-keys", "-t", "s", *keys)

    def typed(self, text):
        self.do("send-keys", "-t", "s", "-l", text)

    def until(self, what, why):
        """The screen, when that is so of it."""
        end = time.monotonic() + 60
        while not what(text := self.text()):
            check(time.monotonic() < end, f"{why}\n{text}")
            time.sleep(0.05)
        return text

    def shows(self, pattern, why=None):
        """Waits until the screen does."""
        return self.until(lambda text: re.search(pattern, text, re.M), f"{why or 'the screen'}: no {pattern!r} in")

    def lacks(self, pattern, why=None):
        self.until(lambda text: not re.search(pattern, text, re.M), f"{why or 'the screen'}: {pattern!r} is in")

    def resize(self, width, height):
        self.do("resize-window", "-t", "s", "-x", str(width), "-y", str(height))

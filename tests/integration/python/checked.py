"""checked - threads that compress, write and read texts, and compare, until there is a line on the input."""
import json
import os
import sys
import threading
import zlib

over = []
wrong = []


def work():
    while not over:
        text = json.dumps({"a": list(range(200)), "b": "x" * 500})
        if json.loads(text)["a"][199] != 199 or zlib.decompress(zlib.compress(text.encode())) != text.encode():
            wrong.append(text)


threads = [threading.Thread(target=work) for _ in range(4)]
for t in threads:
    t.start()
print("ready", os.getpid(), flush=True)
sys.stdin.readline()
over.append(1)
for t in threads:
    t.join()
print("bad" if wrong else "good")
sys.exit(5)

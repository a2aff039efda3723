# Python's functions in native stacks: what the interpreter does between them is left out.

# The stripped interpreter, an extension of its library's, one of the program's own; a thread; frames that an importer, a lambda and code without a name leave.
capture cap
	module exe /usr/bin/python3.11 main
	module json /usr/lib/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so
	module ext /opt/app/fast.cpython-311-x86_64-linux-gnu.so
	module libc /lib/x86_64-linux-gnu/libc.so.6
	module py "Python 3.11" made python
	frame start - 0 as=_start module=exe
	frame lsm - 0 as=__libc_start_main module=libc
	frame clone - 0 as=clone3 module=libc
	frame thread - 0 as=start_thread module=libc
	frame bootstrap - 0 as=pythread_wrapper module=exe
	frame pymain - 0 as=Py_BytesMain module=exe
	frame eval - 0 as=_PyEval_EvalFrameDefault module=exe
	frame vector - 0 as=PyObject_Vectorcall module=exe
	frame inner - 0 as=- module=exe
	frame scan - 0 as=scanner_call module=json
	frame fill /opt/app/fast.c 33 as=fill module=ext
	frame malloc - 0 as=malloc module=libc
	frame strdup - 0 as=strdup module=libc
	frame mod /home/u/app.py 40 as=<module> module=py
	frame handler /home/u/app.py 12 as=handler module=py
	frame lam /home/u/app.py 13 as=handler.<locals>.<lambda> module=py
	frame dec /usr/lib/python3.11/json/decoder.py 353 as=JSONDecoder.raw_decode module=py
	frame imp "<frozen importlib._bootstrap>" 241 as=_call_with_frames_removed module=py
	frame bad "/home/u/b\xe4d\n.py" 3 as="f\xff\x1b[31m" module=py
	frame mangled m.py 4 as=_Z3foov module=py
	frame unknown - 0 as="<unknown Python function>" module=py
	stack lambda malloc inner vector eval lam eval handler mod eval pymain lsm start
	stack json malloc inner scan vector eval dec handler mod eval pymain lsm start
	stack fast malloc fill vector eval handler mod eval pymain lsm start
	stack before malloc inner pymain lsm start
	stack import malloc eval bad imp mod eval pymain lsm start
	stack thread strdup eval unknown mangled eval bootstrap thread clone
	malloc 0x10000 10000 lambda
	malloc 0x20000 2000 json
	malloc 0x30000 3000 fast
	malloc 0x40000 400 before
	malloc 0x50000 500 import
	malloc 0x60000 600 thread

$ tracker-table cap
> /home/u/app.py:13: size=10000 B, count=1, average=10000 B
> /opt/app/fast.c:33: size=3000 B, count=1, average=3000 B
> /usr/lib/python3.11/json/decoder.py:353: size=2000 B, count=1, average=2000 B
> <unknown Python function> in Python 3.11:0: size=600 B, count=1, average=600 B
> /home/u/b\xe4d\x0a.py:3: size=500 B, count=1, average=500 B
> /usr/bin/python3.11:0: size=400 B, count=1, average=400 B

# Code that runs Python is below what counts, and so is what has started the interpreter.
$ tracker-table --cumulative --limit 3 cap
> /home/u/app.py:40: size=15.1 KiB, count=4, average=3875 B
> /home/u/app.py:12: size=14.6 KiB, count=3, average=5000 B
> /home/u/app.py:13: size=10000 B, count=1, average=10000 B

$ tracker-tree cap
> + 16.1 KiB (100.00 %) <ROOT>
> |-- + 15.1 KiB (93.94 %) <module>  app.py:40
> |   |-- + 14.6 KiB (90.91 %) handler  app.py:12
> |   |   |-- - 10000 B (60.61 %) handler.<locals>.<lambda>  app.py:13
> |   |   |-- - 3000 B (18.18 %) fill  fast.c:33
> |   |   `-- - 2000 B (12.12 %) JSONDecoder.raw_decode  decoder.py:353
> |   `-- - 500 B (3.03 %) f\xff\x1b[31m  b\xe4d\x0a.py:3
> |-- - 600 B (3.64 %) _Z3foov  m.py:4 > <unknown Python function>  Python 3.11
> `-- - 400 B (2.42 %) Py_BytesMain  python3.11 > <unknown>  python3.11

$ tracker-tree --no-skip --depth 0 cap | grep 'handler.*lambda'
> |   |   |   |   |-- - 10000 B (60.61 %) handler.<locals>.<lambda>  app.py:13 > _PyEval_EvalFrameDefault  python3.11 > PyObject_Vectorcall  python3.11 > <unknown>  python3.11 > malloc  libc.so.6

$ tracker-leaks --filter '+*/app.py' --filter '+*fast.c' cap
> Leaked: 12.7 KiB in 2 blocks from 2 stacks
> tracker run --leak-check tells which of these blocks can still be reached
>
> 10000 B in 1 block
>    at handler.<locals>.<lambda> (app.py:13)
>    by handler (app.py:12)
>    by <module> (app.py:40)
> 3000 B in 1 block
>    at fill (fast.c:33)
>    by handler (app.py:12)
>    by <module> (app.py:40)

$ tracker-leaks --filter '+*decoder.py' --json cap | python3 -c 'import json, sys; print(*json.load(sys.stdin)["rows"][0]["stack"], sep="\n")'
> {'file': '/usr/lib/python3.11/json/decoder.py', 'line': 353, 'function': 'JSONDecoder.raw_decode', 'module': 'Python 3.11'}
> {'file': '/home/u/app.py', 'line': 12, 'function': 'handler', 'module': 'Python 3.11'}
> {'file': '/home/u/app.py', 'line': 40, 'function': '<module>', 'module': 'Python 3.11'}

$ tracker-flamegraph --format folded -o - cap
> <module>;handler;handler.<locals>.<lambda> 10000
> <module>;handler;fill 3000
> <module>;handler;JSONDecoder.raw_decode 2000
> _Z3foov;<unknown Python function> 600
> <module>;f\xff\x1b[31m 500
> Py_BytesMain;python3.11+0x1090 400

$ tracker-stats -n 2 cap | grep -A 2 'locations (by size'
> Top 2 largest allocating locations (by size):
> 	- handler.<locals>.<lambda>:/home/u/app.py:13 -> 10000 B
> 	- fill:/opt/app/fast.c:33 -> 3000 B

$ tracker-report cap | grep -e '^Python' -e lambda
>   10000 B  61%       1 block   handler.<locals>.<lambda> (app.py:13)
>   10000 B  61%       1 block   handler.<locals>.<lambda> (app.py:13)

$ tracker-check --no-alloc-under 'JSONDecoder.*' cap
> FAIL --no-alloc-under JSONDecoder.*: allocations below it: 1, 2000 B
>   2000 B in 1 allocation
>    at JSONDecoder.raw_decode (decoder.py:353)
>    by handler (app.py:12)
>    by <module> (app.py:40)
! tracker-check: 1 of 1 checks failed
= 3

$ tracker-info cap | grep 'Python 3'
>   Python 3.11: functions of Python, symbols embedded (8 of 8 frames)

# Code of an extension without a name says less than the line that calls it.
capture nameless
	module exe /usr/bin/python3.11 main
	module ext /opt/array.so
	module py "Python 3.11" made python
	frame eval - 0 as=_PyEval_EvalFrameDefault module=exe
	frame call - 0 as=PyObject_Call module=exe
	frame new - 0 as="array.so!0x1000" module=ext
	frame inner - 0 as=- module=ext
	frame named - 0 as=array_append module=ext
	frame app /app.py 3 as=fill module=py
	stack new inner new call eval app eval
	stack append new named call eval app eval
	malloc 16 5000 new
	malloc 8016 4000 append

$ tracker-table nameless
> /app.py:3: size=5000 B, count=1, average=5000 B
> array_append in /opt/array.so:0: size=4000 B, count=1, average=4000 B

$ tracker-leaks nameless | grep ' at '
>    at fill (app.py:3) via array.so!0x1000
>    at array_append (in array.so) via array.so!0x1000

# Of an import, only the line that itself allocates; --no-skip shows all.
capture importing
	module exe /usr/bin/python3.11 main
	module py "Python 3.11" made python
	frame pymain - 0 as=Py_BytesMain module=exe
	frame eval - 0 as=_PyEval_EvalFrameDefault module=exe
	frame find "<frozen importlib._bootstrap>" 1178 as=_find_and_load module=py
	frame compile "<frozen importlib._bootstrap_external>" 729 as=_compile_bytecode module=py
	frame app /app.py 3 as=<module> module=py
	frame lib /lib.py 7 as=<module> module=py
	stack loaded eval compile find app eval pymain
	stack module eval lib eval compile find app eval pymain
	stack early eval compile find eval pymain
	malloc 16 5000 loaded
	malloc 8016 4000 module
	malloc 16016 1000 early

$ tracker-tree importing
> + 10000 B (100.00 %) <ROOT>
> |-- + 9000 B (90.00 %) <module>  app.py:3
> |   |-- - 5000 B (50.00 %) _compile_bytecode  <frozen importlib._bootstrap_external>:729
> |   `-- - 4000 B (40.00 %) <module>  lib.py:7
> `-- - 1000 B (10.00 %) _compile_bytecode  <frozen importlib._bootstrap_external>:729

$ tracker-tree --no-skip -n 1 --depth 0 importing | sed -n 2p
> `-- - 5000 B (50.00 %) Py_BytesMain  python3.11 > _PyEval_EvalFrameDefault  python3.11 > <module>  app.py:3 > _find_and_load  <frozen importlib._bootstrap>:1178 > _compile_bytecode  <frozen importlib._bootstrap_external>:729 > _PyEval_EvalFrameDefault  python3.11

$ tracker-stats -n 2 importing | grep -A 2 'locations (by size'
> Top 2 largest allocating locations (by size):
> 	- _compile_bytecode:<frozen importlib._bootstrap_external>:729 -> 6000 B
> 	- <module>:/lib.py:7 -> 4000 B

# A program that the interpreter was linked into has code of its own, below Python and above it. Of a cut stack the frames that are kept count.
capture embedded
	module app /usr/bin/blender main
	module py "Python 3.10" made python
	frame main /src/main.c 10 as=main module=app
	frame draw /src/draw.c 20 as=draw module=app
	frame run - 0 as=PyRun_String module=app
	frame eval - 0 as=_PyEval_EvalFrameDefault module=app
	frame call - 0 as=PyObject_Call module=app
	frame script script.py 5 as=<module> module=py
	stack native draw call eval script eval run main
	stack python call eval script eval run main
	view cut native 3
	malloc 16 1000 native
	malloc 2016 200 python
	malloc 4016 30 cut

$ tracker-tree embedded
> + 1230 B (100.00 %) <ROOT>
> |-- + 1200 B (97.56 %) main  main.c:10 > <module>  script.py:5
> |   `-- - 1000 B (81.30 %) draw  draw.c:20
> `-- - 30 B (2.44 %) <truncated stack>  <unknown> > _PyEval_EvalFrameDefault  blender > PyObject_Call  blender > draw  draw.c:20

$ tracker-table embedded
> /src/draw.c:20: size=1030 B, count=2, average=515 B
> script.py:5: size=200 B, count=1, average=200 B

# Of arenas, in which the interpreter keeps small objects, what they hold is not recorded. Not arenas: a mapping of another size, and one that an extension makes.
capture arenas
	module exe /usr/bin/python3.11 main
	module ext /opt/fast.so
	module py "Python 3.11" made python
	frame init - 0 as=init module=exe
	frame eval - 0 as=_PyEval_EvalFrameDefault module=exe
	frame arena - 0 as=_PyObject_Arena module=exe
	frame big - 0 as=new_mmap_object module=exe
	frame fill /opt/fast.c 7 as=fill module=ext
	frame mod /app.py 4 as=<module> module=py
	stack first arena init
	stack more arena eval mod eval init
	stack big big eval mod eval init
	stack other fill eval mod eval init
	mmap 0x100000 1048576 first
	mmap 0x1000000 1048576 more
	mmap 0x2000000 1048576 more
	mmap 0x3000000 524288 big
	mmap 0x4000000 1048576 other
	malloc 0x10 1000 more

$ tracker-table arenas
> /app.py:4: size=2561 KiB, count=4, average=640 KiB
> _PyObject_Arena in /usr/bin/python3.11:0: size=1024 KiB, count=1, average=1024 KiB
> /opt/fast.c:7: size=1024 KiB, count=1, average=1024 KiB
! tracker-table: arenas: 67 % of the bytes are 3 arenas of Python's small objects; --trace-python-allocators shows each object

$ tracker-leaks --filter '+*app.py' arenas 2>&1 >/dev/null
> tracker-leaks: arenas: 80 % of the bytes are 2 arenas of Python's small objects; --trace-python-allocators shows each object

$ tracker-summary --json --filter '+*fast.c' arenas | grep -A 3 python_arenas
>   "python_arenas": {
>     "bytes": 0,
>     "count": 0
>   },

$ tracker-report arenas 2>&1 | grep -A 1 ^Python
> Python: 67 % of the bytes are 3 arenas of Python's small objects;
>   --trace-python-allocators shows each object

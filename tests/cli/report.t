# tracker-report: one screen, to the byte; and the same for programs.

capture cap
	module app /usr/bin/server main
	module lib /usr/lib/libother.so.1
	frame main /src/server/main.c 10 as=main module=app
	frame open /src/server/session.c 23 as=session_open module=app
	frame parse /src/server/parse.c 7 as=parse module=app
	frame names - 0 as=keep_names module=lib
	frame long /src/server/a_file_whose_name_is_rather_long_for_a_line_of_a_report.c 99 as=a_function_whose_name_is_rather_long_for_a_line_of_a_report module=app
	stack open open main
	stack parse parse main
	stack names names main
	stack long long open main
	process 0 pid=100 name=server args="server\0--port\080\0" end=9s signal=2
	process 1 pid=101 parent=0 fork name=helper end=3s exit=1
	thread 0 process=0 tid=100 main
	thread 1 process=1 tid=101 main
	malloc 16 5000 open
	at 1s
	rss 0 70000
	malloc 32 3000 names
	malloc 48 10 parse
	free 48
	malloc 48 20 parse
	free 48
	at 2s
	rss 0 1048576
	malloc 48 2000 long
	in 1
	malloc 16 100 parse
	in 0
	free 32

$ tracker-report cap
> server --port 80 (pid 100)
> ended by SIGINT, as Ctrl-C sends it, after 9.000 s; 1 more process, 1 failed
> 
> Peak: 10000 B in 3 blocks at 2.000 s; RSS 1024 KiB           tracker summary cap
>    5000 B  50%       1 block   session_open (session.c:23) from main
>    3000 B  30%       1 block   keep_names (libother.so.1) from main
>    2000 B  20%       1 block   a_functio...a_report (a_file_whos..._report.c:99)
> 
> Not freed: 7100 B in 3 blocks                                  tracker leaks cap
>   100 B in 1 block leaked, 7000 B in 2 blocks live when SIGINT ended it
>    5000 B  70%       1 block   session_open (session.c:23) from main
>    2000 B  28%       1 block   a_functio...a_report (a_file_whos..._report.c:99)
>     100 B   1%       1 block   parse (parse.c:7) from main
> Temporary: 2 of 6 allocations (33 %)                       tracker temporary cap
>   2 by parse (parse.c:7) from main
> Nothing grows steadily                                        tracker growth cap
> All of it as a page:                                      tracker flamegraph cap

# A point, one process, and all of it for programs.
$ tracker-report cap@1s | sed -n 4,6p
> At 1s: 8000 B in 2 blocks at 1.000 s; RSS 68.4 KiB        tracker summary cap@1s
>    5000 B  62%       1 block   session_open (session.c:23) from main
>    3000 B  38%       1 block   keep_names (libother.so.1) from main

$ tracker-report --pid 101 cap | head -n 5
> helper (pid 101)
> exited with status 1 after 3.000 s
> 
> Peak: 100 B in 1 block at 2.000 s                            tracker summary cap
>     100 B 100%       1 block   parse (parse.c:7) from main

$ tracker-report --json cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["program"]); print(r["point"]); print([(x["function"], x["file"], x["line"], x["caller"], x["size"], x["count"]) for x in r["holders"]]); print(r["not_freed"]); print(r["temporary"], r["notes"])'
> {'pid': 100, 'name': 'server', 'title': None, 'command_line': 'server --port 80', 'end': 'ended by SIGINT, as Ctrl-C sends it, after 9.000 s', 'status': None, 'signal': 2, 'ended': True, 'duration_ns': 9000000000, 'processes': 2, 'others_killed': 0, 'others_failed': 1}
> {'name': 'peak', 'time_ns': 2000000000, 'size': 10000, 'count': 3, 'rss_bytes': 1048576}
> [('session_open', '/src/server/session.c', 23, 'main', 5000, 1), ('keep_names', '/usr/lib/libother.so.1', 0, 'main', 3000, 1), ('a_function_whose_name_is_rather_long_for_a_line_of_a_report', '/src/server/a_file_whose_name_is_rather_long_for_a_line_of_a_report.c', 99, 'session_open', 2000, 1)]
> {'leaked_size': 100, 'leaked_count': 1, 'killed_size': 7000, 'killed_count': 2, 'running_size': 0, 'running_count': 0, 'signal': 2}
> {'threshold': 1, 'count': 2, 'size': 30} []

$ tracker-report --csv cap | grep -c "^holders\.[0-3]\.size,"
> 3

$ tracker-report cap@1s..2s
= 2
! tracker-report: a range (CAPTURE@A..B) is not allowed; tracker diff cap shows what grew between two points; try 'tracker report --help'


# CPython whose own functions are named by nobody, and one that names them (-X perf); a tenth of the bytes must be its own.
capture old
	module py /usr/bin/python3.11 main
	frame eval - 0 as=_PyEval_EvalFrameDefault module=py
	stack eval eval
	malloc 16 1000 eval

capture new
	module app /usr/bin/app main
	module py /usr/lib/libpython3.12.so.1.0
	frame main /src/main.c 10 as=main module=app
	frame eval - 0 as=_PyEval_EvalFrameDefault module=py
	frame list - 0 as=PyList_New module=py
	stack eval eval main
	stack list list eval main
	stack main main
	malloc 16 200 list
	malloc 32 1500 main

capture little
	module app /usr/bin/app main
	module py /usr/lib/libpython3.12.so.1.0
	frame main /src/main.c 10 as=main module=app
	frame eval - 0 as=_PyEval_EvalFrameDefault module=py
	stack eval eval main
	stack main main
	malloc 16 10 eval
	malloc 32 1500 main

capture named
	module py /usr/bin/python3.12 main
	module trampolines - made
	frame eval - 0 as=_PyEval_EvalFrameDefault module=py
	frame fill - 0 as=py::fill:/src/a.py module=trampolines
	stack fill fill
	stack eval eval fill
	malloc 16 1000 eval

$ tracker-report old | grep ^Python
> Python: 3.11 cannot name its functions; 3.12 and later can (python3 -X perf)

$ tracker-report new | grep ^Python
> Python: its functions get names by python3 -X perf, or PYTHONPERFSUPPORT=1

$ tracker-report little | grep -c ^Python
> 0
= 1

$ tracker-report named | grep -c ^Python
> 0
= 1

# A function whose name says that it allocates, and that three others call, is not who asked for the memory; one that only main
# calls is.
capture wrapped
	module app /bin/app main
	frame main /src/main.c 10 as=main module=app
	frame x /src/util.c 5 as=xmalloc module=app
	frame zalloc /src/util.c 9 as=zalloc module=app
	frame a /src/a.c 1 as=a module=app
	frame b /src/b.c 2 as=b module=app
	frame c /src/c.c 3 as=c module=app
	frame own /src/own.c 4 as=alloc_table module=app
	stack a x a main
	stack b x zalloc b main
	stack c x c main
	stack d x zalloc c main
	stack own own main
	malloc 16 600 a
	malloc 32 500 b
	malloc 48 400 c
	malloc 64 50 own
	malloc 80 40 d

$ tracker-report wrapped | sed -n '/^Leaked/,/^Temp/p' | head -n 6
> Leaked: 1590 B in 5 blocks                                 tracker leaks wrapped
>     600 B  38%       1 block   a (a.c:1) via xmalloc from main
>     540 B  34%       2 blocks  zalloc (util.c:9) via xmalloc from b
>     400 B  25%       1 block   c (c.c:3) via xmalloc from main
>      50 B   3%       1 block   alloc_table (own.c:4) from main
> Temporary: 0 of 5 allocations (0 %)                    tracker temporary wrapped

$ tracker-report --json wrapped | python3 -c 'import json, sys; print([(x["function"], x["via"], x["size"]) for x in json.load(sys.stdin)["holders"]])'
> [('a', 'xmalloc', 600), ('zalloc', 'xmalloc', 540), ('c', 'xmalloc', 400), ('alloc_table', None, 50)]

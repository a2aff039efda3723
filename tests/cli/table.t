# tracker-table: points, titles, stacks, lists, JSON and wrong usage.

# FEATURES 8.2, example 5.
capture five
	frame l10 /src/tracFive.c 10
	frame l4 /src/tracFive.c 4
	frame main /src/tracFive.c 30
	stack s10 l10 main
	stack s4 l4 main
	malloc a 500 s10
	malloc b 44 s10
	track 5 c 6000 s10
	malloc d 100 s4

$ tracker-table five
> /src/tracFive.c:10: size=6544 B, count=3, average=2181 B
> /src/tracFive.c:4: size=100 B, count=1, average=100 B

$ tracker-table --filter +domain=0 five
> /src/tracFive.c:10: size=544 B, count=2, average=272 B
> /src/tracFive.c:4: size=100 B, count=1, average=100 B

$ tracker-table --filter -domain=0 five
> /src/tracFive.c:10: size=6000 B, count=1, average=6000 B

# The pattern is for the whole path.
$ tracker-table --filter +tracFive.c five

$ tracker-table --filter -tracFive.c five
> /src/tracFive.c:10: size=6544 B, count=3, average=2181 B
> /src/tracFive.c:4: size=100 B, count=1, average=100 B

# Ties: equal in size and count, files go backwards, lines as numbers.
capture ties
	frame c1 c.c 1
	frame b1 b.c 1
	frame a10 a.c 10
	frame a2 a.c 2
	frame z9 z.c 9
	stack c1 c1
	stack b1 b1
	stack a10 a10
	stack a2 a2
	stack z9 z9
	malloc 4096 10 a2
	malloc 8192 10 a10
	malloc 12288 10 b1
	malloc 16384 10 c1
	malloc 20480 9 z9

$ tracker-table ties
> c.c:1: size=10 B, count=1, average=10 B
> b.c:1: size=10 B, count=1, average=10 B
> a.c:10: size=10 B, count=1, average=10 B
> a.c:2: size=10 B, count=1, average=10 B
> z.c:9: size=9 B, count=1, average=9 B

$ tracker-table -n 2 --title ties
> [ Top 2 ]
> c.c:1: size=10 B, count=1, average=10 B
> b.c:1: size=10 B, count=1, average=10 B

$ tracker-table --title -n 10 --filter +nothing ties
> [ Top 10 ]

# More than ten rows: ten are shown unless asked otherwise.
capture many
	frame f1 m.c 1
	frame f2 m.c 2
	frame f3 m.c 3
	frame f4 m.c 4
	frame f5 m.c 5
	frame f6 m.c 6
	frame f7 m.c 7
	frame f8 m.c 8
	frame f9 m.c 9
	frame f10 m.c 10
	frame f11 m.c 11
	frame f12 m.c 12
	stack s1 f1
	stack s2 f2
	stack s3 f3
	stack s4 f4
	stack s5 f5
	stack s6 f6
	stack s7 f7
	stack s8 f8
	stack s9 f9
	stack s10 f10
	stack s11 f11
	stack s12 f12
	malloc 4096 1 s1
	malloc 8192 2 s2
	malloc 12288 3 s3
	malloc 16384 4 s4
	malloc 20480 5 s5
	malloc 24576 6 s6
	malloc 28672 7 s7
	malloc 32768 8 s8
	malloc 36864 9 s9
	malloc 40960 10 s10
	malloc 45056 11 s11
	malloc 49152 12 s12

$ tracker-table many | wc -l
> 10

$ tracker-table -n 0 many | wc -l
> 12

$ tracker-table -n 100 many | tail -n 1
> m.c:1: size=1 B, count=1, average=1 B

$ tracker-table -n 1 many | head -n 1
> m.c:12: size=12 B, count=1, average=12 B

# Points. The peak is 30 bytes, after the second malloc.
capture points
	thread 0 tid=1000 name=test main
	frame w work.c 3
	frame x work.c 8
	stack w w
	stack x x
	at 1s
	malloc a 10 w
	mark first
	at 2s
	malloc b 20 x
	mark second
	at 3s
	free a
	free b
	at 4s
	malloc c 5 w

$ tracker-table points
> work.c:8: size=20 B, count=1, average=20 B
> work.c:3: size=10 B, count=1, average=10 B

$ tracker-table points@peak
> work.c:8: size=20 B, count=1, average=20 B
> work.c:3: size=10 B, count=1, average=10 B

$ tracker-table points@end
> work.c:3: size=5 B, count=1, average=5 B

$ tracker-table points@first
> work.c:3: size=10 B, count=1, average=10 B

$ tracker-table points@#2
> work.c:8: size=20 B, count=1, average=20 B
> work.c:3: size=10 B, count=1, average=10 B

$ tracker-table points@1.5s
> work.c:3: size=10 B, count=1, average=10 B

$ tracker-table points@first..second
> work.c:8: size=20 B, count=1, average=20 B

$ tracker-table --leaks points
> work.c:3: size=5 B, count=1, average=5 B

$ tracker-table --allocations points
> work.c:8: size=20 B, count=1, average=20 B
> work.c:3: size=15 B, count=2, average=8 B

$ tracker-table --temporary-allocation-threshold 0 points
> work.c:8: size=20 B, count=1, average=20 B

$ tracker-table --temporary-allocations points
> work.c:8: size=20 B, count=1, average=20 B
> work.c:3: size=10 B, count=1, average=10 B

# Key types. work() allocates through malloc, which is not the line that wanted it.
capture keys
	module app /bin/app main
	module lib /lib/x.so
	process 0 pid=100 name=app
	thread 0 tid=100 name=app main
	thread 1 tid=101 name=pool
	frame malloc - 0 as=malloc module=app
	frame work /src/a.c 9 as=work module=app
	frame rec /src/a.c 10 as=work module=app
	frame main /src/b.c 4 as=main module=app
	frame start - 0 as=_start module=app
	frame other - 0 as=- module=lib
	stack direct malloc main start
	stack once malloc work main start
	stack twice malloc work rec rec main start
	stack blind other main start
	malloc a 100 direct
	malloc b 40 once
	in 1
	malloc c 40 twice
	malloc d 7 blind

$ tracker-table keys
> /src/b.c:4: size=100 B, count=1, average=100 B
> /src/a.c:9: size=80 B, count=2, average=40 B
> /lib/x.so:0: size=7 B, count=1, average=7 B

$ tracker-table --no-skip keys
> malloc in /bin/app:0: size=180 B, count=3, average=60 B
> /lib/x.so:0: size=7 B, count=1, average=7 B

$ tracker-table --skip-frame 'wor?' keys
> /src/b.c:4: size=180 B, count=3, average=60 B
> /lib/x.so:0: size=7 B, count=1, average=7 B

$ tracker-table -g filename --cumulative keys
> /src/b.c:0: size=187 B, count=4, average=47 B
> /bin/app:0: size=187 B, count=4, average=47 B
> /src/a.c:0: size=80 B, count=2, average=40 B
> /lib/x.so:0: size=7 B, count=1, average=7 B

# A function that calls itself counts once.
$ tracker-table -g function --cumulative keys
> main: size=187 B, count=4, average=47 B
> _start: size=187 B, count=4, average=47 B
> work: size=80 B, count=2, average=40 B
> <unknown> in /lib/x.so: size=7 B, count=1, average=7 B

$ tracker-table -g function keys
> main: size=100 B, count=1, average=100 B
> work: size=80 B, count=2, average=40 B
> <unknown> in /lib/x.so: size=7 B, count=1, average=7 B

$ tracker-table -g module keys
> /bin/app: size=180 B, count=3, average=60 B
> /lib/x.so: size=7 B, count=1, average=7 B

$ tracker-table -g thread keys
> 0x64 (app): size=140 B, count=2, average=70 B
> 0x65 (pool): size=47 B, count=2, average=24 B

$ tracker-table -g size keys
> 100 B: size=100 B, count=1, average=100 B
> 40 B: size=80 B, count=2, average=40 B
> 7 B: size=7 B, count=1, average=7 B

$ tracker-table --list keys
> /src/b.c:4: 100 B, malloc at 0x100000 by 0x64 (app), 0.000 s old
> /src/a.c:9: 40 B, malloc at 0x200000 by 0x64 (app), 0.000 s old
> /src/a.c:9: 40 B, malloc at 0x300000 by 0x65 (pool), 0.000 s old
> /lib/x.so:0: 7 B, malloc at 0x400000 by 0x65 (pool), 0.000 s old

$ tracker-table --list -n 1 --filter -/src/b.c keys
> /src/a.c:9: 40 B, malloc at 0x200000 by 0x64 (app), 0.000 s old

# Ages at points; a block that a realloc gave a new address is young again. The peak: 10 + 60.
capture ages
	process 0 pid=100 name=app
	thread 0 tid=100 main
	malloc 0x1000 10
	after 1ms
	malloc 0x2000 20
	mark one
	after 2ms
	realloc 0x2000 0x3000 60
	after 4ms
	free 0x3000
	calloc 0x4000 30

$ for p in one end one.. '#1..peak' 0%; do tracker-table --list ages@$p; echo "-- $p"; done; tracker-table --list ages
> <unknown>:0: 20 B, malloc at 0x2000 by 0x64 (app), 0.000 s old
> <unknown>:0: 10 B, malloc at 0x1000 by 0x64 (app), 0.001 s old
> -- one
> <unknown>:0: 30 B, calloc at 0x4000 by 0x64 (app), 0.000 s old
> <unknown>:0: 10 B, malloc at 0x1000 by 0x64 (app), 0.007 s old
> -- end
> <unknown>:0: 30 B, calloc at 0x4000 by 0x64 (app), 0.000 s old
> -- one..
> <unknown>:0: 60 B, realloc at 0x3000 by 0x64 (app), 0.000 s old
> -- #1..peak
> -- 0%
> <unknown>:0: 60 B, realloc at 0x3000 by 0x64 (app), 0.000 s old
> <unknown>:0: 10 B, malloc at 0x1000 by 0x64 (app), 0.003 s old

$ tracker-table --list --leaks ages
> <unknown>:0: 30 B, calloc at 0x4000 by 0x64 (app), 0.000 s old
> <unknown>:0: 10 B, malloc at 0x1000 by 0x64 (app), 0.007 s old

$ tracker-table --list --allocations ages
> <unknown>:0: 60 B, realloc by 0x64 (app)
> <unknown>:0: 30 B, calloc by 0x64 (app)
> <unknown>:0: 20 B, malloc by 0x64 (app)
> <unknown>:0: 10 B, malloc by 0x64 (app)

$ tracker-table --list --json ages@one | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["point"]["time_ns"]); print([(b["size"], b["address"], b["time_ns"], b["age_ns"], b["pid"], b["tid"]) for b in r["blocks"]])'
> 1000000
> [(20, 8192, 1000000, 0, 100, 100), (10, 4096, 0, 1000000, 100, 100)]

# Two blocks that are alike are two objects. A child that ended before the point is not in memory.
capture alike
	process 0 pid=100 name=app end=5ms
	process 1 pid=101 parent=0 name=child end=1ms
	thread 0 tid=100 main
	thread 1 process=1 tid=101 main
	malloc a 8
	malloc b 8
	in 1
	malloc c 9
	in 0
	after 2ms
	malloc d 8

$ for p in "" @end; do tracker-table --list --json alike$p | python3 -c 'import json, sys; print([(b["size"], b["count"], b["pid"]) for b in json.load(sys.stdin)["blocks"]])'; done
> [(9, 1, 101), (8, 1, 100), (8, 1, 100)]
> [(9, 1, 101), (8, 1, 100), (8, 1, 100), (8, 1, 100)]

# The child is over at 1 ms, whenever the next event is.
$ for p in 0.5ms 1ms 1.5ms 2ms 3ms; do tracker-table --json alike@$p 2>&1 | python3 -c 'import json, sys; print(json.load(sys.stdin)["total_size"])'; done
> 25
> 16
> 16
> 24
> 24

$ tracker-table -g traceback -n 1 --traceback keys
> /src/b.c:4: size=100 B, count=1, average=100 B
>   File "/bin/app", line 0
>   File "/src/b.c", line 4

$ tracker-table -g traceback --filter '+/src/a.c' --traceback --most-recent-first --functions -n 1 keys
> /src/a.c:9: size=40 B, count=1, average=40 B
>   File "/src/a.c", line 9, in work
>   File "/src/a.c", line 10, in work
>   File "/src/a.c", line 10, in work
>   File "/src/b.c", line 4, in main
>   File "/bin/app", line 0, in _start

$ tracker-table -g traceback --filter '+/src/a.c' --traceback=-2 -n 1 keys
> /src/a.c:9: size=40 B, count=1, average=40 B
>   File "/bin/app", line 0
>   File "/src/b.c", line 4

$ tracker-table -g traceback --filter '+/src/a.c' --traceback 1 -n 1 keys
> /src/a.c:9: size=40 B, count=1, average=40 B
>   File "/src/a.c", line 9

# Source lines, of files that everybody may read.
file source.c
	int main(void)
	{
		 return !malloc(1024);  
	}

capture source
	frame main {pwd}/source.c 3
	frame none - 0 as=-
	stack main main
	malloc 4096 1024 main
	malloc 8192 2048 main
	malloc 12288 512

$ tracker-table --traceback -n 1 source
> {pwd}/source.c:3: size=3072 B, count=2, average=1536 B
>   File "{pwd}/source.c", line 3
>     return !malloc(1024);

$ tracker-table --pretty source
> Top 10 lines
>~ #1: [^/]+/source.c:3: 3.0 KiB
>     return !malloc(1024);
> Total allocated size: 3.0 KiB

$ tracker-table --pretty -g traceback source
> Top 10 stacks
> 2 memory blocks: 3.0 KiB
>   File "{pwd}/source.c", line 3
>     return !malloc(1024);
> Total allocated size: 3.0 KiB

$ tracker-table --pretty -n 2 many
> Top 2 lines
> #1: m.c:12: 0.0 KiB
> #2: m.c:11: 0.0 KiB
> 10 other: 0.1 KiB
> Total allocated size: 0.1 KiB

$ tracker-table --pretty --confidential-files none -n 1 source | grep -c malloc
> 0
= 1

# A file that others may not read: its lines only when they are asked for.
$ chmod 600 source.c; tracker-table --traceback --functions -n 1 source
> {pwd}/source.c:3: size=3072 B, count=2, average=1536 B
>   File "{pwd}/source.c", line 3, in main

$ for which in default all none; do tracker-table --traceback --confidential-files $which -n 1 source; done | grep -c malloc
> 1

$ for which in default all none; do tracker-table --pretty --confidential-files $which -n 1 source; done | grep -c malloc
> 1

$ for which in default all none; do tracker-diff --traceback --confidential-files $which -n 1 source source@end; done | grep -c malloc
> 1

$ tracker-table --traceback --confidential-files some source
! tracker-table: argument --confidential-files: invalid choice some; use default, all or none; try 'tracker table --help'
= 2

$ tracker-table --confidential-files none source
! tracker-table: argument --confidential-files: only allowed with --traceback or --pretty; try 'tracker table --help'
= 2

# JSON.
$ tracker-table --json -n 1 five | python3 -c 'import json, sys; r = json.load(sys.stdin); r.pop("capture"); print(json.dumps(r))'
> {"schema": "tracker.table", "schema_version": 1, "complete": true, "incomplete": null, "point": {"name": "peak", "time_ns": 0}, "group_by": "lineno", "cumulative": false, "total_size": 6644, "total_count": 4, "domains": [{"domain": 0, "count": 3, "size": 644, "name": "heap"}, {"domain": 5, "count": 1, "size": 6000, "name": null}], "row_count": 2, "rows": [{"key": "/src/tracFive.c:10", "file": "/src/tracFive.c", "line": 10, "size": 6544, "count": 3}]}

$ tracker-table --json -g traceback --filter +/src/a.c -n 1 keys | python3 -c 'import json, sys; print([(f["function"], f["line"]) for f in json.load(sys.stdin)["rows"][0]["traceback"]])'
> [('work', 9), ('work', 10), ('work', 10), ('main', 4), ('_start', 0)]

$ tracker-table --json --list keys | python3 -c 'import json, sys; print([(b["file"], b["size"], b["count"], b["allocator"], b["tid"]) for b in json.load(sys.stdin)["blocks"]])'
> [('/src/b.c', 100, 1, 'malloc', 100), ('/src/a.c', 40, 1, 'malloc', 100), ('/src/a.c', 40, 1, 'malloc', 101), ('/lib/x.so', 7, 1, 'malloc', 101)]

# Output files.
$ tracker-table -o out five && cat out
> /src/tracFive.c:10: size=6544 B, count=3, average=2181 B
> /src/tracFive.c:4: size=100 B, count=1, average=100 B

$ tracker-table -o out five@end
! tracker-table: File already exists, will not overwrite without --force: out
= 1

$ tracker-table -f -n 1 -o out five && cat out; ls -A | grep -c '^\.'
> /src/tracFive.c:10: size=6544 B, count=3, average=2181 B
> 0
= 1

$ tracker-table five -n 1 -o /dev/stdout
> /src/tracFive.c:10: size=6544 B, count=3, average=2181 B

$ tracker-table five > /dev/full
! tracker-table: cannot write standard output: No space left on device
= 1

$ tracker-table -o nowhere/out five
! tracker-table: cannot create nowhere/out: No such file or directory
= 1

# A reader that has gone: silent, as other tools are; ended by SIGPIPE unless that is ignored.
$ (sleep 0.3; tracker-table -n 0 many; echo $? >&2) | true
! 141

$ (trap '' PIPE; sleep 0.3; tracker-table -n 0 many; echo $? >&2) | true
! 1

# Wrong usage.
$ tracker-table
! tracker-table: missing operand: tracker table [options] CAPTURE[@POINT]; try 'tracker table --help'
= 2

$ tracker-table five keys
! tracker-table: unexpected operand keys; try 'tracker table --help'
= 2

$ tracker-table --group-by bogus five
! tracker-table: unknown key_type: 'bogus'; try 'tracker table --help'
= 2

$ tracker-table --group-by traceback --cumulative five
! tracker-table: cumulative mode cannot be used with key type 'traceback'; try 'tracker table --help'
= 2

$ tracker-table --filter five keys
! tracker-table: argument --filter: five is an invalid filter; use (+|-)PATTERN[:LINE][,all_frames][,domain=N]; try 'tracker table --help'
= 2

$ tracker-table --filter '' keys
! tracker-table: argument --filter: "" is an invalid filter; use (+|-)PATTERN[:LINE][,all_frames][,domain=N]; try 'tracker table --help'
= 2

$ tracker-table --domain '' five
! tracker-table: argument --domain: "" is an invalid filter; use the number or the name of a domain; try 'tracker table --help'
= 2

$ tracker-table --leaks --temporary-allocations five
! tracker-table: argument --leaks: not allowed with argument --temporary-allocations; try 'tracker table --help'
= 2

# Nothing is left behind by a usage error that is found after the output was opened.
$ tracker-report -o late five@10%..20%; ls -A | grep -e late -e '^.tracker'
! tracker-report: a range (CAPTURE@A..B) is not allowed; tracker diff five shows what grew between two points; try 'tracker report --help'
= 1

$ tracker-table --leaks five > leaks; tracker-table --leaks five@end | diff leaks - && tracker-table five@end | diff leaks -

capture marked
	malloc a 10
	mark one
	free a
	malloc b 20
	mark two
	malloc c 40

$ for p in one two end one..two two.. ..one; do tracker-table --allocations marked@$p; done
> <unknown>:0: size=10 B, count=1, average=10 B
> <unknown>:0: size=30 B, count=2, average=15 B
> <unknown>:0: size=70 B, count=3, average=23 B
> <unknown>:0: size=20 B, count=1, average=20 B
> <unknown>:0: size=40 B, count=1, average=40 B
> <unknown>:0: size=10 B, count=1, average=10 B

# The block is freed after "one": until then it is not temporary.
$ for p in one two one..two; do tracker-table --temporary-allocations marked@$p; echo "-- $p"; done
> -- one
> <unknown>:0: size=10 B, count=1, average=10 B
> -- two
> -- one..two

$ tracker-table --allocations --json marked@two | python3 -c 'import json, sys; print(json.load(sys.stdin)["point"]["name"])'
> all allocations until mark two

$ tracker-table -n x five
! tracker-table: argument -n/--limit: x is an invalid non-negative int value; try 'tracker table --help'
= 2

$ tracker-table --traceback=x five
! tracker-table: argument --traceback: x is an invalid int value; try 'tracker table --help'
= 2

$ tracker-table --list --pretty five
! tracker-table: argument --list: not allowed with argument --pretty; try 'tracker table --help'
= 2

# What cannot be read.
$ tracker-table nothing
! tracker-table: No such file: nothing
= 1

$ tracker-table five@nowhere
!~ tracker-table: .*nowhere.*
= 1

# Recorded without names, and the file is not the one that was recorded.
capture rebuilt
	module app /bin/sh build-id=00ff01 main
	frame f - 0 module=app bare
	stack s f
	malloc 16 1 s

$ tracker-table rebuilt
> /bin/sh:0: size=1 B, count=1, average=1 B
! tracker-table: warning: /bin/sh: binary changed since capture (its build-id differs), so its names are left out; run tracker symbolize where the recorded binary is

# A mark whose label looks like another point.
capture odd
	malloc a 1
	mark end
	malloc b 2
	mark peak
	malloc c 4
	mark 1.5s
	malloc d 8
	mark "#3"
	malloc e 16
	mark 50%
	malloc f 32
	mark =x
	malloc g 64

$ for p in end peak 1.5s '#3' 50% =x; do tracker-table --json "odd@=$p" | python3 -c 'import json, sys; r = json.load(sys.stdin); print(sum(x["size"] for x in r["rows"]), r["point"]["name"])'; done
> 1 mark end
> 3 mark peak
> 7 mark 1.5s
> 15 mark #3
> 31 mark 50%
> 63 mark =x

$ tracker-table --json "odd@=end..=50%" | python3 -c 'import json, sys; r = json.load(sys.stdin); print(sum(x["size"] for x in r["rows"]))'
> 30

$ tracker-table odd@=
! tracker-table: odd@=: the label after @= is missing
= 1

# Options that would change nothing are refused, in one line.
$ for o in "--list --title" "--list -g size" "--json --pretty" "--json --title" "--most-recent-first" "--functions" "--json --traceback --functions" "--no-skip --skip-frame x"; do tracker-table $o odd; echo $?; done 2>&1
> tracker-table: argument --list: not allowed with argument --title; try 'tracker table --help'
> 2
> tracker-table: argument --list: not allowed with argument --group-by; try 'tracker table --help'
> 2
> tracker-table: argument --json: not allowed with argument --pretty; try 'tracker table --help'
> 2
> tracker-table: argument --json: not allowed with argument --title; try 'tracker table --help'
> 2
> tracker-table: argument --most-recent-first: only allowed with --traceback; try 'tracker table --help'
> 2
> tracker-table: argument --functions: only allowed with --traceback; try 'tracker table --help'
> 2
> tracker-table: argument --json: not allowed with argument --functions; try 'tracker table --help'
> 2
> tracker-table: argument --no-skip: not allowed with argument --skip-frame; try 'tracker table --help'
> 2

$ for o in "diff --json --title odd" "diff --functions odd" "stats --buckets -n 5" "stats --buckets --no-skip" "flamegraph --json --metric count" "flamegraph --format folded --max-nodes 5" "dump --header --stacks -o x" "summary --no-skip --skip-frame x"; do tracker-$o odd > out; echo $?; done 2>&1
> tracker-diff: argument --json: not allowed with argument --title; try 'tracker diff --help'
> 2
> tracker-diff: argument --functions: only allowed with --traceback; try 'tracker diff --help'
> 2
> tracker-stats: argument --buckets: not allowed with argument --limit; try 'tracker stats --help'
> 2
> tracker-stats: argument --buckets: not allowed with argument --no-skip; try 'tracker stats --help'
> 2
> tracker-flamegraph: argument --json: not allowed with argument --metric; try 'tracker flamegraph --help'
> 2
> tracker-flamegraph: argument --format folded: not allowed with argument --max-nodes; try 'tracker flamegraph --help'
> 2
> tracker-dump: argument --header: not allowed with argument --stacks; try 'tracker dump --help'
> 2
> tracker-summary: argument --no-skip: not allowed with argument --skip-frame; try 'tracker summary --help'
> 2

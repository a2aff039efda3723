# tracker-diff: two captures, gates, JSON and wrong usage.

# The same program before and after a change: its lines moved, its addresses are others.
capture before
	header id=1
	process 0 pid=10 name=app
	thread 0 tid=10 name=app main
	thread 1 tid=11 name=pool
	frame work a.c 10 as=work
	frame idle a.c 20 as=idle
	frame main a.c 30 as=main
	stack work work main
	stack idle idle main
	malloc 4096 1000 work
	in 1
	malloc 8192 50 idle

capture after
	header id=2
	process 0 pid=20 name=app
	thread 0 tid=20 name=app main
	thread 1 tid=21 name=pool
	frame work a.c 12 as=work
	frame idle a.c 22 as=idle
	frame main a.c 32 as=main
	stack work work main
	stack idle idle main
	malloc 0x40000 1000 work
	malloc 0x50000 24 work
	in 1
	malloc 0x60000 50 idle

$ tracker-diff before after
> a.c:12: size=1024 B (+1024 B), count=2 (+2), average=512 B
> a.c:10: size=0 B (-1000 B), count=0 (-1)
> a.c:22: size=50 B (+50 B), count=1 (+1), average=50 B
> a.c:20: size=0 B (-50 B), count=0 (-1)

$ tracker-diff -g function before after
> work: size=1024 B (+24 B), count=2 (+1), average=512 B
> idle: size=50 B (+0 B), count=1 (+0), average=50 B

$ tracker-diff -g function --changed-only before after
> work: size=1024 B (+24 B), count=2 (+1), average=512 B

# Threads of two runs have other numbers, but the same names.
$ tracker-diff -g thread before after
> app: size=1024 B (+24 B), count=2 (+1), average=512 B
> pool: size=50 B (+0 B), count=1 (+0), average=50 B

$ tracker-diff -g function --cumulative -n 1 --title before after
> [ Top 1 differences ]
> main: size=1074 B (+24 B), count=3 (+1), average=358 B

$ tracker-diff -g function -n 1 --traceback before after
> work: size=1024 B (+24 B), count=2 (+1), average=512 B
>   File "a.c", line 32
>   File "a.c", line 12

# What is gone shows the stack that it had.
$ tracker-diff -n 1 --traceback --filter-new '-a.c:12' --filter '-a.c:2?' before after
> a.c:10: size=0 B (-1000 B), count=0 (-1)
>   File "a.c", line 30
>   File "a.c", line 10

# The gate.
$ tracker-diff -g function -n 1 --fail-above 23 before after
> work: size=1024 B (+24 B), count=2 (+1), average=512 B
! tracker-diff: grew by 24 B, more than the 23 B that --fail-above allows
= 3

$ tracker-diff -g function -n 1 --fail-above 24 before after
> work: size=1024 B (+24 B), count=2 (+1), average=512 B

$ tracker-diff -g function -n 1 --fail-above 0 after before
> work: size=1000 B (-24 B), count=1 (-1), average=1000 B

$ tracker-diff -g function --fail-above 0 before before
> work: size=1000 B (+0 B), count=1 (+0), average=1000 B
> idle: size=50 B (+0 B), count=1 (+0), average=50 B

$ tracker-diff --json -g function -n 1 before after | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["schema"], r["schema_version"], r["old"]["total_size"], r["new"]["total_size"], r["total_size_diff"], r["total_count_diff"], r["rows"])'
> tracker.diff 1 1050 1074 24 1 [{'key': 'work', 'size': 1024, 'size_diff': 24, 'count': 2, 'count_diff': 1}]

$ tracker-diff before
! tracker-diff: missing operand: tracker diff [options] OLD[@POINT] NEW[@POINT]; try 'tracker diff --help'
= 2

$ tracker-diff --fail-above much before after
! tracker-diff: argument --fail-above: much is an invalid size; use 4096, 64KiB or 1.5g; try 'tracker diff --help'
= 2

$ tracker-diff --group-by bogus before after
! tracker-diff: unknown key_type: 'bogus'; try 'tracker diff --help'
= 2

$ tracker-diff --filter-old bogus before after
! tracker-diff: argument --filter-old: bogus is an invalid filter; use (+|-)PATTERN[:LINE][,all_frames][,domain=N]; try 'tracker diff --help'
= 2

$ tracker-diff before nothing
! tracker-diff: No such file: nothing
= 1

# Two builds: lines moved, the new one calls parse in the place of load, and all in a clone; a recursion is one call.
capture gcc
	header id=3
	frame parse a.c 10 as=parse
	frame load a.c 20 as=load
	frame walk a.c 30 as=walk
	frame main a.c 40 as=main
	frame start - 0 as=_start
	stack parse parse load main start
	stack twice walk walk main start
	stack direct main start
	malloc p1 1000 parse
	malloc p2 100 twice
	malloc p3 5 direct

capture clang
	header id=4
	frame parse a.c 110 as=parse.constprop.0
	frame walk a.c 130 as=walk.part.0
	frame again a.c 131 as=walk.llvm.77
	frame main a.c 140 as=main
	frame start - 0 as=_start
	stack parse parse main start
	stack twice walk again walk main start
	stack direct main start
	malloc p1 1010 parse
	malloc p2 100 twice
	malloc p3 5 direct

$ tracker-diff -g chain gcc clang
> NEW holds 10 B (0.90%) more than OLD.
> main;parse: size=1010 B (+10 B), count=1 (+0), average=1010 B
> main;walk: size=100 B (+0 B), count=1 (+0), average=100 B
> main: size=5 B (+0 B), count=1 (+0), average=5 B
> 1 row counted in rows with fewer calls: the other build has inlined the rest, or jumped to it.

# A function that is new is no part of another one's row: its caller has lost nothing.
capture feature
	header id=5
	frame parse a.c 10 as=parse
	frame load a.c 20 as=load
	frame main a.c 40 as=main
	frame new a.c 50 as=feature
	frame start - 0 as=_start
	stack parse parse load main start
	stack direct main start
	stack new new main start
	malloc p1 1000 parse
	malloc p2 60 new
	malloc p3 5 direct

$ tracker-diff -g chain --changed-only gcc feature
> NEW holds 40 B (3.62%) less than OLD.
> main;walk: size=0 B (-100 B), count=0 (-1)
> main;feature: size=60 B (+60 B), count=1 (+1), average=60 B

# Several captures: medians, and what each side's captures differ by. A row has changed if all of one side are above all of the other.
$ tracker-diff -g chain --new clang --new feature --changed-only gcc clang
> No difference is shown: NEW holds 10 B (0.90%) more than OLD, but captures of one side differ as well (OLD 1105 B to 1105 B, NEW 1065 B to 1115 B).
> 1 row counted in rows with fewer calls: the other build has inlined the rest, or jumped to it.

$ tracker-diff -n 1 -g function --new clang --old gcc gcc clang
> NEW holds 10 B (0.90%) more than OLD; all of its captures (1115 B to 1115 B) hold more than all of OLD's (1105 B to 1105 B).
> parse: size=1010 B (+10 B), count=1 (+0), average=1010 B, OLD 1000 B to 1000 B, NEW 1010 B to 1010 B

$ tracker-diff -q -g chain --fail-above 9 --new clang gcc clang
! tracker-diff: grew by 10 B, more than the 9 B that --fail-above allows
= 3

$ tracker-diff --json -n 1 -g chain gcc clang | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["verdict"], r["joined"], r["rows"])'
> NEW holds 10 B (0.90%) more than OLD. 1 [{'key': 'main;parse', 'size': 1010, 'size_diff': 10, 'count': 1, 'count_diff': 0}]

$ tracker-diff --new nothing gcc clang
! tracker-diff: No such file: nothing
= 1

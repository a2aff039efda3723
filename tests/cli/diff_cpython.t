# Differences of CPython's own test snapshots, as CPython 3.11 prints them.

capture cap
	# CPython's test_tracemalloc.create_snapshots(): "one" is its first snapshot, "two" its second.
	frame a2 a.c 2
	frame a5 a.c 5
	frame b4 b.c 4
	frame b1 b.c 1
	frame c578 c.c 578
	stack a2 a2 b4
	stack a5 a5 b4
	stack b1 b1
	stack c578 c578
	malloc p1 10 a2
	malloc p2 10 a2
	malloc p3 10 a2
	track 1 p4 2 a5
	track 2 p5 66 b1
	track 3 p6 7
	mark one
	untrack 1 p4
	untrack 2 p5
	untrack 3 p6
	track 2 q1 2 a5
	track 2 q2 5000 a5
	track 4 q3 400 c578
	mark two

$ tracker-diff -n 0 --group-by lineno cap@one cap@two
> a.c:5: size=5002 B (+5000 B), count=2 (+1), average=2501 B
> c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:1: size=0 B (-66 B), count=0 (-1)
> <unknown>:0: size=0 B (-7 B), count=0 (-1)
> a.c:2: size=30 B (+0 B), count=3 (+0), average=10 B

$ tracker-diff -n 0 --group-by filename cap@one cap@two
> a.c:0: size=5032 B (+5000 B), count=5 (+1), average=1006 B
> c.c:0: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:0: size=0 B (-66 B), count=0 (-1)
> <unknown>:0: size=0 B (-7 B), count=0 (-1)

$ tracker-diff -n 0 --group-by traceback cap@one cap@two
> a.c:5: size=5002 B (+5000 B), count=2 (+1), average=2501 B
> c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:1: size=0 B (-66 B), count=0 (-1)
> <unknown>:0: size=0 B (-7 B), count=0 (-1)
> a.c:2: size=30 B (+0 B), count=3 (+0), average=10 B

$ tracker-diff --cumulative -g lineno cap@one cap@two
> b.c:4: size=5032 B (+5000 B), count=5 (+1), average=1006 B
> a.c:5: size=5002 B (+5000 B), count=2 (+1), average=2501 B
> c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:1: size=0 B (-66 B), count=0 (-1)
> <unknown>:0: size=0 B (-7 B), count=0 (-1)
> a.c:2: size=30 B (+0 B), count=3 (+0), average=10 B

$ tracker-diff --cumulative -g filename cap@one cap@two
> a.c:0: size=5032 B (+5000 B), count=5 (+1), average=1006 B
> b.c:0: size=5032 B (+4934 B), count=5 (+0), average=1006 B
> c.c:0: size=400 B (+400 B), count=1 (+1), average=400 B
> <unknown>:0: size=0 B (-7 B), count=0 (-1)

# The other way round.
$ tracker-diff cap@two cap@one
> a.c:5: size=2 B (-5000 B), count=1 (-1), average=2 B
> c.c:578: size=0 B (-400 B), count=0 (-1)
> b.c:1: size=66 B (+66 B), count=1 (+1), average=66 B
> <unknown>:0: size=7 B (+7 B), count=1 (+1), average=7 B
> a.c:2: size=30 B (+0 B), count=3 (+0), average=10 B

# Filters for both, for one.
$ tracker-diff --filter '-a.c' cap@one cap@two
> c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:1: size=0 B (-66 B), count=0 (-1)
> <unknown>:0: size=0 B (-7 B), count=0 (-1)

$ tracker-diff --filter-new '-a.c' cap@one cap@two
> c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:1: size=0 B (-66 B), count=0 (-1)
> a.c:2: size=0 B (-30 B), count=0 (-3)
> <unknown>:0: size=0 B (-7 B), count=0 (-1)
> a.c:5: size=0 B (-2 B), count=0 (-1)

$ tracker-diff --filter-old '-a.c' cap@one cap@two
> a.c:5: size=5002 B (+5002 B), count=2 (+2), average=2501 B
> c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B
> b.c:1: size=0 B (-66 B), count=0 (-1)
> a.c:2: size=30 B (+30 B), count=3 (+3), average=10 B
> <unknown>:0: size=0 B (-7 B), count=0 (-1)

# Statistics of CPython's own test snapshots; every expected line was printed by CPython 3.11,
# but for the head lines of traceback groups, which show the most recent frame (b.c:4 there).

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

$ tracker-table -n 0 --group-by lineno cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:2: size=30 B, count=3, average=10 B
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table -n 0 --group-by filename cap@one
> b.c:0: size=66 B, count=1, average=66 B
> a.c:0: size=32 B, count=4, average=8 B
> <unknown>:0: size=7 B, count=1, average=7 B

$ tracker-table -n 0 --group-by traceback cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:2: size=30 B, count=3, average=10 B
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table cap@two
> a.c:5: size=5002 B, count=2, average=2501 B
> c.c:578: size=400 B, count=1, average=400 B
> a.c:2: size=30 B, count=3, average=10 B

# The default point is the peak, which is the second snapshot.
$ tracker-table cap
> a.c:5: size=5002 B, count=2, average=2501 B
> c.c:578: size=400 B, count=1, average=400 B
> a.c:2: size=30 B, count=3, average=10 B

$ tracker-table --cumulative -g lineno cap@one
> b.c:1: size=66 B, count=1, average=66 B
> b.c:4: size=32 B, count=4, average=8 B
> a.c:2: size=30 B, count=3, average=10 B
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --cumulative -g filename cap@one
> b.c:0: size=98 B, count=5, average=20 B
> a.c:0: size=32 B, count=4, average=8 B
> <unknown>:0: size=7 B, count=1, average=7 B

# Filters: the cases of FEATURES B50..B57.

$ tracker-table --filter '+b.c' cap@one
> b.c:1: size=66 B, count=1, average=66 B

$ tracker-table --filter '-b.c' cap@one
> a.c:2: size=30 B, count=3, average=10 B
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '-b.c,all_frames' cap@one
> <unknown>:0: size=7 B, count=1, average=7 B

$ tracker-table --filter '+b.c,all_frames' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:2: size=30 B, count=3, average=10 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '-a.c:2' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '+a.c:2' cap@one
> a.c:2: size=30 B, count=3, average=10 B

$ tracker-table --filter '+a.c:2' --filter '+b.c' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:2: size=30 B, count=3, average=10 B

$ tracker-table --filter '+*.c' --filter '-a.c:2' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '-<unknown>' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:2: size=30 B, count=3, average=10 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '+a.c,domain=1' cap@one
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '-a.c,domain=1' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:2: size=30 B, count=3, average=10 B
> <unknown>:0: size=7 B, count=1, average=7 B

$ tracker-table --filter '-domain=0' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '+domain=3' cap@one
> <unknown>:0: size=7 B, count=1, average=7 B

$ tracker-table --filter '+a.c,domain=0' cap@one
> a.c:2: size=30 B, count=3, average=10 B

$ tracker-table --filter '-domain=0' --filter '-domain=3' cap@one
> b.c:1: size=66 B, count=1, average=66 B
> a.c:5: size=2 B, count=1, average=2 B

$ tracker-table --filter '+nothing' cap@one

$ tracker-table --include b.c cap@one
> b.c:1: size=66 B, count=1, average=66 B

$ tracker-table --exclude b.c,all_frames cap@one
> <unknown>:0: size=7 B, count=1, average=7 B

$ tracker-table --domain 1 --domain 3 cap@one
> <unknown>:0: size=7 B, count=1, average=7 B
> a.c:5: size=2 B, count=1, average=2 B

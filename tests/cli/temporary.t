# tracker-temporary: thresholds, locations, threads.

# A vector of int and its doublings up to 32 bytes: each new block, then the old one freed.
capture vector
	module app /bin/app main
	frame main /src/v.cc 5 as=main module=app
	frame grow /src/v.cc 9 as=grow module=app
	stack main main
	stack grow grow main
	new a 4 main
	new b 8 grow
	delete a
	new c 16 grow
	delete b
	new d 32 grow
	delete c
	delete d

# Only the last one is freed with nothing in between.
$ tracker-temporary -n 0 vector
> Total: 1 temporary allocation, 32 B (threshold 0)
> grow:v.cc:9: count=1, size=32 B

$ tracker-temporary vector
> Total: 4 temporary allocations, 60 B (threshold 1)
> grow:v.cc:9: count=3, size=56 B
> main:v.cc:5: count=1, size=4 B

$ tracker-temporary -l 1 -n 7 vector
> Total: 4 temporary allocations, 60 B (threshold 7)
> grow:v.cc:9: count=3, size=56 B
> 1 more location: count=1, size=4 B; --limit 0 shows all

$ tracker-temporary --json vector | python3 -c 'import json, sys; t = json.load(sys.stdin); print(t["threshold"], t["total_count"], t["total_bytes"], t["rows"])'
> 1 4 60 [{'location': 'grow:/src/v.cc:9', 'count': 3, 'size': 56}, {'location': 'main:/src/v.cc:5', 'count': 1, 'size': 4}]

# Another thread's free is never temporary.
capture threads
	thread 0 tid=1 main
	thread 1 tid=2
	malloc a 100
	in 1
	free a
	malloc b 50
	free b

$ tracker-temporary -n 1000 threads
> Total: 1 temporary allocation, 50 B (threshold 1000)
> <stack trace unavailable>: count=1, size=50 B

$ tracker-temporary -n -1 vector
! tracker-temporary: argument -n/--threshold: -1 is an invalid non-negative int value; try 'tracker temporary --help'
= 2

# a is freed before "one", b after it, c is allocated and freed after it.
capture marked
	malloc a 10
	free a
	malloc b 20
	mark one
	free b
	malloc c 40
	free c

$ for p in @one @end @one.. ""; do tracker-temporary marked$p | head -n 1; done
> Total: 1 temporary allocation, 10 B (threshold 1)
> Total: 3 temporary allocations, 70 B (threshold 1)
> Total: 1 temporary allocation, 40 B (threshold 1)
> Total: 3 temporary allocations, 70 B (threshold 1)

$ tracker-temporary marked@two
! tracker-temporary: marked: the capture has no mark 'two'; its marks are: one
= 1

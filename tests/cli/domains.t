# Reports of several domains: totals are of all of them, with a line for each.

capture pools
	module app /bin/app main
	frame main /src/a.c 5 as=main module=app
	frame fill /src/a.c 9 as=fill module=app
	stack main main
	stack fill fill main
	malloc a 100 main
	track 7 b 2000 fill
	track 7 c 3000 fill
	track 300 d 50 main
	malloc e 10 main
	free e

$ tracker-leaks -n 0 pools | head -n 4
> Leaked: 5150 B in 4 blocks from 2 stacks
> Domain 0 (heap): 1 block, 100 B
> Domain 7: 2 blocks, 5000 B
> Domain 300: 1 block, 50 B

$ tracker-tree pools | tail -n 3
> Domain 0 (heap): 2 blocks, 110 B
> Domain 7: 2 blocks, 5000 B
> Domain 300: 1 block, 50 B

$ tracker-summary pools | head -n 3
> Domain 0 (heap): 2 blocks, 110 B
> Domain 7: 2 blocks, 5000 B
> Domain 300: 1 block, 50 B

$ tracker-temporary pools
> Total: 1 temporary allocation, 10 B (threshold 1)
> main:a.c:5: count=1, size=10 B

$ tracker-table --pretty pools | tail -n 4
> Total allocated size: 5.0 KiB
> Domain 0 (heap): 2 blocks, 110 B
> Domain 7: 2 blocks, 5000 B
> Domain 300: 1 block, 50 B

# One that passes the filter needs no line.
$ tracker-table --domain 7 --pretty pools | tail -n 2
> #1: src/a.c:9: 4.9 KiB
> Total allocated size: 4.9 KiB

# tracemalloc's lines stay what they are; --json has the domains.
$ tracker-table pools
> /src/a.c:9: size=5000 B, count=2, average=2500 B
> /src/a.c:5: size=160 B, count=3, average=53 B

$ tracker-table --json pools | python3 -c 'import json, sys; print(json.load(sys.stdin)["domains"])'
> [{'domain': 0, 'count': 2, 'size': 110, 'name': 'heap'}, {'domain': 7, 'count': 2, 'size': 5000, 'name': None}, {'domain': 300, 'count': 1, 'size': 50, 'name': None}]

$ tracker-diff --json pools@0% pools | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["old"]["domains"], [d["domain"] for d in r["new"]["domains"]])'
> [] [0, 7, 300]

$ tracker-stats pools | grep -A 3 Domains
> Domains:
> 	0 (heap): 2 allocations, 110 B
> 	7: 2 allocations, 5000 B
> 	300: 1 allocation, 50 B

# Names: of two processes, harmless for a terminal, as filters. A name that nobody gave is no domain.
capture named
	process 0 pid=100
	process 1 pid=101 parent=0 fork
	thread 0 process=0 tid=100 main
	thread 1 process=1 tid=101 main
	domain 0 300 gpu
	domain 1 300 "other"
	domain 0 301 "\x1b[31m, red"
	track 300 a 100
	track 301 b 20
	track 3 c 1
	in 1
	track 300 a 4

$ tracker-tree named | tail -n 3
> Domain 3 (fd): 1 block, 1 B
> Domain 300 (gpu / other): 2 blocks, 104 B
> Domain 301 (\x1b[31m, red): 1 block, 20 B

$ tracker-table --csv --list --pid 100 named | cut -d, -f 3-7 | tr '\033' E
> size,count,domain,domain_name,allocator
> 100,1,300,gpu,track
> 20,1,301,"E[31m, red"
> 1,1,3,fd,track

$ for d in gpu other 300 fd; do tracker-table --domain $d named; done
> <unknown>:0: size=100 B, count=1, average=100 B
> <unknown>:0: size=4 B, count=1, average=4 B
> <unknown>:0: size=104 B, count=2, average=52 B
> <unknown>:0: size=1 B, count=1, average=1 B

$ tracker-table --filter '-<unknown>,domain=other' named
> <unknown>:0: size=121 B, count=3, average=40 B

$ tracker-table --filter +domain=cpu named
! tracker-table: No domain is named 'cpu' in named; --json lists the domains of a report
= 1

# In one of two captures, the name may be missing.
$ tracker-diff --domain gpu pools@end named@end
> <unknown>:0: size=100 B (+100 B), count=1 (+1), average=100 B

# tracker-stats: totals, histogram, buckets, tops, processes, memray's keys.

# 2500 + 11000 + 11000 + 12000 + 60000 + 65000 = 161500 bytes; the two of 11000 are freed.
capture cap
	process 0 pid=100 name=app args="app\0-x\0it's\0"
	thread 0 tid=100 main
	module app /bin/app main
	module lib /lib/x.so
	frame start - 0 as=_start module=app
	frame main /src/m.c 10 as=main module=app
	frame work /src/w.c 20 as=work module=app
	frame lib /src/l.c 30 as=help module=lib
	stack main main start
	stack work work main start
	stack lib lib work main start
	malloc 4096 2500 main
	malloc 8192 11000 work
	calloc 12288 11000 work
	malloc 16384 12000 work
	new 20480 60000 lib
	after 1ms
	malloc 24576 65000 lib
	free 8192
	free 12288

$ tracker-stats cap
> Total allocations:
> 	6
> Total frees:
> 	2
> Total memory allocated:
> 	158 KiB
> Peak memory usage:
> 	158 KiB in 6 blocks at 0.001 s
> Not freed:
> 	136 KiB in 4 blocks
> Temporary allocations:
> 	0 (0 B)
> 
> Histogram of allocation size, from 2500 B to 63.5 KiB:
> 	<  3462 B   : 1 #########
> 	<  4796 B   : 0
> 	<  6644 B   : 0
> 	<  9202 B   : 0
> 	<  12.4 KiB : 3 #########################
> 	<  17.2 KiB : 0
> 	<  23.9 KiB : 0
> 	<  33.1 KiB : 0
> 	<  45.8 KiB : 0
> 	<= 63.5 KiB : 2 #################
> Allocator type distribution:
> 	malloc: 4
> 	calloc: 1
> 	new: 1
> Top 5 largest allocating locations (by size):
> 	- help:/src/l.c:30 -> 122 KiB
> 	- work:/src/w.c:20 -> 33.2 KiB
> 	- main:/src/m.c:10 -> 2500 B
> Top 5 largest allocating locations (by number of allocations):
> 	- work:/src/w.c:20 -> 3
> 	- help:/src/l.c:30 -> 2
> 	- main:/src/m.c:10 -> 1
> Top 3 largest allocating modules (by size):
> 	- /lib/x.so -> 122 KiB in 2
> 	- /bin/app -> 35.6 KiB in 4

$ LC_ALL=C.UTF-8 tracker-stats -n 1 cap | sed -n '/Histogram/,/^Alloc/p'
> Histogram of allocation size, from 2500 B to 63.5 KiB:
> 	<  3462 B   : 1 ▇▇▇▇▇▇▇▇▇
> 	<  4796 B   : 0
> 	<  6644 B   : 0
> 	<  9202 B   : 0
> 	<  12.4 KiB : 3 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
> 	<  17.2 KiB : 0
> 	<  23.9 KiB : 0
> 	<  33.1 KiB : 0
> 	<  45.8 KiB : 0
> 	<= 63.5 KiB : 2 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇
> Allocator type distribution:

$ tracker-stats --buckets cap
> <= 16 B: 0
> <= 32 B: 0
> <= 64 B: 0
> <= 128 B: 0
> <= 256 B: 0
> <= 512 B: 0
> <= 1 KiB: 0
> <= 2 KiB: 0
> <= 4 KiB: 1
> <= 8 KiB: 0
> <= 16 KiB: 3
> <= 32 KiB: 0
> <= 64 KiB: 2
> <= 128 KiB: 0
> <= 256 KiB: 0
> > 256 KiB: 0

$ tracker-stats --json cap | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["schema"], s["total_num_allocations"], s["total_bytes_allocated"], s["total_num_frees"], s["leaked_allocations"], s["leaked_bytes"], s["temporary_allocations"]); print(s["metadata"]["peak_memory"], s["metadata"]["command_line"], s["metadata"]["pid"]); print(s["allocator_type_distribution"]); print(s["top_allocations_by_size"]); print(s["top_modules_by_count"]); print(sum(b["count"] for b in s["buckets"]), sum(b["count"] for b in s["allocation_size_histogram"]))'
> tracker.stats 6 161500 2 4 139500 0
> 161500 app -x 'it'\''s' 100
> {'malloc': 4, 'calloc': 1, 'new': 1}
> [{'location': 'help:/src/l.c:30', 'size': 125000}, {'location': 'work:/src/w.c:20', 'size': 34000}, {'location': 'main:/src/m.c:10', 'size': 2500}]
> [{'module': '/bin/app', 'count': 4}, {'module': '/lib/x.so', 'count': 2}]
> 6 6

# The same figures as memray's: bounds of equal ratio, each size in one bin.
$ tracker-stats --json cap | python3 -c 'import json, math, sys; s = json.load(sys.stdin)["allocation_size_histogram"]; sizes = [2500, 11000, 11000, 12000, 60000, 65000]; low = math.log(2500); step = (math.log(65000) - low) / 10; want = [0] * 10; [want.__setitem__(b, want[b] + 1) for b in [min(int((math.log(x) - low) / step), 9) for x in sizes]]; print([b["count"] for b in s] == want, [b["max_bytes"] + 1 for b in s[:-1]] == [int(math.exp(low + step * (i + 1))) for i in range(9)], s[-1]["max_bytes"], s[0]["min_bytes"])'
> True True 65000 0

# Sizes that are all alike, or all 0, break no logarithm.
capture alike
	malloc 16 1
	malloc 32 1

$ tracker-stats alike | sed -n '/Histogram/,/^Alloc/p'
> Histogram of allocation size, from 1 B to 1 B:
> 	<  1 B      : 0
> 	<= 1 B      : 2 #########################
> Allocator type distribution:

capture zeros
	malloc 16 0
	malloc 32 0
	malloc 48 0

$ tracker-stats zeros | sed -n '/Histogram/,/^Alloc/p'
> Histogram of allocation size, from 0 B to 0 B:
> 	<= 0 B      : 3 #########################
> Allocator type distribution:

capture empty
	thread 0 main

$ tracker-stats -n 1 empty
> Total allocations:
> 	0
> Total frees:
> 	0
> Total memory allocated:
> 	0 B
> Peak memory usage:
> 	0 B in 0 blocks at 0.000 s
> Not freed:
> 	0 B in 0 blocks
> Temporary allocations:
> 	0 (0 B)
> 
> Histogram of allocation size:
> 	<no data for histogram>
> Allocator type distribution:
> Top 1 largest allocating locations (by size):
> Top 1 largest allocating locations (by number of allocations):
> Top 1 largest allocating modules (by size):

$ tracker-stats --json empty | python3 -c 'import json, sys; s = json.load(sys.stdin); print(s["total_num_allocations"], s["allocation_size_histogram"], s["top_allocations_by_size"])'
> 0 [] []

# Two processes; the second was killed.
capture two
	process 0 pid=100 name=sh end=4ms exit=0
	process 1 pid=101 parent=0 fork name=a end=3ms signal=9
	thread 0 process=0 tid=100 main
	thread 1 process=1 tid=101 main
	malloc 16 1000
	in 1
	malloc 16 500
	at 1ms
	free 16
	malloc 16 20

$ tracker-stats -n 1 two | head -n 26
> a (101) was killed by SIGKILL at 0.0 s
> Total allocations:
> 	3
> Total frees:
> 	1
> Total memory allocated:
> 	1520 B
> Peak memory usage:
> 	1500 B in 2 blocks at 0.000 s
> Not freed:
> 	1020 B in 2 blocks: 1000 B in 1 block leaked, 20 B in 1 block live when SIGKILL ended it
> Temporary allocations:
> 	1 (500 B)
> 
> Processes:
> 	     pid name               allocations         frees   allocated        peak   not freed  temporary
> 	     100 sh                           1             0      1000 B      1000 B      1000 B          0
> 	1 more: 1 a; -n 2 shows all
> Histogram of allocation size, from 20 B to 1000 B:
> 	<  29 B     : 1 #########################
> 	<  43 B     : 0
> 	<  64 B     : 0
> 	<  95 B     : 0
> 	<  141 B    : 0
> 	<  209 B    : 0
> 	<  309 B    : 0

# Of many processes the largest, and the others by name; or all as a tree.
$ tracker-stats -n 1 two | sed -n '/^Processes/,/^Hist/p'
> Processes:
> 	     pid name               allocations         frees   allocated        peak   not freed  temporary
> 	     100 sh                           1             0      1000 B      1000 B      1000 B          0
> 	1 more: 1 a; -n 2 shows all
> Histogram of allocation size, from 20 B to 1000 B:

$ tracker-stats --tree two | sed -n '/^Processes/,/^Hist/p'
> Processes:
> + 2 in all: 1520 B in 3 allocations, largest peak 1000 B, not freed 1020 B
> `-- + 1 sh: 1000 B in 1 allocation, largest peak 1000 B, not freed 1000 B
>     `-- - 1 a: 520 B in 2 allocations, largest peak 500 B, not freed 20 B
> Histogram of allocation size, from 20 B to 1000 B:

$ tracker-stats -n 1 --pid 101 two | head -n 8
> a (101) was killed by SIGKILL at 0.0 s
> Total allocations:
> 	2
> Total frees:
> 	1
> Total memory allocated:
> 	520 B
> Peak memory usage:

$ tracker-stats --json two | python3 -c 'import json, sys; print([(p["pid"], p["name"], p["total_num_allocations"], p["leaked_bytes"], p["peak_memory"]) for p in json.load(sys.stdin)["processes"]])'
> [(100, 'sh', 1, 1000, 1000), (101, 'a', 2, 20, 500)]

$ tracker-stats --pid 7 two
! tracker-stats: No process 7 in two; tracker info lists its processes
= 1

$ tracker-stats -n 0 cap
! tracker-stats: argument -n/--limit: 0 is an invalid positive int value; try 'tracker stats --help'
= 2

$ tracker-stats -n x cap
! tracker-stats: argument -n/--limit: x is an invalid positive int value; try 'tracker stats --help'
= 2

$ tracker-stats -n 99999999999999999999 cap
! tracker-stats: argument -n/--limit: 99999999999999999999 is an invalid positive int value; try 'tracker stats --help'
= 2

# Points and regions. Of the region: b (100), d (200) and e (300, which b became); thread 1 is not in it.
capture spans
	thread 0 tid=100 main
	thread 1 tid=101
	malloc a 16
	region_begin frame
	malloc b 100
	in 1
	malloc c 1000
	in 0
	region_begin frame
	malloc d 200
	region_end frame
	realloc b e 300
	region_end frame
	region_begin other
	region_end other
	after 1ms
	mark done
	malloc f 5000
	free d

$ tracker-stats --region frame spans | head -n 22
> Region: frame
> 
> Total allocations:
> 	3
> Total frees:
> 	2
> Total memory allocated:
> 	600 B
> Peak memory usage:
> 	500 B in 2 blocks at 0.000 s
> Not freed:
> 	300 B in 1 block
> Temporary allocations:
> 	1 (100 B)
> 
> Histogram of allocation size, from 100 B to 300 B:
> 	<  111 B    : 1 #########################
> 	<  124 B    : 0
> 	<  139 B    : 0
> 	<  155 B    : 0
> 	<  173 B    : 0
> 	<  193 B    : 0

$ tracker-stats --buckets --region frame spans | grep -v ': 0$'
> <= 128 B: 1
> <= 256 B: 1
> <= 512 B: 1

$ tracker-stats spans@done | head -n 22
> Until: mark done (0.001 s)
> 
> Total allocations:
> 	5
> Total frees:
> 	1
> Total memory allocated:
> 	1616 B
> Peak memory usage:
> 	1516 B in 4 blocks at 0.000 s
> Not freed:
> 	1516 B in 4 blocks
> Temporary allocations:
> 	1 (100 B)
> 
> Histogram of allocation size, from 16 B to 1000 B:
> 	<  24 B     : 1 #########################
> 	<  36 B     : 0
> 	<  55 B     : 0
> 	<  83 B     : 0
> 	<  126 B    : 1 #########################
> 	<  191 B    : 0

$ for p in @peak @end @#1 @0.5ms @done.. ..done --region=frame; do case $p in @*) c="spans$p";; -*) c="$p spans@..done";; *) c="spans@$p";; esac; tracker-stats --json $c | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["total_num_allocations"], r["total_num_frees"], r["total_bytes_allocated"], r["leaked_bytes"], r["peak_memory"], sum(b["count"] for b in r["buckets"]), sum(b["count"] for b in r["allocation_size_histogram"]), sum(r["allocator_type_distribution"].values()), sum(x["size"] for x in r["top_allocations_by_size"]), r.get("point", {}).get("name"), r.get("region"))'; done
> 6 1 6616 6516 6516 6 6 6 6616 all allocations until peak None
> 6 2 6616 6316 6516 6 6 6 6616 None None
> 5 1 1616 1516 1516 5 5 5 1616 all allocations until mark #1 None
> 5 1 1616 1516 1516 5 5 5 1616 all allocations until 0.0005s None
> 1 0 5000 5000 5000 1 1 1 5000 all allocations in mark done..end None
> 5 1 1616 1516 1516 5 5 5 1616 all allocations in 0%..mark done None
> 3 1 600 500 500 3 3 3 600 all allocations in 0%..mark done frame

$ tracker-stats --region nothing spans
! tracker-stats: spans: the capture has no region 'nothing'; its regions are: frame, other
= 1

$ tracker-stats --region frame cap
! tracker-stats: cap: the capture has no region 'frame': the program named none
= 1

$ tracker-stats spans@nothing
! tracker-stats: spans: the capture has no mark 'nothing'; its marks are: done
= 1

$ tracker-stats
! tracker-stats: missing operand: tracker stats [options] CAPTURE[@POINT]; try 'tracker stats --help'
= 2

$ tracker-stats --nonsense cap
! tracker-stats: unknown option --nonsense; try 'tracker stats --help'
= 2

# Sizes that are all alike, or close together: a bin holds what it says, and no bin holds nothing that could be.
capture alike
	malloc 4096 100
	malloc 8192 100
capture zeros
	malloc 4096 0
	malloc 8192 0
capture ones
	malloc 4096 1
capture ones_and_zero
	malloc 4096 1
	malloc 8192 0
capture close
	malloc 4096 1
	malloc 8192 2
	malloc 12288 3
	malloc 16384 2
capture wide
	malloc 4096 0
	malloc 8192 7
	malloc 12288 9
	malloc 16384 1000000000000

$ for c in alike zeros ones ones_and_zero close wide; do tracker-stats --json $c | python3 -c 'import json, sys; h = json.load(sys.stdin)["allocation_size_histogram"]; sizes = dict(alike=[100, 100], zeros=[0, 0], ones=[1], ones_and_zero=[0, 1], close=[1, 2, 2, 3], wide=[0, 7, 9, 10 ** 12])[sys.argv[1]]; print(sys.argv[1], all(b["min_bytes"] <= b["max_bytes"] for b in h), all(b["count"] == sum(b["min_bytes"] <= s <= b["max_bytes"] for s in sizes) for b in h), sum(b["count"] for b in h) == len(sizes), h[0]["min_bytes"], h[-1]["max_bytes"] == max(sizes), all(a["max_bytes"] + 1 == b["min_bytes"] for a, b in zip(h, h[1:])))' $c; done
> alike True True True 0 True True
> zeros True True True 0 True True
> ones True True True 0 True True
> ones_and_zero True True True 0 True True
> close True True True 0 True True
> wide True True True 0 True True

$ for c in alike zeros close; do tracker-stats $c | sed -n '/^Histogram/,/^Alloc/p'; done
> Histogram of allocation size, from 100 B to 100 B:
> 	<  100 B    : 0
> 	<= 100 B    : 2 #########################
> Allocator type distribution:
> Histogram of allocation size, from 0 B to 0 B:
> 	<= 0 B      : 2 #########################
> Allocator type distribution:
> Histogram of allocation size, from 1 B to 3 B:
> 	<  1 B      : 0
> 	<  2 B      : 1 #########
> 	<= 3 B      : 3 #########################
> Allocator type distribution:

# memray's own example.
capture memray
	malloc a 2500
	malloc b 11000
	malloc c 11000
	malloc d 12000
	malloc e 60000
	malloc f 65000
	malloc g 120000
	malloc h 125000
	malloc i 125000
	malloc j 160000
	malloc k 170000
	malloc l 180000
	malloc m 800000
	malloc n 1500000

# With a step of ln 600 / 10.
$ tracker-stats --json memray | python3 -c 'import json, sys; h = json.load(sys.stdin)["allocation_size_histogram"]; print([h[i]["max_bytes"] + 1 for i in (1, 3, 5, 7)], h[9]["max_bytes"], [h[i]["count"] + h[i + 1]["count"] for i in range(0, 10, 2)])'
> [8986, 32299, 116099, 417312] 1500000 [1, 3, 2, 6, 2]

# What is no capture, and what is not whole.
$ tracker-stats missing
! tracker-stats: No such file: missing
= 1

$ : > nothing; tracker-stats nothing
! tracker-stats: Failed to compute statistics for nothing: Reason: it is empty
= 1

$ echo hello > text; tracker-stats text
! tracker-stats: Failed to compute statistics for text: Reason: it does not look like a capture written by tracker; tracker run writes one
= 1

$ tracker-stats .
! tracker-stats: Cannot read .: Is a directory
= 1

$ head -c 30 cap > short; tracker-stats short
! tracker-stats: Failed to compute statistics for short: Reason: the file ends inside its header (at byte 30)
= 1

$ head -c 400 cap > cut; tracker-stats -n 1 cut | sed -n 2p
> 	0
! tracker-stats: warning: cut: the file is cut: events up to 0.000 s are in it; an incomplete copy or a full disk lost the rest, so copy it again or record again

$ tracker-stats -o out cap && tracker-stats -o out cap
! tracker-stats: File already exists, will not overwrite without --force: out
= 1

$ tracker-stats -f -o out cap && grep -c allocations out
> 3

capture lost
	malloc 16 1
	gap 12345
	health lost 12345

$ tracker-stats lost | sed -n 2p
> 	1
! tracker-stats: warning: lost: 12,345 events were lost: totals are lower bounds

# A line for each domain where there are several: the heap, and what a program tracks itself.
capture domains
	malloc a 100
	malloc b 30
	track 7 5 50
	track 300 5 1000
	track 7 6 8
	untrack 7 5

$ tracker-stats domains | sed -n '/^Domains/,/^Hist/p'
> Domains:
> 	0 (heap): 2 allocations, 130 B
> 	7: 2 allocations, 58 B
> 	300: 1 allocation, 1000 B
> Histogram of allocation size, from 8 B to 1000 B:

$ tracker-stats --json domains | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["domains"], sum(d["size"] for d in r["domains"]) == r["total_bytes_allocated"])'
> [{'domain': 0, 'count': 2, 'size': 130, 'name': 'heap'}, {'domain': 7, 'count': 2, 'size': 58, 'name': None}, {'domain': 300, 'count': 1, 'size': 1000, 'name': None}] True

$ tracker-stats cap | grep -c Domains
> 0
= 1

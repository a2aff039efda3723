# tracker-tree and tracker-summary: shares, recursion, what is left out.

# main calls parse, which calls itself, and draw; _start is below main.
capture cap
	module app /bin/app main
	frame start - 0 as=_start module=app
	frame main /src/m.c 10 as=main module=app
	frame main2 /src/m.c 11 as=main module=app
	frame parse /src/p.c 5 as=parse module=app
	frame again /src/p.c 6 as=parse module=app
	frame draw /src/d.c 7 as=draw module=app
	frame malloc - 0 as=malloc module=app
	stack parse malloc parse main start
	stack deep malloc parse again again main start
	stack draw malloc draw main2 start
	malloc 4096 600 parse
	malloc 8192 150 deep
	malloc 12288 50 deep
	malloc 16384 200 draw

$ tracker-tree cap
> + 1000 B (100.00 %) <ROOT>
> |-- + 800 B (80.00 %) main  m.c:10
> |   |-- - 600 B (60.00 %) parse  p.c:5
> |   `-- - 200 B (20.00 %) parse  p.c:6 > parse  p.c:6 > parse  p.c:5
> `-- - 200 B (20.00 %) main  m.c:11 > draw  d.c:7

$ LC_ALL=C.UTF-8 tracker-tree cap | head -n 3
> 📂 1000 B (100.00 %) <ROOT>
> ├── 📂 800 B (80.00 %) main  m.c:10
> │   ├── 📄 600 B (60.00 %) parse  p.c:5

$ tracker-tree -b 1 cap
> + 600 B (60.00 %) <ROOT>
> `-- - 600 B (60.00 %) main  m.c:10 > parse  p.c:5
> 2 smaller stacks elided: 400 B (40.00 %) in 3 blocks; -n 0 shows all

$ for o in -b -n --limit --biggest-allocs; do tracker-tree $o 1 cap | tail -n 1; done
> 2 smaller stacks elided: 400 B (40.00 %) in 3 blocks; -n 0 shows all
> 2 smaller stacks elided: 400 B (40.00 %) in 3 blocks; -n 0 shows all
> 2 smaller stacks elided: 400 B (40.00 %) in 3 blocks; -n 0 shows all
> 2 smaller stacks elided: 400 B (40.00 %) in 3 blocks; -n 0 shows all

$ tracker-tree --no-skip -b 1 cap
> + 600 B (60.00 %) <ROOT>
> `-- - 600 B (60.00 %) _start  app > main  m.c:10 > parse  p.c:5 > malloc  app
> 2 smaller stacks elided: 400 B (40.00 %) in 3 blocks; -n 0 shows all

$ tracker-tree --no-skip --depth 2 --full-paths -b 1 cap | sed -n 2p
> `-- - 600 B (60.00 %) _start  /bin/app > ... 2 more > malloc  /bin/app

$ tracker-tree --filter +/src/d.c cap
> + 200 B (100.00 %) <ROOT>
> `-- - 200 B (100.00 %) main  m.c:11 > draw  d.c:7

# What is too small: 200 of 1000 bytes are 20 %.
$ tracker-tree --min-share 21 cap
> + 1000 B (100.00 %) <ROOT>
> `-- - 800 B (80.00 %) main  m.c:10 > parse  p.c:5
> 2 smaller branches, each below 21.00 %: 400 B (40.00 %) in 3 blocks; -n 0 shows all

# The functions that allocate first: parse at line 5 holds the 600 and the 200 bytes.
$ tracker-tree --inverted cap
> + 1000 B (100.00 %) <ROOT>
> |-- + 800 B (80.00 %) parse  p.c:5
> |   |-- - 600 B (60.00 %) main  m.c:10
> |   `-- - 200 B (20.00 %) parse  p.c:6 > parse  p.c:6 > main  m.c:10
> `-- - 200 B (20.00 %) draw  d.c:7 > main  m.c:11

# Around a function: recursion counts once.
$ tracker-tree --function 'pars?' cap
> Callers of pars?:
> + 800 B (80.00 %) <ROOT>
> |-- - 600 B (60.00 %) parse  p.c:5 > main  m.c:10
> `-- - 200 B (20.00 %) parse  p.c:6 > main  m.c:10
> 
> Callees of pars?:
> + 800 B (80.00 %) <ROOT>
> |-- - 600 B (60.00 %) parse  p.c:5
> `-- - 200 B (20.00 %) parse  p.c:6 > parse  p.c:6 > parse  p.c:5

$ tracker-tree --function main --json cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["total_size"], r["function"], r["function_size"], r["function_count"], [(c["line"], c["size"], c["own"], len(c["children"])) for c in r["root"]["children"]], [(c["line"], c["size"], c["children"]) for c in r["callers"]["children"]])'
> 1000 main 1000 4 [(10, 800, 0, 2), (11, 200, 0, 1)] [(10, 800, []), (11, 200, [])]

$ tracker-tree --inverted --json cap | python3 -c 'import json, sys; print([(c["name"], c["size"], c["own"], c["count"], [d["own"] for d in c["children"]]) for c in json.load(sys.stdin)["root"]["children"]])'
> [('parse', 800, 800, 3, [0, 0]), ('draw', 200, 200, 1, [0])]

$ tracker-tree --function nothing cap
> Callers of nothing:
> - 0 B (0.00 %) <ROOT>
> 
> Callees of nothing:
> - 0 B (0.00 %) <ROOT>

$ tracker-tree --function main --inverted cap
! tracker-tree: argument --inverted: not allowed with argument --function; try 'tracker tree --help'
= 2

$ tracker-tree --json -b 1 cap | python3 -c 'import json, sys; r = json.load(sys.stdin); a = r["root"]; b = a["children"][0]; c = b["children"][0]; print(r["schema"], r["total_size"], r["elided"], a["size"], a["percent"], b["name"], b["line"], b["own"], c["name"], c["own"], c["count"], c["children"])'
> tracker.tree 1000 {'stacks': 2, 'size': 400, 'count': 3} 600 60 main 10 0 parse 600 1 []

capture empty
	thread 0 main

$ tracker-tree empty
> - 0 B (0.00 %) <ROOT>

$ tracker-summary empty
> Location  <Total Memory>    Total Memory %    Own Memory    Own Memory %    Allocation Count

$ tracker-summary cap
> Location      <Total Memory>    Total Memory %    Own Memory    Own Memory %    Allocation Count
> main at m.c           1000 B           100.00%           0 B           0.00%                   4
> parse at p.c           800 B            80.00%         800 B          80.00%                   3
> draw at d.c            200 B            20.00%         200 B          20.00%                   1

$ tracker-summary -s 3 -r 1 cap
> Location        Total Memory    Total Memory %  <Own Memory>    Own Memory %    Allocation Count
> parse at p.c           800 B            80.00%         800 B          80.00%                   3
> 2 more; -n 0 shows all

$ tracker-summary --no-skip --filter +draw.c,all_frames cap
> Location  <Total Memory>    Total Memory %    Own Memory    Own Memory %    Allocation Count

$ for s in 1 2 3 4 5; do tracker-summary -s $s cap | sed -n 2p | cut -d ' ' -f 1; done
> main
> main
> parse
> parse
> main

$ tracker-summary --json -s 3 -r 1 cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["schema"], r["total_size"], r["row_count"], r["rows"])'
> tracker.summary 1000 3 [{'location': 'parse at /src/p.c', 'total_size': 800, 'total_percent': 80, 'own_size': 800, 'own_percent': 80, 'count': 3}]

# By what they allocated themselves: what lives, the calls, and what is temporary (nothing here).
$ tracker-summary --own cap
> Held most: 1000 B in 4 blocks at peak
>    800 B in 3 (80.00 %): parse  p.c:5, from main
>    200 B in 1 (20.00 %): draw  d.c:7, from main
> Most calls of allocation functions: 4, 1000 B
>    800 B in 3 (75.00 %): parse  p.c:5, from main
>    200 B in 1 (25.00 %): draw  d.c:7, from main
> Most temporary allocations: 0, 0 B

$ tracker-summary --own --csv -n 1 cap
> list,location,size,count,percent
> peak,parse:/src/p.c:5,800,3,80
> calls,parse:/src/p.c:5,800,3,75

$ tracker-summary --own --leaks cap
! tracker-summary: argument --own: not allowed with argument --leaks; try 'tracker summary --help'
= 2

$ tracker-summary -s 6 cap
! tracker-summary: argument -s/--sort-column: 6 is outside the range 1 to 5; try 'tracker summary --help'
= 2

$ tracker-summary -s 0 cap
! tracker-summary: argument -s/--sort-column: 0 is an invalid positive int value; try 'tracker summary --help'
= 2

$ tracker-tree -b x cap
! tracker-tree: argument -b/--biggest-allocs: x is an invalid non-negative int value; try 'tracker tree --help'
= 2

$ tracker-tree --allocations --leaks cap
! tracker-tree: argument --allocations: not allowed with argument --leaks; try 'tracker tree --help'
= 2

$ tracker-summary nothing
! tracker-summary: No such file: nothing
= 1

# Peaks: process 1 has ended when process 0 holds most, and load has held most before main does.
capture moments
	process 0 pid=10 name=app
	process 1 pid=11 parent=0 fork name=app end=30ms exit=0
	thread 0 process=0 tid=10 name=app main
	thread 1 process=1 tid=11 name=child main
	module app /bin/app main
	module lib /lib/libx.so
	frame parse /src/p.c 5 as=parse module=lib
	frame load /src/l.c 6 as=load module=lib
	frame main /src/m.c 7 as=main module=app
	frame start - 0 as=_start module=app
	stack parse parse load load main start
	stack load load main start
	stack direct main start
	after 10ms
	malloc a 1000 parse
	after 5ms
	malloc b 500 load
	free a
	in 1
	after 5ms
	malloc c 300 load
	in 0
	after 20ms
	malloc d 1400 direct

$ tracker-summary --peaks function moments
> The most that each function held at one time, with all that it calls; the moments differ.
> 
> Location       <Peak Memory>    Blocks         At      Own Peak         At
> main at m.c           1900 B         2    0.040 s        1400 B    0.040 s
> load at l.c           1500 B         2    0.015 s         800 B    0.020 s
> parse at p.c          1000 B         1    0.010 s        1000 B    0.010 s

$ tracker-summary --peaks module -n 1 moments
> The most that each module held at one time, with all that it calls; the moments differ.
> 
> Location   <Peak Memory>    Blocks         At      Own Peak         At
> /bin/app          1900 B         2    0.040 s        1400 B    0.040 s
> 1 more; -n 0 shows all

$ tracker-summary --peaks thread --csv moments
> location,peak_size,peak_count,peak_ns,own_peak_size,own_peak_ns
> 10/0xa (app),1900,2,40000000,1900,40000000
> 11/0xb (child),300,1,20000000,300,20000000

$ tracker-summary --peaks function --thread child --csv moments
> location,peak_size,peak_count,peak_ns,own_peak_size,own_peak_ns
> load at /src/l.c,300,1,20000000,300,20000000
> main at /src/m.c,300,1,20000000,0,

$ tracker-summary --peaks function --filter '-/src/l.c' --json moments | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["peaks_of"], r["row_count"], r["peaks"][0])'
> function 3 {'location': 'main at /src/m.c', 'peak_size': 1400, 'peak_count': 1, 'peak_ns': 40000000, 'own_peak_size': 1400, 'own_peak_ns': 40000000}

$ tracker-summary --peaks function moments@end
! tracker-summary: a point (CAPTURE@POINT) is not allowed with --peaks, which looks at all of the run; try 'tracker summary --help'
= 2

$ tracker-summary --peaks line moments
! tracker-summary: argument --peaks: invalid choice 'line'; use function, module or thread; try 'tracker summary --help'
= 2

$ tracker-summary --peaks function --own moments
! tracker-summary: argument --own: not allowed with argument --peaks; try 'tracker summary --help'
= 2

# Blocks that grow: by 100 up to 1000, three times; one of them in place; the other stack grows once.
capture growing
	header id=7
	frame push /src/v.c 3 as=push
	frame fill /src/v.c 9 as=fill
	frame once /src/o.c 4 as=once
	frame main /src/m.c 7 as=main
	stack push push fill main
	stack once once main
	malloc a1 100 push
	realloc a1 a2 200 push
	realloc a2 a2 300 push
	realloc a2 a3 400 push
	realloc a3 a4 350 push
	free a4
	realloc_release b0
	malloc b1 100 push
	realloc_release b1
	realloc_acquire b1 b2 1000 push
	malloc c1 10 once
	realloc c1 c2 50 once
	realloc 0 d1 77 once
	realloc c2 0 500 once

# Of push 4 steps: to 200, 300, 400, 1000. 400 avoid 3 of them, which is less than nine of ten; 1000 avoid all, and a held 400 at most.
$ tracker-summary --reallocs growing
> Reallocs that enlarge a block: 5; 4 moved it, 510 B copied
>    4 of 2 blocks, 500 B copied: push  v.c:3, from fill, main
>       beginning with 1000 B would avoid 100.00 % of them, 500 B copied; 600 B in vain
>    1 of 1 block, 10 B copied: once  o.c:4, from main
>       beginning with 50 B would avoid 100.00 % of them, 10 B copied; 0 B in vain

$ tracker-summary --reallocs --csv -n 1 growing
> location,reallocs,moved,copied,blocks,first_size,avoided,avoided_percent,avoided_copied,wasted
> push:/src/v.c:3,4,3,500,2,1000,4,100,500,600

$ tracker-summary --reallocs --filter '+/src/o.c' --json growing | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["total_reallocs"], r["total_copied"], r["row_count"])'
> 1 10 1

$ tracker-summary --reallocs growing@end
! tracker-summary: a point (CAPTURE@POINT) is not allowed with --reallocs, which looks at all of the run; try 'tracker summary --help'
= 2

$ tracker-summary --reallocs --leaks growing
! tracker-summary: argument --reallocs: not allowed with argument --leaks; try 'tracker summary --help'
= 2

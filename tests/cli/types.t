# tracker-types: what the allocating frames say.

capture cap
	module app /bin/app main
	module lib /usr/lib/libstdc++.so.6
	frame main /src/m.cc 10 as=main module=app
	frame list /src/l.cc 20 as=_ZNSt15__new_allocatorISt10_List_nodeIN3geo4NodeEEE8allocateEmPKv module=app
	frame map /src/l.cc 30 as=_ZNSt15__new_allocatorISt13_Rb_tree_nodeISt4pairIKiiEEE8allocateEmPKv module=app
	frame shared /src/l.cc 40 as=_ZNSt15__new_allocatorISt23_Sp_counted_ptr_inplaceIN3geo5ShapeESaIvELN9__gnu_cxx12_Lock_policyE2EEE8allocateEmPKv module=app
	frame own /src/o.cc 50 as=_ZN3geo3OwnnwEm module=app
	frame new - 0 as=_Znwm module=lib
	frame takes /src/t.cc 60 as=_Z5takesSaIiE module=app
	stack main main
	stack list new list main
	stack map new map main
	stack shared new shared main
	stack own new own main
	stack takes takes main
	new a 100 list
	new b 100 list
	new c 80 map
	new d 70 shared
	new e 60 own
	malloc f 50 takes
	malloc g 40 main
	malloc h 30

$ tracker-types cap
> 530 B in 8 blocks at peak, 410 B in 5 of known types
>       size     blocks          by type
>      200 B          2      frames std::_List_node<geo::Node>
>       80 B          1      frames std::_Rb_tree_node<std::pair<int const, int> >
>       70 B          1      frames geo::Shape
>       60 B          1      frames geo::Own
>       50 B          1        site takes:/src/t.cc:60
>       40 B          1        site main:/src/m.cc:10
>       30 B          1        site <stack trace unavailable>

$ tracker-types -n 1 --no-sites cap
> 530 B in 8 blocks at peak, 410 B in 5 of known types
>       size     blocks          by type
>      200 B          2      frames std::_List_node<geo::Node>
> 3 more: 210 B in 3 blocks; -n 0 shows all

$ tracker-types --csv --no-sites cap
> type,rule,size,count
> std::_List_node<geo::Node>,frames,200,2
> "std::_Rb_tree_node<std::pair<int const, int> >",frames,80,1
> geo::Shape,frames,70,1
> geo::Own,frames,60,1

# What the program says counts first; at the peak, too, if it said it later.
capture said
	module app /bin/app main
	frame main /src/m.cc 10 as=main module=app
	frame own /src/o.cc 50 as=_ZN3geo3OwnnwEm module=app
	stack main main
	stack own own main
	malloc a 100 main
	annotate a 1 first
	annotate a 1 "second type"
	malloc b 50 own
	annotate b 2 Array
	malloc c 30 main
	annotate c 1 Array
	malloc d 1000 main
	free d
	malloc e 7 main
	annotate e 1 late
	annotate d 1 nobody
	free b
	annotate a 1 third

$ tracker-types said
> 1180 B in 4 blocks at peak, 180 B in 3 of known types
>       size     blocks          by type
>     1000 B          1        site main:/src/m.cc:10
>      100 B          1  annotation third
>       80 B          2  annotation Array

$ tracker-types said@end
> 137 B in 3 blocks at end, 137 B in 3 of known types
>       size     blocks          by type
>      100 B          1  annotation third
>       30 B          1  annotation Array
>        7 B          1  annotation late

# ---- tracked classes ----

capture tracked
	malloc a 100
	class 0 1 geo::*
	malloc b 40
	annotate b 1 geo::Node
	class 0 9 "\nbefore"

$ tracker-types list tracked
> geo::Node

# What chooses blocks chooses no objects: it is refused, not ignored.
$ for o in --no-sites "--thread 1" "--filter +a" "--include a" "--exclude a" "--domain 0" --leaks --temporary-allocations "--temporary-allocation-threshold 2" --allocations; do tracker-types summary $o tracked; echo $?; done 2>&1 | uniq
> tracker-types: argument --no-sites: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --thread: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --filter: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --include: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --exclude: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --domain: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --leaks: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --temporary-allocations: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --temporary-allocation-threshold: not allowed with argument summary; try 'tracker types --help'
> 2
> tracker-types: argument --allocations: not allowed with argument summary; try 'tracker types --help'
> 2

$ for w in stats history list html; do tracker-types $w --leaks tracked; done 2>&1 | cut -d';' -f1
> tracker-types: argument --leaks: not allowed with argument stats
> tracker-types: argument --leaks: not allowed with argument history
> tracker-types: argument --leaks: not allowed with argument list
> tracker-types: argument --leaks: not allowed with argument html

# Names are harmless for a terminal, and no character is cut in two.
capture harmful
	process 0 name="pro\xe2\x80\xaeram"
	thread 0 main
	class 0 1 "a*\x1b[2J"
	class 0 1 *
	malloc b 40
	annotate b 1 "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4x long"
	class b 8 "\xc2\x9b1m \xff \x1b[1m, and 30 bytes more of a label"
	class 0 9 "\n\xc2\x9b31mred"

$ tracker-types summary harmful
> ---- SUMMARY ------------------------------------------------------------------
> \x9b31mred (0.000s)                      active         40 B      average   pct
>   äääääääääääääää...           1         40 B         40 B  100%
> -------------------------------------------------------------------------------
> No object of 'a*\x1b[2J' was met in pro\u202eram.

$ tracker-types stats harmful
> ...äääääääääääx long  0x00100000 \x9b1m \xff \x1b[1m, and 30 byte...
>   00:00:00.00                          40 B

# A forked process goes on tracking what its parents did: also when it is the only one that is shown, and only its rules are.
capture family
	process 0 pid=100 name=app
	process 1 pid=101 parent=0 fork name=app
	process 2 pid=102 parent=1 fork name=app
	process 3 pid=103 parent=1 fork name=app
	thread 0 process=0 tid=100 main
	thread 1 process=1 tid=101 main
	thread 2 process=2 tid=102 main
	thread 3 process=3 tid=103 main
	class 0 1 geo::*
	class 0 1 never+
	class 0 1 lone
	class 0 9 "\nof the first"
	class 0 7 ""
	class 0 1 geo::*
	class 0 1 never+
	in 1
	malloc 0x1000 1
	in 2
	malloc 0x1000 40
	annotate 0x1000 1 geo::Node
	class 0 9 "\nat last"
	in 3
	malloc 0x1000 50
	annotate 0x1000 1 geo::Edge

$ tracker-types list --pid 102 family; tracker-types list --pid 101 family
> geo::Node
> No objects were tracked.

$ tracker-types summary family
> ---- SUMMARY ------------------------------------------------------------------
> at last (0.000s)                         active         40 B      average   pct
>   geo::Edge                                   0          0 B          0 B    0%
>   geo::Node                                   1         40 B         40 B  100%
> -------------------------------------------------------------------------------
> No object of 'geo::*' was met in app.
> No object of 'never+' was met in app and 2 other processes.

$ tracker-types summary --json --pid 102 family | python3 -c 'import json, sys; r = json.load(sys.stdin); print([(x["pattern"], x["pid"], x["matched"]) for x in r["tracked"]], [s["label"] for s in r["snapshots"]])'
> [('geo::*', 102, 1), ('never', 102, 0)] ['at last (0.000s)']

# A class is listed even if a million objects of others came and went behind its own.
file many.py
	print('class 0 1 *\nmalloc 0x10 8\nannotate 0x10 1 First')
	for i in range(2**20 + 9):
	    if i == 2**20:
	        print('free 0x10\nmalloc 0x10 8\nannotate 0x10 1 Late\nclass 0 9 "\\nlate"\nfree 0x10')
	    print("malloc 0x1000 8\nannotate 0x1000 1 Other\nfree 0x1000")

$ python3 many.py | $MKCAPTURE many && tracker-types list many
> First
> Late
> Other

# The last change of each class is drawn, however close to the one before, whatever other classes do later.
capture ends
	class 0 1 *
	malloc a 8
	annotate a 1 First
	at 1s
	malloc b 8
	annotate b 1 First
	free b
	at 2s
	malloc c 8
	annotate c 1 Second

$ tracker-types html -o page ends >/dev/null; grep -o 'M0 120[^"]*' page
> M0 120H0.0V60.0H720.0V0.0H720.0V60.0
> M0 120H720.0V0.0

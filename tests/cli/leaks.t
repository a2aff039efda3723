# tracker-leaks: stacks, suppressions, the gate.

capture cap
	module app /bin/app main
	module cxx /usr/lib/libstdc++.so.6
	module libc /lib/x86_64-linux-gnu/libc.so.6
	module ld /lib64/ld-linux-x86-64.so.2
	frame start - 0 as=_start module=app
	frame main /src/m.c 10 as=main module=app
	frame work /src/w.c 20 as=work module=app
	frame help /src/h.c 30 as=_ZN4help3runEi module=app
	frame pool - 0 as=- module=cxx
	frame init - 0 as=_dl_init module=ld
	frame dl - 0 as=_dl_new_object module=ld
	frame buffer - 0 as=_IO_file_doallocate module=libc
	frame ctor /src/c.cc 3 as=ctor module=app
	frame stringy - 0 as=_Znwm module=cxx
	stack work work main start
	stack help help work main start
	stack pool pool pool init
	stack dl dl init
	stack buffer buffer main start
	stack ctor ctor init
	stack fromcxx pool main start
	malloc a 100 work
	malloc b 50 work
	malloc c 700 help
	malloc d 72704 pool
	malloc e 1000 dl
	malloc f 4096 buffer
	malloc g 8 ctor
	malloc h 30 fromcxx
	malloc i 1 work
	free i

# The program's own constructor (ctor, called by the loader) and what libstdc++
# allocates for main are leaks; its pool, the loader and stdio are not.
$ tracker-leaks cap
> Leaked: 888 B in 5 blocks from 4 stacks
> Suppressed: 76.0 KiB in 3 blocks
> Not freed: 76.8 KiB in 8 blocks
> tracker run --leak-check tells which of these blocks can still be reached
> 
> 700 B in 1 block
>    at help::run (h.c:30)
>    by work (w.c:20)
>    by main (m.c:10)
>    by _start (in app)
> 150 B in 2 blocks
>    at work (w.c:20)
>    by main (m.c:10)
>    by _start (in app)
> 30 B in 1 block
>    at ??? (in libstdc++.so.6+0x1050)
>    by main (m.c:10)
>    by _start (in app)
> 8 B in 1 block
>    at ctor (c.cc:3)
>    by _dl_init (in ld-linux-x86-64.so.2)

$ tracker-leaks -n 1 --print-suppressions cap
> Leaked: 888 B in 5 blocks from 4 stacks
> Suppressed: 76.0 KiB in 3 blocks
> Not freed: 76.8 KiB in 8 blocks
> tracker run --leak-check tells which of these blocks can still be reached
> 
> 700 B in 1 block
>    at help::run (h.c:30)
>    by work (w.c:20)
>    by main (m.c:10)
>    by _start (in app)
> Suppressions used:
>          1   71.0 KiB  libstdc++: emergency pool for exceptions
>          1     1000 B  loader: modules and thread-local storage
>          1     4096 B  libc: buffers of stdio streams
> 
> 3 more stacks: 188 B in 4 blocks; -n 0 shows all

$ tracker-leaks -n 1 --depth 2 cap
> Leaked: 888 B in 5 blocks from 4 stacks
> Suppressed: 76.0 KiB in 3 blocks
> Not freed: 76.8 KiB in 8 blocks
> tracker run --leak-check tells which of these blocks can still be reached
> 
> 700 B in 1 block
>    at help::run (h.c:30)
>    by work (w.c:20)
>    ... 2 more frames (--depth 0 shows all)
> 3 more stacks: 188 B in 4 blocks; -n 0 shows all

# Filters choose among the stacks; programs get all rows unless -n bounds them, too.
$ tracker-leaks --exclude /src/h.c --filter '+/src/*' cap | sed -n '1p;/^[0-9].* block/p'
> Leaked: 158 B in 3 blocks from 2 stacks
> 150 B in 2 blocks
> 8 B in 1 block

$ for n in "" "-n 0" "-n 1"; do tracker-leaks --csv $n cap | wc -l; done
> 5
> 5
> 2

$ tracker-leaks --no-builtin-suppressions cap | head -n 1
> Leaked: 76.8 KiB in 8 blocks from 7 stacks

!~ tracker-leaks: cap: 92 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
file supp
	# comment
	
	leak:help::run
	race:whatever
	leak:^/src/w*c$

$ tracker-leaks --suppressions supp --print-suppressions cap
> Leaked: 38 B in 2 blocks from 2 stacks
> Suppressed: 76.8 KiB in 6 blocks
> Not freed: 76.8 KiB in 8 blocks
> tracker run --leak-check tells which of these blocks can still be reached
> 
> 30 B in 1 block
>    at ??? (in libstdc++.so.6+0x1050)
>    by main (m.c:10)
>    by _start (in app)
> 8 B in 1 block
>    at ctor (c.cc:3)
>    by _dl_init (in ld-linux-x86-64.so.2)
> Suppressions used:
>          1   71.0 KiB  libstdc++: emergency pool for exceptions
>          1     1000 B  loader: modules and thread-local storage
>          1     4096 B  libc: buffers of stdio streams
>          1      700 B  help::run
>          2      150 B  ^/src/w*c$
> 

!~ tracker-leaks: cap: 79 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
$ tracker-leaks --suppressions supp --fail-on-leak cap | head -n 3
> Leaked: 38 B in 2 blocks from 2 stacks
> Suppressed: 76.8 KiB in 6 blocks
> Not freed: 76.8 KiB in 8 blocks

! tracker-leaks: --fail-on-leak counted: 38 B in 2 blocks leaked
!~ tracker-leaks: cap: 79 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
$ tracker-leaks --fail-on-leak -n 1 cap > out; echo $?
> 3
! tracker-leaks: --fail-on-leak counted: 888 B in 5 blocks leaked

$ tracker-leaks --json --suppressions supp cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["total_count"], r["total_bytes"], r["suppressed_count"], r["suppressed_bytes"]); print([(x["size"], x["count"], [f["function"] for f in x["stack"]]) for x in r["rows"]])'
> 2 38 6 78650
> [(30, 1, [None, 'main', '_start']), (8, 1, ['ctor', '_dl_init'])]

!~ tracker-leaks: cap: 79 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
file bad
	leak:x
	nonsense

$ tracker-leaks --suppressions bad cap
! tracker-leaks: bad:2: not a suppression; write leak:PATTERN, or a block of valgrind's in braces
= 1

$ tracker-leaks --suppressions missing cap
! tracker-leaks: Cannot read missing: No such file or directory
= 1

$ tracker-leaks cap > whole; tracker-leaks cap@end | diff whole -

capture none
	malloc a 5
	free a

$ tracker-leaks --fail-on-leak none
> Leaked: 0 B in 0 blocks from 0 stacks

# What other reports call not freed is leaked and suppressed together, and they name what is suppressed.
$ for r in table tree summary; do tracker-$r --leaks cap > $r; done; tracker-flamegraph --leaks -o page cap; grep -o '"kept_bytes":[1-9][0-9 ]*\|"live_bytes":[0-9 ]*' page | tr -d ' '
> Wrote page
> "kept_bytes":77800
> "live_bytes":78688
! tracker-table: the blocks not freed include 76.0 KiB in 3 blocks that the C and C++ runtimes keep; tracker leaks leaves them out
!~ tracker-table: cap: 92 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
! tracker-tree: the blocks not freed include 76.0 KiB in 3 blocks that the C and C++ runtimes keep; tracker leaks leaves them out
!~ tracker-tree: cap: 92 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
! tracker-summary: the blocks not freed include 76.0 KiB in 3 blocks that the C and C++ runtimes keep; tracker leaks leaves them out
!~ tracker-summary: cap: 92 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
! tracker-flamegraph: the blocks not freed include 76.0 KiB in 3 blocks that the C and C++ runtimes keep; tracker leaks leaves them out
!~ tracker-flamegraph: cap: 92 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*

$ tracker-table cap@end | diff - table

!~ tracker-table: cap: 92 % of the bytes were allocated in libstdc\+\+\.so\.6, which has no names: .*
# libstdc++ in the program: its pool is known by the name of its constructor, whichever that is.
capture inside
	module app /bin/app main
	module libc /lib/x86_64-linux-gnu/libc.so.6
	frame start - 0 as=_start module=app
	frame main /src/m.c 10 as=main module=app
	frame old - 0 as=_GLOBAL__sub_I_eh_alloc.cc module=app
	frame new - 0 as=_GLOBAL__sub_I__ZN9__gnu_cxx9__freeresEv module=app
	frame pool - 0 as=_ZN12_GLOBAL__N_14poolC1Ev module=app
	frame init - 0 as=call_init module=libc
	frame mine - 0 as=_GLOBAL__sub_I_mine.cc module=app
	stack one old init start
	stack two new init start
	stack three pool new init start
	stack mine mine init start
	malloc a 72704 one
	malloc b 72704 two
	malloc c 72704 three
	malloc d 5 mine

$ tracker-leaks --json inside | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["total_bytes"], r["suppressed_bytes"], r["not_freed_bytes"], r["not_freed_count"])'
> 5 218112 218117 4

# Two stacks that look alike are one: what is hidden above may differ, and where in a line, but not what was called.
capture alike
	module app /bin/app main
	module cxx /usr/lib/libstdc++.so.6
	frame main /src/m.c 10 as=main module=app
	frame main2 /src/m.c 10 as=main module=app
	frame work /src/w.c 20 as=work module=app
	frame new - 0 as=_Znwm module=cxx
	frame append - 0 as=_ZNSs6appendEPKc module=cxx
	frame reserve - 0 as=_ZNSs7reserveEm module=cxx
	stack plain new work main
	stack twin new work main2
	stack text new append work main
	stack grown new reserve append work main
	malloc a 100 plain
	malloc b 20 twin
	malloc c 300 text
	malloc d 50 grown

$ tracker-leaks alike
> Leaked: 470 B in 4 blocks from 2 stacks
> tracker run --leak-check tells which of these blocks can still be reached
> 
> 350 B in 2 blocks
>    at work (w.c:20) via std::string::append
>    by main (m.c:10)
> 120 B in 2 blocks
>    at work (w.c:20)
>    by main (m.c:10)

# Stacks that differ in older frames only: where those are not printed they are one.
$ tracker-leaks --csv alike | wc -l
> 3

# What two suppressions name, one for lost blocks only and one for all, is left out once; and so is what one function of two allocated.
capture judged
	module app /bin/app main
	frame main /src/m.c 10 as=main module=app
	frame lose /src/l.c 20 as=lose module=app
	stack l lose main
	stack m main
	malloc 0x1000 100 l
	calloc 0x2000 30 l
	malloc 0x3000 7 m
	look 1
	looked 0 1 0 3
	looked_block 4
	looked_block 4
	looked_block 1
	looked_end

file twice
	{
	   lost ones
	   Memcheck:Leak
	   match-leak-kinds: definite
	   fun:malloc
	   fun:lose
	}
	leak:lose

$ tracker-leaks --suppressions twice judged | head -n 3
> Leaked: 7 B in 1 block from 1 stack
> Suppressed: 130 B in 2 blocks
> Not freed: 137 B in 3 blocks

file some
	{
	   lost ones
	   Memcheck:Leak
	   match-leak-kinds: definite
	   fun:malloc
	   fun:lose
	}
	{
	   all of calloc
	   Memcheck:Leak
	   fun:calloc
	   fun:lose
	}

$ tracker-leaks --csv --suppressions some judged
> verdict,size,count,held_size,held_count,way,stack
> still reachable,7,1,,,something that is not known -> this,main

$ tracker-leaks --json --suppressions some judged | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["total_bytes"], r["suppressed_bytes"], [(x["pattern"], x["size"]) for x in r["suppressions"]])'
> 7 130 [('lost ones', 100), ('all of calloc', 30)]

# tracker-lint: what programs did wrong with the allocator.

capture faults
	module app /bin/app main
	frame main /src/m.cc 10 as=main module=app
	frame make /src/a.cc 20 as=_Z4makev module=app
	frame grow /src/a.cc 30 as=_Z4growv module=app
	frame work /src/w.cc 40 as=_Z4workv module=app
	frame back - 0 as=__restore_rt module=app
	frame handler /src/h.cc 5 as=_Z7handleri module=app
	stack make make main
	stack grow grow main
	stack work work main
	stack handler handler back work main
	# delete of what new[] made, twice; realloc of what new made, three times
	new[] a 100 make
	delete a
	new[] a 100 make
	delete a
	new b 10 work
	realloc b c 20 grow
	free c
	new b 10 work
	realloc b c 30 grow
	free c
	new b 10 work
	realloc b c 40 grow
	free c
	# again, by another function; and again after the address had another block
	malloc d 7 work
	free d
	free d
	malloc d 8 work
	free d
	realloc d e 9 grow
	free e
	# never a block
	free f
	cfree g
	# in a handler
	malloc h 50 handler
	free h
	# nothing
	malloc i 0 work
	calloc j 0 work
	# the same size, and others
	realloc i i 5 grow
	realloc i i 5 grow
	realloc i k 5 grow
	realloc k k 6 grow
	free k
	free j
	# what fits
	posix_memalign l 64 work
	free_sized 0
	free l
	aligned_alloc l 64 work
	free_aligned_sized l
	memalign l 64 work
	free_aligned_sized l
	valloc l 64 work
	free_sized l

$ tracker-lint -n 0 faults
> 11 errors, 1 warning, 4 notes: 12 findings in 16 calls
>
> error: realloc released what new allocated: 3 times, 30 B
>   release it with delete
>   called:
>    at grow (a.cc:30)
>    by main (m.cc:10)
>   allocated:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> error: delete released what new[] allocated: 2 times, 200 B
>   release it with delete[]
>   allocated:
>    at make (a.cc:20)
>    by main (m.cc:10)
>
> error: free_sized released what valloc allocated: 1 time, 64 B
>   release it with free
>   allocated:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> error: free_aligned_sized released what memalign allocated: 1 time, 64 B
>   release it with free
>   allocated:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> error: realloc released what free had released before: 1 time, 8 B
>   release a block once: let one owner do it, and forget the pointer there
>   called:
>    at grow (a.cc:30)
>    by main (m.cc:10)
>   allocated:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> error: free released what free had released before: 1 time, 7 B
>   release a block once: let one owner do it, and forget the pointer there
>   allocated:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> error: free got an address at which no block begins: 1 time
>   release only what an allocation returned: not the middle of a block, and nothing that is not on the heap
>
> error: cfree got an address at which no block begins: 1 time
>   release only what an allocation returned: not the middle of a block, and nothing that is not on the heap
>
> warning: malloc in a signal handler: 1 time, 50 B
>   let the handler only note that the signal came; the interrupted code may hold the allocator's lock
>   called:
>    at handler (h.cc:5)
>    by __restore_rt (in app)
>    by work (w.cc:40)
>    by main (m.cc:10)
>
> note: malloc of no bytes: 1 time
>   leave the call out if there is nothing to store: what it returns differs between allocators
>   called:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> note: calloc of no bytes: 1 time
>   leave the call out if there is nothing to store: what it returns differs between allocators
>   called:
>    at work (w.cc:40)
>    by main (m.cc:10)
>
> note: realloc to the size that the block already had: 2 times, 10 B
>   call realloc only when the size changes
>   called:
>    at grow (a.cc:30)
>    by main (m.cc:10)

$ tracker-lint --level warning --rule signal-handler --fail --quiet faults
= 3

$ tracker-lint --rule same-size-realloc --csv faults
> rule,level,text,count,size,called,allocated_by,released_by,function,file,line,advice,stack
> same-size-realloc,note,realloc to the size that the block already had,2,10,realloc,,,grow,/src/a.cc,30,call realloc only when the size changes,main;grow

$ tracker-lint --rule signal faults
! tracker-lint: argument --rule: no rule is named 'signal' (did you mean 'signal-handler'?); try 'tracker lint --help'
= 2

$ tracker-lint --sarif --json faults
! tracker-lint: argument --sarif: not allowed with argument --json; try 'tracker lint --help'
= 2

# What is not judged: after lost events, after blocks were forgotten, and what a forked child may have of its parent; and what is: a block that
# it has made itself. Operators of the program's own.
capture unjudged
	module app /bin/app main
	frame main /src/m.cc 10 as=main module=app
	frame new - 0 as=_Znwm module=app
	stack main main
	stack own new main
	process 1 pid=1001 parent=0 fork
	thread 1 process=1 tid=1001 main
	malloc a 10 main
	malloc b 20 own
	new c 30 main
	delete b
	free c
	in 1
	free a
	malloc d 40 main
	free d
	free d
	gap 5
	free e
	delete f
	new g 50 main
	free g

$ tracker-lint unjudged
> 2 errors, 0 warnings, 0 notes: 2 findings in 2 calls
>
> error: free released what new allocated: 1 time, 50 B, in test
>   release it with delete
>   allocated:
>    at main (m.cc:10)
>
> error: free released what free had released before: 1 time, 40 B, in test
>   release a block once: let one owner do it, and forget the pointer there
>   allocated:
>    at main (m.cc:10)
> 2 releases of unknown blocks came after lost events, and are not judged
! tracker-lint: warning: unjudged: 5 events were lost: totals are lower bounds

# What failed, and where releases were called: in a program with operators of its own, too.
capture requests
	module app /bin/app main
	frame main /src/m.cc 10 as=main module=app
	frame new - 0 as=_Znwm module=app
	frame delete - 0 as=_ZdlPv module=app
	frame work /src/w.cc 20 as=_Z4workv module=app
	stack main main
	stack work work main
	stack own new work main
	stack deleted delete work main
	request 0 100 5 3 work
	request 0 0xffffffffffffffff 1 0 own
	request 0 100 1 0 work
	aligned_alloc a 100 work
	request a 100 6 64 work
	realloc a 0 0x7fffffffffffffff work
	releasing a work
	free a
	new b 8 work
	releasing b deleted
	free b
	new b 8 work
	releasing b main
	free b
	malloc c 8 work
	releasing c main
	free d

$ tracker-lint --csv requests
> rule,level,text,count,size,called,allocated_by,released_by,function,file,line,advice,stack
> mismatched-release,error,free released what new allocated,1,8,free,new,,main,/src/m.cc,10,release it with delete,main
> invalid-release,error,free got an address at which no block begins,1,0,free,,,,,,"release only what an allocation returned: not the middle of a block, and nothing that is not on the heap",
> bad-alignment,error,posix_memalign with an alignment that it does not take,1,100,posix_memalign,,,work,/src/w.cc,20,pass a power of two; for posix_memalign at least sizeof(void *),main;work
> huge-request,warning,realloc of more bytes than any program can have,1,0,realloc,,,work,/src/w.cc,20,"look how the size is computed: it has overflowed, or was negative",main;work
> huge-request,warning,new of more bytes than any program can have,1,0,new,,,work,/src/w.cc,20,"look how the size is computed: it has overflowed, or was negative",main;work
> uneven-size,note,aligned_alloc of a size that is no multiple of the alignment,1,100,aligned_alloc,,,work,/src/w.cc,20,"round the size up to a multiple of the alignment: C11 demands it, and some C libraries refuse the call",main;work
> failed-request,note,malloc failed,1,100,malloc,,,work,/src/w.cc,20,see that the program copes with it; tracker run --fail-after tries that everywhere,main;work

# What suppressions name is left out: of one rule by a word in any stack of the finding, or as valgrind says it.
file quiet
	# of leaks, and of no rule
	leak:work
	race:work
	signal-handler:^handler
	zero-size:w.cc
	{
	   releases by realloc
	   Memcheck:Free
	   fun:realloc
	   fun:_Z4growv
	}
	{
	   what make allocated
	   Memcheck:Free
	   fun:_Znam
	   src:a.cc:20
	}
	{
	   no free of malloc
	   Memcheck:Leak
	   fun:malloc
	}

$ tracker-lint --csv --suppressions quiet faults | cut -d, -f1,4,6-8
> rule,count,called,allocated_by,released_by
> mismatched-release,1,free_sized,valloc,
> mismatched-release,1,free_aligned_sized,memalign,
> double-release,1,free,malloc,free
> invalid-release,1,free,,
> invalid-release,1,cfree,,
> same-size-realloc,2,realloc,,

$ tracker-lint --suppressions quiet faults | head -n 2
> 5 errors, 0 warnings, 2 notes: 6 findings in 7 calls
> Suppressed: 9 calls

$ tracker-lint --json --suppressions quiet faults | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["suppressed_count"], r["total_count"])'
> 9 7

$ echo mismatched-release >bad; tracker-lint --suppressions bad faults
! tracker-lint: bad:1: not a suppression; write RULE:PATTERN, or a block of valgrind's in braces
= 1

$ tracker-lint --suppressions none faults
! tracker-lint: Cannot read none: No such file or directory
= 1

file all
	mismatched-release:main
	double-release:main
	invalid-release:*
	signal-handler:main
	zero-size:main
	same-size-realloc:main

$ tracker-lint --fail --rule signal-handler --suppressions all faults
> Nothing wrong is found in the 48 calls that were looked at
> Suppressed: 1 call

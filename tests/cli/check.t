# tracker-check: budgets.

capture cap
	module app /bin/app main
	frame start - 0 as=_start module=app
	frame main /src/m.c 10 as=main module=app
	frame block /src/a.c 20 as=_ZN5Audio13process_blockEi module=app
	frame help /src/h.c 30 as=help module=app
	stack outside main start
	stack inside help block main start
	stack inside2 block main start
	malloc a 1000 outside
	malloc b 100 inside
	malloc c 10 inside
	malloc d 5 inside2
	free d
	free c
	free b

$ tracker-check --no-alloc-under 'Audio::process_block' cap
> FAIL --no-alloc-under Audio::process_block: allocations below it: 3, 115 B
>   110 B in 2 allocations
>    at help (h.c:30)
>    by Audio::process_block (a.c:20)
>    by main (m.c:10)
>    by _start (in app)
>   5 B in 1 allocation
>    at Audio::process_block (a.c:20)
>    by main (m.c:10)
>    by _start (in app)
! tracker-check: 1 of 1 checks failed
= 3

$ tracker-check --no-alloc-under '*process_block*' --no-alloc-under help --quiet cap
= 3

$ tracker-check --max-peak 1115 --max-allocations 4 --max-leak 1000 --max-temporary 3 cap
> ok   --max-peak 1115 B: the peak is 1115 B
> ok   --max-allocations 4: allocations: 4
> ok   --max-leak 1000 B: not freed: 1000 B
> ok   --max-temporary 3: temporary allocations: 2

$ tracker-check --max-peak 1109 --max-allocations 3 --max-leak 999 --max-temporary 2 --csv cap
> check,function,limit,found,found_bytes,passed
> max-peak,,1109,1115,,false
> max-allocations,,3,4,,false
> max-leak,,999,1000,,false
> max-temporary,,2,2,,true
! tracker-check: 3 of 4 checks failed
= 3

$ tracker-check cap
> Nothing is checked. These options can have a limit:
>      --max-peak: the peak is 1115 B
>      --max-allocations: allocations: 4
>      --max-leak: not freed: 1000 B
>      --max-temporary: temporary allocations: 2

$ tracker-check --no-alloc-under nowhere cap
! tracker-check: --no-alloc-under nowhere: no function has that name, in the stacks of cap and in the files that it was recorded from; look for the name in tracker report cap, or give a pattern like '*nowhere*'
= 1

$ tracker-check --max-peak 1M cap@50%
! tracker-check: a point (CAPTURE@POINT) is not allowed: a whole capture is checked; try 'tracker check --help'
= 2

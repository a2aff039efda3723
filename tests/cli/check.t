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
> check,function,limit,found,found_bytes,passed,baseline,detail
> max-peak,,1109,1115,,false,,
> max-allocations,,3,4,,false,,
> max-leak,,999,1000,,false,,
> max-temporary,,2,2,,true,,
! tracker-check: 3 of 4 checks failed
= 3

$ tracker-check cap
> Nothing is checked. These options can have a limit:
>      --max-peak: the peak is 1115 B
>      --max-allocations: allocations: 4
>      --max-leak: not freed: 1000 B
>      --max-leak-per-site: not freed, of one stack: 1000 B
>      --max-temporary: temporary allocations: 2

$ tracker-check --no-alloc-under nowhere cap
! tracker-check: --no-alloc-under nowhere: no function has that name, in the stacks of cap and in the files that it was recorded from; look for the name in tracker report cap, or give a pattern like '*nowhere*'
= 1

$ tracker-check --max-peak 1M cap@50%
! tracker-check: a point (CAPTURE@POINT) is not allowed: a whole capture is checked; try 'tracker check --help'
= 2

# Against an older capture: 1,000 bytes and two hundredths of them are 1,020.
capture old
	module app /bin/app main
	frame main /src/m.c 10 as=main module=app
	stack main main
	malloc a 1000 main

capture new
	module app /bin/app main
	frame main /src/m.c 10 as=main module=app
	frame more /src/m.c 11 as=main module=app
	stack main main
	stack more more
	malloc a 1000 main
	malloc b 20 more

$ tracker-check --baseline old --tolerance 2% new
> ok   --baseline old: the peak is 1020 B; it was 1000 B, and may be 1020 B
> FAIL --baseline old: allocations: 2; it was 1, and may be 1
> ok   --baseline old: not freed: 1020 B; it was 1000 B, and may be 1020 B
> ok   --baseline old: temporary allocations: 0; it was 0, and may be 0
! tracker-check: 1 of 4 checks failed
= 3

$ tracker-check --baseline old --tolerance 1.9 --csv new
> check,function,limit,found,found_bytes,passed,baseline,detail
> baseline-peak,,1019,1020,,false,1000,
> baseline-allocations,,1,2,,false,1,
> baseline-leak,,1019,1020,,false,1000,
> baseline-temporary,,0,0,,true,0,
! tracker-check: 3 of 4 checks failed
= 3

$ tracker-check --baseline old --tolerance -1% new
! tracker-check: argument --tolerance: -1% is no share; use 2% or 0.5%; try 'tracker check --help'
= 2

# Names that mean something in each form are text there.
capture hostile
	module app /bin/app main
	frame evil /src/a%,:b.c 7 "as=f&\"|]#\\1::operator<" module=app
	stack evil evil
	malloc a 1000 evil

$ tracker-check --format junit --max-leak 0 hostile
> <?xml version="1.0" encoding="UTF-8"?>
> <testsuites>
>   <testsuite name="tracker check hostile" tests="1" failures="1" errors="0" skipped="0" time="0">
>     <testcase classname="tracker.check" name="max-leak" time="0">
>       <failure type="budget" message="not freed: 1000 B; allowed: 0 B">at f&amp;&quot;|]#\1::operator&lt; (/src/a%,:b.c:7)
> </failure>
>     </testcase>
>   </testsuite>
> </testsuites>
! tracker-check: 1 of 1 checks failed
= 3

$ tracker-check --format github --max-leak 0 hostile
> ::error title=tracker check%3A max-leak,file=/src/a%25%2C%3Ab.c,line=7::not freed: 1000 B; allowed: 0 B%0Aat f&"|]#\1::operator< (/src/a%25,:b.c:7)
> 1 of 1 checks failed
! tracker-check: 1 of 1 checks failed
= 3

$ tracker-check --format tap --no-alloc-under 'f&*#*' hostile
> TAP version 13
> 1..1
> not ok 1 - no-alloc-under f&*\#*
> # allocations below it: 1, 1000 B; allowed: 0
> # at f&"|]#\1::operator< (/src/a%,:b.c:7)
! tracker-check: 1 of 1 checks failed
= 3

# tracker-growth: what it prints of small captures. What grows and what does not is tested in integration/growth.py.

# In 40 s: a block of 1000 bytes a second that stays, 12 larger ones, and one that does not.
capture leaky
	module app /bin/app main
	frame main /src/a.c 90 as=main module=app
	frame session /src/a.c 23 as=session module=app
	frame report /src/a.c 40 as=report module=app
	frame work /src/a.c 31 as=work module=app
	stack session session main
	stack report report main
	stack work work main
	at 1s
	malloc s0 1000 session
	malloc w 50 work
	free w
	at 2s
	malloc s1 1000 session
	malloc w 50 work
	free w
	at 3s
	malloc s2 1000 session
	malloc w 50 work
	free w
	malloc r2 1001 report
	at 4s
	malloc s3 1000 session
	malloc w 50 work
	free w
	at 5s
	malloc s4 1000 session
	malloc w 50 work
	free w
	at 6s
	malloc s5 1000 session
	malloc w 50 work
	free w
	malloc r5 1001 report
	at 7s
	malloc s6 1000 session
	malloc w 50 work
	free w
	at 8s
	malloc s7 1000 session
	malloc w 50 work
	free w
	at 9s
	malloc s8 1000 session
	malloc w 50 work
	free w
	malloc r8 1001 report
	at 10s
	malloc s9 1000 session
	malloc w 50 work
	free w
	mark one
	at 11s
	malloc s10 1000 session
	malloc w 50 work
	free w
	at 12s
	malloc s11 1000 session
	malloc w 50 work
	free w
	malloc r11 1001 report
	at 13s
	malloc s12 1000 session
	malloc w 50 work
	free w
	at 14s
	malloc s13 1000 session
	malloc w 50 work
	free w
	at 15s
	malloc s14 1000 session
	malloc w 50 work
	free w
	malloc r14 1001 report
	at 16s
	malloc s15 1000 session
	malloc w 50 work
	free w
	at 17s
	malloc s16 1000 session
	malloc w 50 work
	free w
	at 18s
	malloc s17 1000 session
	malloc w 50 work
	free w
	malloc r17 1001 report
	at 19s
	malloc s18 1000 session
	malloc w 50 work
	free w
	at 20s
	malloc s19 1000 session
	malloc w 50 work
	free w
	at 21s
	malloc s20 1000 session
	malloc w 50 work
	free w
	malloc r20 1001 report
	free s3
	at 22s
	malloc s21 1000 session
	malloc w 50 work
	free w
	at 23s
	malloc s22 1000 session
	malloc w 50 work
	free w
	at 24s
	malloc s23 1000 session
	malloc w 50 work
	free w
	malloc r23 1001 report
	at 25s
	malloc s24 1000 session
	malloc w 50 work
	free w
	at 26s
	malloc s25 1000 session
	malloc w 50 work
	free w
	at 27s
	malloc s26 1000 session
	malloc w 50 work
	free w
	malloc r26 1001 report
	at 28s
	malloc s27 1000 session
	malloc w 50 work
	free w
	at 29s
	malloc s28 1000 session
	malloc w 50 work
	free w
	at 30s
	malloc s29 1000 session
	malloc w 50 work
	free w
	malloc r29 1001 report
	mark two
	at 31s
	malloc s30 1000 session
	malloc w 50 work
	free w
	at 32s
	malloc s31 1000 session
	malloc w 50 work
	free w
	at 33s
	malloc s32 1000 session
	malloc w 50 work
	free w
	malloc r32 1001 report
	at 34s
	malloc s33 1000 session
	malloc w 50 work
	free w
	at 35s
	malloc s34 1000 session
	malloc w 50 work
	free w
	at 36s
	malloc s35 1000 session
	malloc w 50 work
	free w
	malloc r35 1001 report
	at 37s
	malloc s36 1000 session
	malloc w 50 work
	free w
	at 38s
	malloc s37 1000 session
	malloc w 50 work
	free w
	at 39s
	malloc s38 1000 session
	malloc w 50 work
	free w
	malloc r38 1001 report
	at 40s
	malloc s39 1000 session
	malloc w 50 work
	free w

$ tracker-growth leaky
> Grows by 1334 B/s in 2 places, judged from 0.000 s to 40.000 s: 50.8 KiB in 52 blocks
>
> a.c:23 session +1000 B/s 38.1 KiB in 39 blocks, 1 of 40 freed
>     from main (a.c:90)
> a.c:40 report +334 B/s 12.7 KiB in 13 blocks, none freed
>     from main (a.c:90)
>
> tracker tree --filter '+/src/a.c:23' leaky@end shows the stacks of the first

$ tracker-growth -n 1 leaky
> Grows by 1334 B/s in 2 places, judged from 0.000 s to 40.000 s: 50.8 KiB in 52 blocks
>
> a.c:23 session +1000 B/s 38.1 KiB in 39 blocks, 1 of 40 freed
>     from main (a.c:90)
>
> tracker tree --filter '+/src/a.c:23' leaky@end shows the stacks of the first
> 1 more place; -n 0 shows all

$ tracker-growth --include '*:40' leaky@one..
> Nothing grows steadily from 10.000 s to 40.000 s (103 events)

$ tracker-growth leaky@5s..6s
> Nothing grows steadily from 5.000 s to 6.000 s (4 events)

$ tracker-growth leaky@nowhere
! tracker-growth: leaky: the capture has no mark 'nowhere'; its marks are: one, two
= 1

$ tracker-growth --thread 12 leaky
! tracker-growth: No thread 12 in leaky; tracker table -g thread --allocations leaky lists its threads
= 1

$ tracker-growth --csv leaky
> location,function,file,line,pid,process_count,stack_count,pattern,freed_at_end,bytes_per_second,bytes_per_1000_events,bytes_per_mark,mark,size,count,freed,freed_is_exact,stack
> a.c:23 session,session,/src/a.c,23,1000,1,1,kept,false,1000,294117.64705882355,,,39000,39,1,true,main;session
> a.c:40 report,report,/src/a.c,40,1000,1,1,kept,false,333.65,98132.35294117646,,,13013,13,0,true,main;report

# A limit holds in JSON, too.
$ tracker-growth -n 1 --json leaky | python3 -c 'import json, sys; print([r["location"] for r in json.load(sys.stdin)["rows"]])'
> ['a.c:23 session']

# Without one, everything is in it.
$ tracker-growth --json leaky | python3 -c 'import json, sys; t = json.load(sys.stdin); print(t["judged"], t["total_size"], t["total_count"], t["by_process"]); [print(r["location"], r["pattern"], round(r["bytes_per_second"]), r["size"], r["count"], r["freed"], r["mark"], [f["function"] for f in r["stack"]]) for r in t["rows"]]'
> {'from_ns': 0, 'to_ns': 40000000000, 'events': 136, 'live_sets': None, 'short_processes': 0, 'processes_left_out': 0} 52013 52 False
> a.c:23 session kept 1000 39000 39 1 None ['session', 'main']
> a.c:40 report kept 334 13013 13 0 None ['report', 'main']

# A mark for each request; ten are enough for a rate.
capture requests
	frame session /src/a.c 23 as=session
	stack session session
	at 1ms
	mark request
	malloc s0 64 session
	at 11ms
	mark request
	malloc s1 64 session
	at 21ms
	mark request
	malloc s2 64 session
	at 31ms
	mark request
	malloc s3 64 session
	at 41ms
	mark request
	malloc s4 64 session
	at 51ms
	mark request
	malloc s5 64 session
	at 61ms
	mark request
	malloc s6 64 session
	at 71ms
	mark request
	malloc s7 64 session
	at 81ms
	mark request
	malloc s8 64 session
	at 91ms
	mark request
	malloc s9 64 session
	at 101ms
	mark request
	malloc s10 64 session
	at 111ms
	mark request
	malloc s11 64 session
	at 121ms
	mark request
	malloc s12 64 session
	at 131ms
	mark request
	malloc s13 64 session
	at 141ms
	mark request
	malloc s14 64 session
	at 151ms
	mark request
	malloc s15 64 session
	at 161ms
	mark request
	malloc s16 64 session
	at 171ms
	mark request
	malloc s17 64 session
	at 181ms
	mark request
	malloc s18 64 session
	at 191ms
	mark request
	malloc s19 64 session

$ tracker-growth requests
> Grows by 31.2 KiB per 1,000 events in 1 place, judged from 0.000 s to 0.191 s: 1280 B in 20 blocks
>
> a.c:23 session +31.2 KiB per 1,000 events 1280 B in 20 blocks, none freed
>     +64 B per mark request
>
> tracker tree --filter '+/src/a.c:23' requests@end shows the stacks of the first

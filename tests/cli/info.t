# tracker-info: processes, modules, health, completeness.

capture cap
	header start=1700000000000000000
	process 0 pid=100 ppid=99 name=sh exe=/bin/sh args="sh\0-c\0a & b\0" end=5ms exit=3 host=ada libc="glibc 2.36"
	process 1 pid=101 ppid=100 parent=0 fork name=a args="a\0" start=1ms end=3ms signal=9 execs=1
	process 2 pid=102 ppid=100 parent=0 fork name=b args="b\0" start=2ms
	thread 0 process=0 tid=100 main
	thread 1 process=1 tid=101 main
	thread 2 process=1 tid=103
	module app /bin/app build-id=00ff01 main
	module lib /lib/x.so
	frame main /src/m.c 10 as=main module=app
	frame bare - 0 module=app bare
	frame other - 0 module=lib bare
	stack one main bare
	stack two other main
	malloc 16 1 one
	malloc 32 2 two
	health lost 0
	health stalls 4
	health truncated_stacks 12
	health truncated_by_depth 0
	health truncated_no_unwind_info 7
	health truncated_unknown_rule 3
	health truncated_off_stack 2
	notice "3 modules were rebuilt"

$ tracker-info cap | grep -v '^Events'
> Capture: cap
> Format version: 1
> Recorded: 2023-11-14T22:13:20.000000+00:00 for 0.005 s
> Complete: yes
> Machine: ada, glibc 2.36
> Stacks: 4 call-tree nodes, 3 frames
> Processes:
>   100 sh, parent 99, 1 thread, from 0.000 s, exit status 3 at 0.005 s: sh -c 'a & b'
>   101 a, parent 100, 2 threads, from 0.001 s, killed by SIGKILL at 0.003 s: a
>   102 b, parent 100, 0 threads, from 0.002 s, end not known: b
> Modules:
>   /bin/app: build-id 00ff01, symbols partly embedded (1 of 2 frames)
>   /lib/x.so: build-id none, symbols not looked up (0 of 1 frames)
> Health:
>   stalls: 4 (times that a thread of the program waited for the recorder)
>   truncated_stacks: 12 (stacks that lack their oldest frames, for the reasons below)
>   truncated_no_unwind_info: 7 (a frame is in code without unwind information: code made at run time (JIT), or assembly)
>   truncated_unknown_rule: 3 (the unwind information of a frame cannot be followed: it is damaged, or of a kind that tracker does not know)
>   truncated_off_stack: 2 (the unwind information of a frame leads out of the stack: the stack was overwritten, or the information is wrong)
>   2 other figures: 0; -n 0 shows all
> Notices:
>   3 modules were rebuilt

$ tracker-info --json cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["truncated"], r["events"], r["notices"], r["health"], r["duration_ns"], r["start_time"]); print([(p["pid"], p["ppid"], p["name"], p["command_line"], p["start_ns"], p["end_ns"], p["status"], p["signal"], p["threads"]) for p in r["processes"]]); print([(m["path"], m["build_id"], m["symbols"]) for m in r["modules"]])'
> False 2 ['3 modules were rebuilt'] {'lost': 0, 'stalls': 4, 'truncated_stacks': 12, 'truncated_by_depth': 0, 'truncated_no_unwind_info': 7, 'truncated_unknown_rule': 3, 'truncated_off_stack': 2} 5000000 2023-11-14T22:13:20.000000+00:00
> [(100, 99, 'sh', "sh -c 'a & b'", 0, 5000000, 3, None, 1), (101, 100, 'a', 'a', 1000000, 3000000, None, 9, 2), (102, 100, 'b', 'b', 2000000, None, None, None, 0)]
> [('/bin/app', '00ff01', 'partly embedded'), ('/lib/x.so', None, 'not looked up')]

$ tracker-info --json cap | python3 -c 'import json, sys; [print(p["hostname"], p["system"], p["libc"]) for p in json.load(sys.stdin)["processes"]]'
> ada None glibc 2.36
> None None None
> None None None

$ tracker-info --json cap | python3 -c 'import json, sys; [print(c["reason"], c["count"], c["meaning"].split(":")[0]) for c in json.load(sys.stdin)["truncated_stacks"]]'
> truncated_no_unwind_info 7 a frame is in code without unwind information
> truncated_unknown_rule 3 the unwind information of a frame cannot be followed
> truncated_off_stack 2 the unwind information of a frame leads out of the stack

$ tracker-info --pid 101 cap | grep -A 2 Processes
> Processes:
>   101 a, parent 100, 2 threads, from 0.001 s, killed by SIGKILL at 0.003 s: a
> Modules:

capture cut
	malloc 16 1
	flush
	malloc 32 2
	cut

$ tracker-info --json cut | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["truncated"], r["events"], r["damage"])'
> True 2 its recorder was killed
! tracker-info: warning: cut: the recorder was killed: events up to 0.000 s are in the capture

# A byte of the events flipped: found without decoding any.
$ python3 -c 'import sys; b = bytearray(open("cap", "rb").read()); at = [i for i in range(len(b)) if b[i:i + 6] == b"TRKB\x0f\x00"][0]; b[at + 50] ^= 1; open("flipped", "wb").write(b)'

$ tracker-info flipped | grep Complete
> Complete: no, 1 damaged block skipped: totals are lower bounds (a block of events is damaged; 1 damaged block)
! tracker-info: warning: flipped: 1 damaged block skipped: totals are lower bounds

$ tracker-info cap@end
! tracker-info: a point (CAPTURE@POINT) is not allowed: info describes the whole capture; try 'tracker info --help'
= 2

$ tracker-info missing
! tracker-info: No such file: missing
= 1

# Every report says that events were lost, whether health or only a gap tells.
capture gap
	malloc 16 1
	gap 7
	cut

$ for r in stats table temporary leaks tree summary; do tracker-$r gap 2>&1 > out | grep -c '7 events were lost: totals are lower bounds'; done
> 1
> 1
> 1
> 1
> 1
> 1

# The same keys begin every object.
$ for r in stats table temporary leaks tree summary info flamegraph; do tracker-$r --json cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(r["schema"], r["schema_version"], r["capture"])'; done
> tracker.stats 1 cap
> tracker.table 1 cap
> tracker.temporary 1 cap
> tracker.leaks 1 cap
> tracker.tree 1 cap
> tracker.summary 1 cap
> tracker.info 1 cap
> tracker.flamegraph 1 cap

! tracker-stats: cap: 67 % of the bytes were allocated in x.so, which has no names: the file is not on this machine; run tracker symbolize where it is
! tracker-table: cap: 67 % of the bytes were allocated in x.so, which has no names: the file is not on this machine; run tracker symbolize where it is
! tracker-leaks: cap: 67 % of the bytes were allocated in x.so, which has no names: the file is not on this machine; run tracker symbolize where it is
! tracker-tree: cap: 67 % of the bytes were allocated in x.so, which has no names: the file is not on this machine; run tracker symbolize where it is
! tracker-summary: cap: 67 % of the bytes were allocated in x.so, which has no names: the file is not on this machine; run tracker symbolize where it is
! tracker-flamegraph: cap: 67 % of the bytes were allocated in x.so, which has no names: the file is not on this machine; run tracker symbolize where it is
# A report does not replace the capture it is of, by whatever name.
$ cp cap own; ln -s own link; ln own hard; for o in own ./own link hard; do for r in stats table temporary leaks tree summary info dump flamegraph; do tracker-$r -f -o $o own 2>&1; done; tracker-diff -f -o $o cap own 2>&1; done | grep -c 'is the capture itself and will not be overwritten; choose another name'; cmp cap own
> 40

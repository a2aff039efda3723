# tracker-dump: one line an event, reallocs in one, stacks, header.

capture cap
	header start=1700000000000000000
	process 0 pid=100 name=app args="app\0" host=ada system="Linux 6.1.0 x86_64" libc="glibc 2.36"
	thread 0 tid=100 main
	thread 1 tid=101
	module app /bin/app build-id=00ff main
	frame main /src/m.c 10 as=main module=app offset=0x1234
	frame malloc - 0 as=malloc module=app offset=0x10
	stack one malloc main
	malloc 16 100 one
	realloc 16 32 200 one
	realloc 32 0 999 one
	in 1
	after 1ms
	new[] 48 8
	in 0
	realloc_release 32
	in 1
	delete[] 48
	in 0
	realloc_acquire 32 64 300 one
	realloc_release 64
	realloc_withdraw 64 4000
	mmap 4096 8192
	mremap 4096 8192 65536 4096
	munmap 65536 1
	track 7 5 50
	untrack 7 5
	mark "a \"b\" \x1b"
	gap 3

$ tracker-dump cap | cat
> 0.000000000 100/0x64 malloc 0x10 size 100 stack 2
> 0.000000000 100/0x64 realloc_release 0x10 id 1
> 0.000000000 100/0x64 realloc 0x10 -> 0x20 size 200 id 1 stack 2
> 0.000000000 100/0x64 realloc 0x20 -> failed size 999 stack 2
> 0.001000000 100/0x65 new 0x30 size 8
> 0.001000000 100/0x64 realloc_release 0x20 id 5
> 0.001000000 100/0x65 delete 0x30
> 0.001000000 100/0x64 realloc 0x20 -> 0x40 size 300 id 5 stack 2
> 0.001000000 100/0x64 realloc_release 0x40 id 8
> 0.001000000 100/0x64 realloc 0x40 -> failed size 4000 id 8
> 0.001000000 100/0x64 mmap 0x1000 size 8192
> 0.001000000 100/0x64 mremap_release 0x1000 size 8192 id 11
> 0.001000000 100/0x64 mremap 0x1000 size 8192 -> 0x10000 size 4096 id 11
> 0.001000000 100/0x64 munmap 0x10000 size 1
> 0.001000000 100/0x64 track 0x5 size 50 domain 7
> 0.001000000 100/0x64 untrack 0x5 domain 7
> 0.001000000 100/0x64 mark a "b" \x1b
> 0.001000000 100/0x64 gap lost 3

$ tracker-dump --json cap | cat
> {"seq":0,"time_ns":0,"pid":100,"tid":100,"kind":"malloc","address":16,"size":100,"stack":2,"total_nframe":2}
> {"seq":1,"time_ns":0,"pid":100,"tid":100,"kind":"realloc_release","id":1,"half":"release","address":16}
> {"seq":2,"time_ns":0,"pid":100,"tid":100,"kind":"realloc","id":1,"half":"allocate","address":32,"size":200,"old_address":16,"stack":2,"total_nframe":2}
> {"seq":3,"time_ns":0,"pid":100,"tid":100,"kind":"realloc","address":null,"failed":true,"size":999,"old_address":32,"stack":2,"total_nframe":2}
> {"seq":4,"time_ns":1000000,"pid":100,"tid":101,"kind":"new","address":48,"size":8,"stack":0,"total_nframe":0}
> {"seq":5,"time_ns":1000000,"pid":100,"tid":100,"kind":"realloc_release","id":5,"half":"release","address":32}
> {"seq":6,"time_ns":1000000,"pid":100,"tid":101,"kind":"delete","address":48}
> {"seq":7,"time_ns":1000000,"pid":100,"tid":100,"kind":"realloc","id":5,"half":"allocate","address":64,"size":300,"old_address":32,"stack":2,"total_nframe":2}
> {"seq":8,"time_ns":1000000,"pid":100,"tid":100,"kind":"realloc_release","id":8,"half":"release","address":64}
> {"seq":9,"time_ns":1000000,"pid":100,"tid":100,"kind":"realloc","id":8,"half":"withdraw","address":null,"failed":true,"size":4000,"old_address":64,"stack":0,"total_nframe":0}
> {"seq":10,"time_ns":1000000,"pid":100,"tid":100,"kind":"mmap","address":4096,"size":8192,"stack":0,"total_nframe":0}
> {"seq":11,"time_ns":1000000,"pid":100,"tid":100,"kind":"mremap_release","id":11,"half":"release","address":4096,"size":8192}
> {"seq":12,"time_ns":1000000,"pid":100,"tid":100,"kind":"mremap","id":11,"half":"allocate","address":65536,"size":4096,"old_address":4096,"old_size":8192,"stack":0,"total_nframe":0}
> {"seq":13,"time_ns":1000000,"pid":100,"tid":100,"kind":"munmap","address":65536,"size":1}
> {"seq":14,"time_ns":1000000,"pid":100,"tid":100,"kind":"track","address":5,"size":50,"domain":7,"stack":0,"total_nframe":0}
> {"seq":15,"time_ns":1000000,"pid":100,"tid":100,"kind":"untrack","address":5,"domain":7}
> {"seq":16,"time_ns":1000000,"pid":100,"tid":100,"kind":"mark","stack":0,"total_nframe":0,"label":"a \"b\" \u001b"}
> {"seq":17,"time_ns":1000000,"pid":100,"tid":100,"kind":"gap","lost":3}

$ tracker-dump --json --stacks cap | head -n 1
> {"seq":0,"time_ns":0,"pid":100,"tid":100,"kind":"malloc","address":16,"size":100,"stack":2,"total_nframe":2,"frames":[{"function":"malloc","file":"/bin/app","line":0,"module":"/bin/app","offset":16,"inlined":false},{"function":"main","file":"/src/m.c","line":10,"module":"/bin/app","offset":4660,"inlined":false}]}

$ tracker-dump --stacks cap | head -n 3
> 0.000000000 100/0x64 malloc 0x10 size 100 stack 2
>     malloc (/bin/app:0)
>     main (/src/m.c:10)

$ tracker-dump --csv cap | cat
> seq,time_ns,pid,tid,kind,id,half,address,failed,size,old_address,old_size,domain,lost,count,number,reserved,arena,access,advice,stack,total_nframe,label,domain_name,call,alignment
> 0,0,100,100,malloc,,,16,,100,,,,,,,,,,,2,2,,,,
> 1,0,100,100,realloc_release,1,release,16,,,,,,,,,,,,,,,,,,
> 2,0,100,100,realloc,1,allocate,32,,200,16,,,,,,,,,,2,2,,,,
> 3,0,100,100,realloc,,,,true,999,32,,,,,,,,,,2,2,,,,
> 4,1000000,100,101,new,,,48,,8,,,,,,,,,,,0,0,,,,
> 5,1000000,100,100,realloc_release,5,release,32,,,,,,,,,,,,,,,,,,
> 6,1000000,100,101,delete,,,48,,,,,,,,,,,,,,,,,,
> 7,1000000,100,100,realloc,5,allocate,64,,300,32,,,,,,,,,,2,2,,,,
> 8,1000000,100,100,realloc_release,8,release,64,,,,,,,,,,,,,,,,,,
> 9,1000000,100,100,realloc,8,withdraw,,true,4000,64,,,,,,,,,,0,0,,,,
> 10,1000000,100,100,mmap,,,4096,,8192,,,,,,,,,,,0,0,,,,
> 11,1000000,100,100,mremap_release,11,release,4096,,8192,,,,,,,,,,,,,,,,
> 12,1000000,100,100,mremap,11,allocate,65536,,4096,4096,8192,,,,,,,,,0,0,,,,
> 13,1000000,100,100,munmap,,,65536,,1,,,,,,,,,,,,,,,,
> 14,1000000,100,100,track,,,5,,50,,,7,,,,,,,,0,0,,,,
> 15,1000000,100,100,untrack,,,5,,,,,7,,,,,,,,,,,,,
> 16,1000000,100,100,mark,,,,,,,,,,,,,,,,0,0,"a ""b"" ",,,
> 17,1000000,100,100,gap,,,,,,,,,3,,,,,,,,,,,,

$ tracker-dump --csv --stacks cap | head -3
> seq,time_ns,pid,tid,kind,id,half,address,failed,size,old_address,old_size,domain,lost,count,number,reserved,arena,access,advice,stack,total_nframe,label,domain_name,call,alignment,frames
> 0,0,100,100,malloc,,,16,,100,,,,,,,,,,,2,2,,,,,main;malloc
> 1,0,100,100,realloc_release,1,release,16,,,,,,,,,,,,,,,,,,,

$ tracker-dump --csv --header cap | head -3
> key,value
> schema,tracker.dump.header
> schema_version,1
! tracker-dump: warning: cap: 3 events were lost: totals are lower bounds

$ tracker-dump --csv --json cap
! tracker-dump: argument --csv: not allowed with argument --json; try 'tracker dump --help'
= 2

$ tracker-dump --json cap | python3 -c 'import json, sys; print(len([json.loads(l) for l in sys.stdin]))'
> 18

$ tracker-dump --header cap
> start_time: 2023-11-14T22:13:20.000000+00:00
> end_time: 2023-11-14T22:13:20.001000+00:00
> total_allocations: 7
> total_frees: 6
> total_frames: 2
> peak_memory: 8492
> command_line: app
> pid: 100
> format_version: 1
> page_size: 4096
> hostname: ada
> system: Linux 6.1.0 x86_64
> libc: glibc 2.36
! tracker-dump: warning: cap: 3 events were lost: totals are lower bounds

$ tracker-dump --header --json cap | python3 -c 'import json, sys; r = json.load(sys.stdin); print(sorted(r)); print(r["build_ids"], r["total_allocations"], r["total_frees"], r["peak_memory"]); print(r["hostname"], r["system"], r["libc"])'
> ['allocator', 'build_ids', 'command_line', 'complete', 'end_time', 'file_format', 'format_version', 'has_native_traces', 'hostname', 'incomplete', 'libc', 'main_thread_id', 'page_size', 'peak_memory', 'pid', 'schema', 'schema_version', 'start_time', 'system', 'total_allocations', 'total_frames', 'total_frees']
> {'/bin/app': '00ff'} 7 6 8492
> ada Linux 6.1.0 x86_64 glibc 2.36
! tracker-dump: warning: cap: 3 events were lost: totals are lower bounds

# A terminal gets nothing.
$ python3 -c 'import os, pty; print(os.waitstatus_to_exitcode(pty.spawn(["tracker-dump", "cap"])))' | tr -d '\r'
> tracker-dump: You must redirect stdout to a file or shell pipeline.
> 1

$ tracker-dump cap > all; tracker-dump cap@end 2> warning | diff all -

$ tracker-dump --header cap@end
! tracker-dump: a point (CAPTURE@POINT) is not allowed with --header; try 'tracker dump --help'
= 2

$ tracker-dump cap@nowhere > out
! tracker-dump: cap: the capture has no mark 'nowhere'; its marks are: a "b" \x1b
= 1

$ tracker-dump missing > out
! tracker-dump: No such file: missing
= 1

# tracker-memory: what resident memory consisted of.

capture cap
	module app /bin/app main
	frame main /src/m.c 10 as=main module=app
	frame keep /src/k.c 20 as=keep module=app
	stack k keep main
	stack m main
	process 0 pid=100 name=app
	thread 0 process=0 tid=100 main
	malloc 0x10010 100 k
	malloc 0x10080 24 m
	malloc 0x13010 4000 m
	malloc 0x4000100 300 k
	malloc 0x9000010 9000 m
	look 1
	looked 0 1 0 5 "" loaded
	looked_block 0
	looked_block 0
	looked_block 0
	looked_block 0
	looked_block 0
	looked_end
	memory 0 1 5 53248
	memory_area 1 0x1000 0x3000 8192 0 0 0 /bin/app
	memory_area 4 0x10000 0x15000 16384 4096 0 0 ""
	memory_run 2 1
	memory_run 1 2
	memory_run 2 1
	memory_area 5 0x4000000 0x4002000 4096 0 4096 0 ""
	memory_run 1 1
	memory_run 1 0
	memory_area 6 0x9000000 0x9003000 8192 0 0 0 ""
	memory_run 2 1
	memory_run 1 0
	memory_area 2 0xb000000 0xb002000 4096 0 0 100 ""
	memory_area 8 0xc000000 0xc002000 4096 4096 0 0 ""
	memory_area 11 0xf000000 0xf001000 4096 0 0 0 ""
	memory_area 12 0xf100000 0xf101000 4096 0 0 0 ""
	memory_chunk 0x10090 0x20 1
	memory_chunk 0x100b0 0x2f50 5
	memory_chunk 0x13fb0 0x1050 6
	memory_chunk 0x4000000 0xf0 7
	memory_chunk 0x4000230 0x1dd0 6
	memory_extra 4 3272 16
	memory_content 0
	memory_content 1
	memory_content 2
	memory_content 0
	memory_content 2
	memory_end

$ tracker-memory cap
> app (pid 1000) had 52.0 KiB in memory at the mark loaded, of which
>       size    share  what
>   12.3 KiB   23.66%  live blocks, as many bytes as were asked for
>       24 B    0.05%  live blocks, what they were rounded up by
>       48 B    0.09%  headers of live blocks
>     7696 B   14.45%  free: at the ends of heaps
>     8016 B   15.05%  free: between blocks, in pieces of 1 KiB or more
>       32 B    0.06%  free: in the caches of threads (tcache)
>      248 B    0.47%  tables of the allocator
>        8 B    0.02%  held by the allocator, it is not known for what
>     4096 B    7.69%  mapped by the program itself
>     4096 B    7.69%  stacks of threads
>     8192 B   15.38%  executables, libraries and other files
>     4096 B    7.69%  tracker itself
>     4096 B    7.69%  other private memory
> Not in memory: 824 B of live blocks, which were never touched.
> Swapped out: 8192 B.
> In huge pages: 4096 B.
> malloc_trim(0) would give back 8192 B.
> Heaps of other threads of which blocks take less than a tenth: 1, 4096 B in all, for 1 block.
> Files, by what of them is in memory:
>   8192 B of /bin/app
> 2 pages of which blocks take at most a quarter hold 7488 B that is free. By the stacks of these blocks:
> 5512 B free around 2 blocks
>    at keep (k.c:20)
>    by main (m.c:10)
> 1976 B free around 1 block
>    at main (m.c:10)

$ tracker-memory --csv cap
> row,size,swapped,share,what
> live,12600,0,23.662860576923077,"live blocks, as many bytes as were asked for"
> slack,24,0,0.045072115384615384,"live blocks, what they were rounded up by"
> headers,48,0,0.09014423076923077,headers of live blocks
> free_top,7696,0,14.453125,free: at the ends of heaps
> free_large,8016,4096,15.054086538461538,"free: between blocks, in pieces of 1 KiB or more"
> free_tcache,32,0,0.06009615384615385,free: in the caches of threads (tcache)
> allocator,248,0,0.4657451923076923,tables of the allocator
> held,8,0,0.015024038461538462,"held by the allocator, it is not known for what"
> mapped,4096,4096,7.6923076923076925,mapped by the program itself
> stacks,4096,0,7.6923076923076925,stacks of threads
> files,8192,0,15.384615384615385,"executables, libraries and other files"
> tracker,4096,0,7.6923076923076925,tracker itself
> unknown,4096,0,7.6923076923076925,other private memory

$ tracker-memory --duplicates --depth 1 cap@loaded
> app (pid 1000): copies of other blocks are 9000 B in 1 block, of 1 original.
> Blocks of zeros are 24 B in 1 block, of which 24 B is in memory.
> copies: 9000 B in 1 block
>    at main (m.c:10)
> zeros: 24 B in 1 block
>    at main (m.c:10)

$ tracker-memory --duplicates --csv cap
> kind,size,count,stack
> copies,9000,1,main
> zeros,24,1,main

$ tracker-memory cap@1s
> app (pid 1000) had 52.0 KiB in memory at the mark loaded, of which
>       size    share  what
>   12.3 KiB   23.66%  live blocks, as many bytes as were asked for
>       24 B    0.05%  live blocks, what they were rounded up by
>       48 B    0.09%  headers of live blocks
>     7696 B   14.45%  free: at the ends of heaps
>     8016 B   15.05%  free: between blocks, in pieces of 1 KiB or more
>       32 B    0.06%  free: in the caches of threads (tcache)
>      248 B    0.47%  tables of the allocator
>        8 B    0.02%  held by the allocator, it is not known for what
>     4096 B    7.69%  mapped by the program itself
>     4096 B    7.69%  stacks of threads
>     8192 B   15.38%  executables, libraries and other files
>     4096 B    7.69%  tracker itself
>     4096 B    7.69%  other private memory
> Not in memory: 824 B of live blocks, which were never touched.
> Swapped out: 8192 B.
> In huge pages: 4096 B.
> malloc_trim(0) would give back 8192 B.
> Heaps of other threads of which blocks take less than a tenth: 1, 4096 B in all, for 1 block.
> Files, by what of them is in memory:
>   8192 B of /bin/app
> 2 pages of which blocks take at most a quarter hold 7488 B that is free. By the stacks of these blocks:
> 5512 B free around 2 blocks
>    at keep (k.c:20)
>    by main (m.c:10)
> 1976 B free around 1 block
>    at main (m.c:10)

$ tracker-memory cap@#2
> Nobody looked at the memory at that point: without it, the last look is shown.

$ tracker-memory -n 1 --include nothing cap
> app (pid 1000) had 52.0 KiB in memory at the mark loaded, of which
>       size    share  what
>   12.3 KiB   23.66%  live blocks, as many bytes as were asked for
>       24 B    0.05%  live blocks, what they were rounded up by
>       48 B    0.09%  headers of live blocks
>     7696 B   14.45%  free: at the ends of heaps
>     8016 B   15.05%  free: between blocks, in pieces of 1 KiB or more
>       32 B    0.06%  free: in the caches of threads (tcache)
>      248 B    0.47%  tables of the allocator
>        8 B    0.02%  held by the allocator, it is not known for what
>     4096 B    7.69%  mapped by the program itself
>     4096 B    7.69%  stacks of threads
>     8192 B   15.38%  executables, libraries and other files
>     4096 B    7.69%  tracker itself
>     4096 B    7.69%  other private memory
> Not in memory: 824 B of live blocks, which were never touched.
> Swapped out: 8192 B.
> In huge pages: 4096 B.
> malloc_trim(0) would give back 8192 B.
> Heaps of other threads of which blocks take less than a tenth: 1, 4096 B in all, for 1 block.
> Files, by what of them is in memory:
>   8192 B of /bin/app

capture none
	malloc 0x10 100

$ tracker-memory none
> Nobody looked at the memory: record the program with tracker run --memory.

capture refused
	process 0 pid=100 name=app
	malloc 0x10 100
	look 1
	looked 0 1 0 0 "another program traces it"
	looked_end

$ tracker-memory refused
> What the memory consists of was not found out: another program traces it

# Of two processes the one that had most at the end: what one had before does not count.
capture two
	process 0 pid=100 name=falls
	process 1 pid=101 name=stays
	thread 0 process=0 tid=100 main
	thread 1 process=1 tid=101 main
	in 0
	at 1s
	look 1
	in 1
	at 2s
	look 2
	in 0
	at 3s
	look 3
	looked 0 1 1s 0 "" "full"
	looked_end
	memory 0 1 0 104857600
	memory_area 9 0x10000 0x8010000 104857600 0 0 0 ""
	memory_end
	looked 1 2 2s 0 "" ""
	looked_end
	memory 1 2 0 52428800
	memory_area 9 0x10000 0x8010000 52428800 0 0 0 ""
	memory_end
	looked 0 3 3s 0 "" ""
	looked_end
	memory 0 3 0 1048576
	memory_area 9 0x10000 0x8010000 1048576 0 0 0 ""
	memory_end

$ tracker-memory --csv two
> row,size,swapped,share,what
> shared,52428800,0,100,shared memory

$ tracker-memory --csv two@end
> row,size,swapped,share,what
> shared,52428800,0,100,shared memory

$ tracker-memory --csv two@2.5s
> row,size,swapped,share,what
> shared,104857600,0,100,shared memory

$ tracker-memory --csv two@full
> row,size,swapped,share,what
> shared,104857600,0,100,shared memory

# Nobody looked at the first mark: the second one is still the second one.
capture marks
	at 1s
	mark one
	at 2s
	mark two
	look 1
	at 3s
	mark three
	look 2
	looked 0 1 2s 0 "" "two"
	looked_end
	memory 0 1 0 8192
	memory_area 9 0x10000 0x8010000 8192 0 0 0 ""
	memory_end
	looked 0 2 3s 0 "" "three"
	looked_end
	memory 0 2 0 12288
	memory_area 9 0x10000 0x8010000 12288 0 0 0 ""
	memory_end

$ tracker-memory --csv marks@#2
> row,size,swapped,share,what
> shared,8192,0,100,shared memory

$ tracker-memory --csv marks@#3
> row,size,swapped,share,what
> shared,12288,0,100,shared memory

$ tracker-memory marks@#4
> Nobody looked at the memory at that point: without it, the last look is shown.

# A bit that flipped in what the memory consisted of, or in the look, is no lack of looks.
file flip.py
	import sys
	kind, which, to = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
	b = bytearray(open("marks", "rb").read())
	at = [i for i in range(len(b)) if b[i:i + 6] == b"TRKB" + bytes((kind, 0))]
	for i in at[which:]:
	    b[i + 50] ^= 1
	open(to, "wb").write(b)

$ python3 flip.py 30 0 no_memory && tracker-memory no_memory
> What the memory consisted of is damaged in the capture: record the program again.
! tracker-memory: warning: no_memory: what stands in it of a look at the memory is damaged: that look is left out

$ python3 flip.py 24 0 no_looks && tracker-memory no_looks
> What the memory consisted of is damaged in the capture: record the program again.
! tracker-memory: warning: no_looks: what stands in it of a look at the memory is damaged: that look is left out

$ python3 flip.py 24 1 first_look && tracker-memory --csv first_look
> row,size,swapped,share,what
> shared,8192,0,100,shared memory
! tracker-memory: warning: first_look: what stands in it of a look at the memory is damaged: that look is left out

# An event that must be understood is not a lack of memory.
capture unknown
	malloc 0x10 100
	unknown 200 1 abc

$ tracker-memory unknown
! tracker-memory: unknown: it holds events of kind 200, which this version does not know and must not leave out; upgrade tracker
= 1

# More pages than the kernel summed for the area: nothing is held, and the rows still add up.
capture more_pages
	malloc 0x10010 8192
	look 1
	looked 0 1 0 1
	looked_block 0
	looked_end
	memory 0 1 0 4096
	memory_area 4 0x10000 0x13000 4096 0 0 0 ""
	memory_run 3 1
	memory_end

$ tracker-memory --csv more_pages
> row,size,swapped,share,what
> live,8192,0,100,"live blocks, as many bytes as were asked for"

# --csv: the rows of a report with a header, or every figure of one that has no rows of its own.

capture names
	module app /bin/app main
	frame main "/src/a, \"b\".c" 5 as=main module=app
	frame fill /src/a.c 9 as=fill module=app
	stack main main
	stack fill fill main
	malloc a 100 main
	malloc b 2000 fill
	malloc c 10 fill
	free c

$ tracker-temporary --csv names
> location,count,size
> fill:/src/a.c:9,1,10

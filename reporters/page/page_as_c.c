/*
 * page_as_c - writes files as C strings: a build tool.
 *
 *   page_as_c NAME FILE... -- NAME FILE... > page_assets.c
 *
 * String literals compile fifty times faster than lists of bytes. A literal is
 * closed after every line of the file; adjacent ones are one string.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_byte(int c)
{
	if (c == '\n')
		fputs("\\n\"\n\t\"", stdout);
	else if (c == '"' || c == '\\')
		printf("\\%c", c);
	else if (c < ' ' || c > '~' || c == '?') /* ?: trigraphs */
		printf("\\%03o", (unsigned)c & 0xff);
	else
		putchar(c);
}

static void put_file(const char *path)
{
	FILE *const f = fopen(path, "rb");
	int c;

	if (!f) {
		fprintf(stderr, "page_as_c: cannot read %s: %s\n", path, strerror(errno));
		exit(1);
	}
	while ((c = getc(f)) != EOF)
		put_byte(c);
	fclose(f);
}

int main(int argc, char **argv)
{
	fputs("#include \"page_assets.h\"\n", stdout);
	for (int i = 1; i < argc; i++) {
		printf("\nconst char page_%s[] =\n\t\"", argv[i]);
		for (i++; i < argc && strcmp(argv[i], "--") != 0; i++)
			put_file(argv[i]);
		fputs("\";\n", stdout);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

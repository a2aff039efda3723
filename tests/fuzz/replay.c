/*
 * replay - runs a fuzz target over the files of its corpus: replay DIRECTORY...
 * A crash ends it by its signal; the last line then names the file.
 */
#include <dirent.h>
#include <stdio.h>

#include "fuzz.h"

#define INPUT_MAX (4u << 20)

static size_t run_file(const char *directory, const char *name)
{
	static uint8_t buffer[INPUT_MAX];
	char path[4096];
	uint8_t *copy;
	size_t size;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	f = fopen(path, "rb");
	if (!f) {
		perror(path);
		exit(1);
	}
	size = fread(buffer, 1, sizeof(buffer), f);
	fclose(f);
	copy = malloc(size ? size : 1); /* of the exact size: a sanitizer sees reads beyond it */
	if (!copy)
		exit(1);
	if (size)
		memcpy(copy, buffer, size);
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	return 1;
}

static size_t run_directory(const char *path)
{
	DIR *d = opendir(path);
	size_t files = 0;
	struct dirent *e;

	if (!d) {
		perror(path);
		exit(1);
	}
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			files += run_file(path, e->d_name);
	}
	closedir(d);
	return files;
}

int main(int argc, char **argv)
{
	size_t files = 0;

	for (int i = 1; i < argc; i++)
		files += run_directory(argv[i]);
	printf("%zu inputs\n", files);
	return files ? 0 : 1; /* a corpus that is not there proves nothing */
}

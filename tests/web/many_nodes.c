/*
 * many_nodes - a capture with very many distinct stack nodes, each with a
 * function of its own: many_nodes OUT.bin NODES
 *
 * The tree has four children per node; node i owns a block of 16 * (i % 64 + 1)
 * bytes. Prints the sum of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/writer.h"

static void add_symbol(struct writer *w, uint32_t frame, uint32_t i)
{
	char name[160], file[80];

	snprintf(name, sizeof(name),
		 "space_%" PRIu32 "::worker<int, %" PRIu32 ">::function_%" PRIu32, i % 97, i % 13,
		 i);
	snprintf(file, sizeof(file), "/src/part_%" PRIu32 "/unit_%" PRIu32 ".cc", i % 31, i % 997);
	writer_symbols(w, frame, &(struct trk_symbol_text){ name, file, i % 2000 + 1, false }, 1);
}

static uint64_t add_nodes(struct writer *w, uint32_t count)
{
	const uint32_t app =
		writer_module(w, &(struct trk_module){ .path = "/usr/bin/many", .flags = 1 });
	uint32_t *const node = calloc((size_t)count + 1, sizeof(*node));
	uint64_t sum = 0;

	for (uint32_t i = 1; node && i <= count; i++) {
		const uint32_t frame = writer_frame(w, app, 0x1000 + 16ull * i);
		const uint64_t size = 16 * (i % 64 + 1);
		node[i] = writer_node(w, node[i == 1 ? 0 : (i + 2) / 4], frame);
		add_symbol(w, frame, i);
		writer_event(w, &(struct trk_event){ .time_ns = 1000ull * i,
						     .kind = TRK_MALLOC,
						     .address = 0x100000 + 2048ull * i,
						     .size = size,
						     .node = node[i] });
		sum += size;
	}
	free(node);
	return sum;
}

int main(int argc, char **argv)
{
	const struct trk_header header = { .version = TRK_VERSION,
					   .header_bytes = TRK_HEADER_BYTES,
					   .page_bytes = 4096,
					   .id = 1 };
	struct writer *w = NULL;

	if (argc != 3) {
		fputs("usage: many_nodes OUT.bin NODES\n", stderr);
		return 2;
	}
	const int fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0 || writer_new(&w, fd, &header)) {
		fprintf(stderr, "many_nodes: cannot write %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	writer_process(
		w, &(struct trk_process){
			   .pid = 7, .parent = UINT32_MAX, .name = "many", .end_ns = UINT64_MAX });
	writer_thread(w, &(struct trk_thread){
				 .tid = 7, .name = "many", .main = true, .end_ns = UINT64_MAX });
	printf("%" PRIu64 "\n", add_nodes(w, (uint32_t)strtoul(argv[2], NULL, 10)));
	const int err = writer_finish(w);
	writer_free(w);
	close(fd);
	return err ? 1 : 0;
}

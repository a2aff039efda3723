/* look_maps - see look_maps.h. */
#include "look_maps.h"

#include "format/array.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool keep_path(struct look_maps *m, const char *path, uint32_t *ret)
{
	const size_t bytes = strlen(path) + 1;

	if (!ARRAY_ROOM(m->texts, m->text_room, m->text_bytes + bytes, 4096))
		return false;
	memcpy(m->texts + m->text_bytes, path, bytes);
	*ret = (uint32_t)m->text_bytes;
	m->text_bytes += bytes;
	return true;
}

static enum look_map_kind kind_of(const char *path, uint64_t inode)
{
	if (!strcmp(path, "[heap]"))
		return LOOK_MAP_HEAP;
	if (!strcmp(path, "[stack]"))
		return LOOK_MAP_STACK;
	if (!path[0] || !strncmp(path, "[anon", 5)) /* [anon:NAME]: PR_SET_VMA_ANON_NAME */
		return inode ? LOOK_MAP_FILE : LOOK_MAP_ANONYMOUS;
	return path[0] == '[' ? LOOK_MAP_KERNEL : LOOK_MAP_FILE;
}

static bool add(struct look_maps *m, char *line)
{
	unsigned long long start, end, offset, inode;
	struct look_map map;
	char access[8];
	int at = 0;

	if (sscanf(line, "%llx-%llx %7s %llx %*x:%*x %llu %n", &start, &end, access, &offset, &inode, &at) < 5 || !at)
		return true;
	line[strcspn(line, "\n")] = 0;
	map = (struct look_map){
		.start = start,
		.end = end,
		.inode = inode,
		.offset = offset,
		.readable = access[0] == 'r',
		.writable = access[1] == 'w',
		.shared = access[3] == 's',
		.kind = kind_of(line + at, inode),
	};
	if (!keep_path(m, line + at, &map.path) || !ARRAY_ROOM(m->list, m->room, m->count + 1, 64))
		return false;
	m->list[m->count++] = map;
	return true;
}

bool look_maps_read(struct look_maps *m, uint32_t pid)
{
	char path[48], *line = NULL;
	bool fine = true;
	size_t room = 0;
	FILE *f;

	*m = (struct look_maps){ 0 };
	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fine && getline(&line, &room, f) >= 0)
		fine = add(m, line);
	free(line);
	fclose(f);
	return fine && m->count;
}

void look_maps_finish(struct look_maps *m)
{
	free(m->list);
	free(m->texts);
	*m = (struct look_maps){ 0 };
}

const struct look_map *look_maps_at(const struct look_maps *m, uint64_t address)
{
	uint32_t low = 0, high = m->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (m->list[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < m->count && m->list[low].start <= address ? &m->list[low] : NULL;
}

bool look_map_is_device(const struct look_maps *m, const struct look_map *map)
{
	const char *const path = look_map_path(m, map);

	return !strncmp(path, "/dev/", 5) && strncmp(path, "/dev/shm/", 9) != 0 && strncmp(path, "/dev/zero", 9) != 0;
}

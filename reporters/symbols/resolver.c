/*
 * resolver - modules by path, opened when first looked up; see resolver.h.
 *
 * libdwfl opens the file and finds its debug file; every module has a Dwfl of
 * its own at bias 0, so that addresses are the module's own. Paths come from
 * captures and may name anything: only regular files are opened.
 */
#include "symbols/resolver.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/trk.h"
#include "symbols/ada_names.h"
#include "symbols/arena.h"
#include "symbols/debug_file.h"
#include "symbols/debug_link.h"
#include "symbols/debug_sections.h"
#include "symbols/dwarf_index.h"
#include "symbols/function_starts.h"
#include "symbols/go_names.h"
#include "symbols/mapped_only.h"
#include "symbols/plain_file.h"
#include "symbols/signal_return.h"
#include "symbols/symtab.h"
#include "symbols/zstd_sections.h"

struct resolver_module {
	struct resolver *resolver;
	struct resolver_module *next;
	char *path;
	uint8_t *build_id;
	size_t build_id_bytes;

	int fd; /* the file, or its copy that libdw can read; -1: its path is opened */
	int own_fd; /* libdwfl's own of the file; -1: it is closed */
	int debug_fd; /* of the debug file's copy that libdw can read; -1: there is none */
	struct debug_file debug;
	struct mapped_only mapped;
	bool opened, has_symtab, has_starts;
	bool dwarf_read; /* set once: fd and debug_fd do not change any more */
	enum resolver_module_state state;
	Dwfl *dwfl;
	Dwfl_Module *module;
	struct dwarf_index *dwarf; /* NULL: no DWARF */
	Dwarf_Addr dwarf_bias; /* module address = DWARF address + bias */
	struct symtab symtab;
	struct go_names go;
	bool is_ada;
	struct function_starts starts;
	char trouble[640];
};

struct resolver {
	struct resolver_module *modules;
	struct arena arena;
	bool mapped_only; /* no descriptor stays open */
};

int resolver_new(struct resolver **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : TRK_ERR_NOMEM;
}

void resolver_keep_no_descriptors(struct resolver *r)
{
	r->mapped_only = true;
}

static void module_close(struct resolver_module *m)
{
	dwarf_index_free(m->dwarf);
	symtab_finish(&m->symtab);
	function_starts_finish(&m->starts);
	if (m->dwfl)
		dwfl_end(m->dwfl);
	mapped_only_finish(&m->mapped);
	m->dwarf = NULL;
	m->dwfl = NULL;
	m->has_symtab = m->has_starts = false;
}

static void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void module_free(struct resolver_module *m)
{
	module_close(m);
	close_descriptor(&m->fd);
	close_descriptor(&m->debug_fd);
	close_descriptor(&m->debug.unpacked);
	free(m->path);
	free(m->build_id);
	free(m);
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	while (r->modules) {
		struct resolver_module *const m = r->modules;

		r->modules = m->next;
		module_free(m);
	}
	arena_finish(&r->arena);
	free(r);
}

void resolver_forget(struct resolver *r)
{
	for (struct resolver_module *m = r->modules; m; m = m->next) {
		if (!m->dwfl)
			continue;
		(void)resolver_module_trouble(m); /* it stays known */
		module_close(m);
		m->opened = false;
	}
	arena_finish(&r->arena);
}

static bool is_module(const struct resolver_module *m, const char *path, const uint8_t *build_id,
		      size_t build_id_bytes)
{
	return strcmp(m->path, path) == 0 && m->build_id_bytes == build_id_bytes &&
	       (build_id_bytes == 0 || memcmp(m->build_id, build_id, build_id_bytes) == 0);
}

struct resolver_module *resolver_module(struct resolver *r, const char *path,
					const uint8_t *build_id, size_t build_id_bytes)
{
	struct resolver_module *m;

	if (!build_id)
		build_id_bytes = 0;
	for (m = r->modules; m; m = m->next) {
		if (is_module(m, path, build_id, build_id_bytes))
			return m;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->fd = m->own_fd = m->debug_fd = -1;
	m->debug = (struct debug_file){ .given = -1, .unpacked = -1, .found = -1, .no_alt = r->mapped_only };
	m->path = strdup(path);
	m->build_id = malloc(build_id_bytes + 1);
	if (!m->path || !m->build_id) {
		module_free(m);
		return NULL;
	}
	if (build_id_bytes)
		memcpy(m->build_id, build_id, build_id_bytes);
	m->build_id_bytes = build_id_bytes;
	m->resolver = r;
	m->next = r->modules;
	r->modules = m;
	return m;
}

void resolver_module_file(struct resolver_module *m, int fd)
{
	if (fd >= 0 && !m->opened && m->fd < 0)
		m->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static Dwfl_Module *report(Dwfl *dwfl, const char *path, int fd)
{
	Dwfl_Module *module;

	dwfl_report_begin(dwfl);
	module = dwfl_report_elf(dwfl, path, path, fd, 0, true);
	if (!module)
		close(fd); /* libdwfl takes it only on success */
	if (dwfl_report_end(dwfl, NULL, NULL) != 0)
		return NULL;
	return module;
}

/* Only linked files have addresses of their own; archives and object files have none. */
static bool is_linked(Dwfl_Module *module)
{
	GElf_Addr bias;
	GElf_Ehdr header;
	Elf *const elf = dwfl_module_getelf(module, &bias);

	return elf && gelf_getehdr(elf, &header) &&
	       (header.e_type == ET_EXEC || header.e_type == ET_DYN);
}

static bool same_build(const struct resolver_module *m)
{
	const unsigned char *bits;
	GElf_Addr address;
	int n;

	if (m->build_id_bytes == 0)
		return true;
	n = dwfl_module_build_id(m->module, &bits, &address);
	return n > 0 && (size_t)n == m->build_id_bytes &&
	       memcmp(bits, m->build_id, m->build_id_bytes) == 0;
}

/* Makes m->fd a descriptor of the file that libdw can read. */
static bool open_readable(struct resolver_module *m, enum resolver_module_state *ret_why)
{
	if (m->dwarf_read) /* it was open before */
		return m->fd >= 0;
	if (m->fd < 0)
		m->fd = plain_file_open(m->path);
	if (m->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		*ret_why = RESOLVER_MISSING;
	const int copy = m->fd < 0 ? -1 : zstd_sections_copy(m->fd);

	if (copy >= 0) {
		close(m->fd);
		m->fd = copy;
	}
	return m->fd >= 0;
}

/* A descriptor of its own for libdwfl, which closes it. */
static bool open_dwfl(struct resolver_module *m)
{
	static char *debuginfo_path; /* NULL: libdwfl's standard places */
	void **user;
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = debug_file_find,
		.section_address = dwfl_offline_section_address,
		.debuginfo_path = &debuginfo_path,
	};
	const int fd = fcntl(m->fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return false;
	m->dwfl = dwfl_begin(&callbacks);
	if (!m->dwfl) {
		close(fd);
		return false;
	}
	m->module = report(m->dwfl, m->path, fd);
	m->own_fd = m->module ? fd : -1;
	if (!m->module || !is_linked(m->module) || !dwfl_module_info(m->module, &user, NULL, NULL, NULL, NULL, NULL, NULL))
		return false;
	*user = &m->debug;
	if (m->debug_fd >= 0)
		m->debug.given = fcntl(m->debug_fd, F_DUPFD_CLOEXEC, 0);
	return true;
}

static enum resolver_module_state open_elf(struct resolver_module *m)
{
	enum resolver_module_state why = RESOLVER_UNREADABLE;

	if (!open_readable(m, &why))
		return why;
	if (!open_dwfl(m))
		return RESOLVER_UNREADABLE;
	return same_build(m) ? RESOLVER_FULL : RESOLVER_CHANGED;
}

/*
 * libdwfl has already opened the debug file when it turns out that it must be unpacked, and it keeps what it opened.
 * So the look-up begins once more, and libdwfl gets the unpacked file. It also begins once more if no descriptor shall stay open
 * and libdwfl has looked for servers, because it keeps descriptors for those.
 */
static Dwarf *find_dwarf(struct resolver_module *m)
{
	Dwarf *const dwarf = dwfl_module_getdwarf(m->module, &m->dwarf_bias);
	const bool again = m->debug.unpacked >= 0 || (m->resolver->mapped_only && m->debug.far);

	m->dwarf_read = true;
	m->debug.over = m->resolver->mapped_only;
	if (m->debug_fd >= 0 || !again)
		return dwarf;
	m->debug_fd = m->debug.unpacked >= 0 ? m->debug.unpacked : m->debug.found >= 0 ? fcntl(m->debug.found, F_DUPFD_CLOEXEC, 0) :
											 -1;
	m->debug.unpacked = m->debug.found = -1;
	dwfl_end(m->dwfl);
	m->dwfl = NULL;
	if (!open_dwfl(m)) {
		m->state = RESOLVER_UNREADABLE;
		return NULL;
	}
	return dwfl_module_getdwarf(m->module, &m->dwarf_bias);
}

static void read_symtab(struct resolver_module *m)
{
	Elf *const elf = m->has_symtab ? NULL : dwfl_module_getelf(m->module, &(GElf_Addr){ 0 });

	if (m->has_symtab)
		return;
	m->has_symtab = true;
	(void)symtab_init(&m->symtab, m->module);
	go_names_init(&m->go, elf);
	m->is_ada = ada_is_file(elf);
}

/* Debug information exists, but cannot be used. */
static void find_trouble(struct resolver_module *m, Elf *elf, const char *error)
{
	const enum debug_sections found = elf ? debug_sections_of(elf) : DEBUG_SECTIONS_NONE;

	if (found == DEBUG_SECTIONS_UNKNOWN_COMPRESSION)
		snprintf(m->trouble, sizeof(m->trouble), "it is damaged, or compressed in an unknown way");
	else if (found != DEBUG_SECTIONS_NONE && error)
		snprintf(m->trouble, sizeof(m->trouble), "%s", error);
}

static void read_module(struct resolver_module *m)
{
	Dwarf *dwarf;

	m->state = open_elf(m);
	if (m->state != RESOLVER_FULL)
		return;
	dwarf = find_dwarf(m);
	if (m->state != RESOLVER_FULL)
		return;
	if (dwarf && m->resolver->mapped_only)
		mapped_only_close_alt(&m->mapped, dwarf);
	if (dwarf && dwarf_index_new(&m->dwarf, dwarf, &m->resolver->arena) == 0) {
		if (debug_sections_of(dwarf_getelf(dwarf)) == DEBUG_SECTIONS_UNKNOWN_COMPRESSION)
			find_trouble(m, dwarf_getelf(dwarf), NULL);
		else if (debug_alt_is_missing(dwarf))
			(void)debug_link_alt_trouble(dwarf, m->path, m->trouble, sizeof(m->trouble));
		return;
	}
	find_trouble(m, dwarf ? dwarf_getelf(dwarf) : dwfl_module_getelf(m->module, &(GElf_Addr){ 0 }), dwarf ? dwarf_errmsg(-1) : dwfl_errmsg(-1));
	read_symtab(m);
	m->state = m->symtab.full ? RESOLVER_SYMTAB : RESOLVER_STRIPPED;
}

static void close_descriptors(struct resolver_module *m)
{
	if (m->module && m->state <= RESOLVER_STRIPPED) {
		Elf *const own = dwfl_module_getelf(m->module, &(GElf_Addr){ 0 });

		if (m->debug.found >= 0)
			mapped_only_close(&m->mapped, mapped_only_debug_file(m->module, own), &m->debug.found);
		mapped_only_close(&m->mapped, own, &m->own_fd);
	} else {
		module_close(m);
	}
	close_descriptor(&m->fd);
	close_descriptor(&m->debug_fd);
	close_descriptor(&m->debug.unpacked);
}

static void open_module(struct resolver_module *m)
{
	if (m->opened)
		return;
	m->opened = true;
	read_module(m);
	if (m->resolver->mapped_only)
		close_descriptors(m);
}

bool resolver_module_any_name(struct resolver_module *m, bool (*is)(void *data, const char *name), void *data)
{
	open_module(m);
	if (m->state > RESOLVER_STRIPPED)
		return false;
	read_symtab(m);
	return symtab_any_name(&m->symtab, is, data) || (m->dwarf && dwarf_index_any_name(m->dwarf, is, data));
}

uint64_t resolver_module_read_bytes(const struct resolver_module *m)
{
	return m->dwarf ? dwarf_index_read_bytes(m->dwarf) : 0;
}

const char *resolver_module_debug_file(const struct resolver_module *m)
{
	const char *path = NULL;

	if (m->dwfl)
		(void)dwfl_module_info(m->module, NULL, NULL, NULL, NULL, NULL, NULL, &path);
	return path;
}

const char *resolver_module_trouble(struct resolver_module *m)
{
	char text[sizeof(m->trouble)];

	open_module(m);
	if (m->dwarf && !m->trouble[0] && *dwarf_index_trouble(m->dwarf, text, sizeof(text)))
		memcpy(m->trouble, text, sizeof(text));
	return m->trouble[0] ? m->trouble : NULL;
}

enum resolver_module_state resolver_module_state(struct resolver_module *m)
{
	open_module(m);
	return m->state;
}

static const char *symbol_at(struct resolver_module *m, uint64_t address)
{
	read_symtab(m);
	const char *const go = go_names_find(&m->go, address);
	const char *const name = go ? go : symtab_lookup(&m->symtab, address, &m->resolver->arena);

	return name && !go && m->is_ada ? ada_name(name, &m->resolver->arena) : name;
}

/* "libfoo.so.1!0x12a0": if there is no symbol, the unwind information still tells functions apart. */
static const char *placeholder_at(struct resolver_module *m, uint64_t address)
{
	const char *const slash = strrchr(m->path, '/');
	uint64_t start;
	char name[NAME_MAX + 32];

	if (!m->has_starts)
		(void)function_starts_init(&m->starts, dwfl_module_getelf(m->module, &(GElf_Addr){ 0 }));
	m->has_starts = true;
	if (!function_starts_find(&m->starts, address, &start))
		return NULL;
	const int n = snprintf(name, sizeof(name), "%s!0x%llx", slash ? slash + 1 : m->path, (unsigned long long)start);

	return n > 0 && (size_t)n < sizeof(name) ? arena_string(&m->resolver->arena, name, (size_t)n) : NULL;
}

/* For an address without a symbol. */
static struct resolved_frame unnamed_at(struct resolver_module *m, uint64_t address)
{
	if (signal_return_at(dwfl_module_getelf(m->module, &(GElf_Addr){ 0 }), address))
		return (struct resolved_frame){ .function = SIGNAL_RETURN_NAME };
	return (struct resolved_frame){ .function = placeholder_at(m, address), .placeholder = true };
}

static bool is_mangled(const char *name)
{
	return strncmp(name, "_Z", 2) == 0 || strncmp(name, "_R", 2) == 0 || strncmp(name, "_D", 2) == 0;
}

/* libc's source calls asprintf ___asprintf. Of several names, the one that programs call has the fewest underscores. */
static bool is_public_name_of(const char *symbol, const char *function)
{
	return strspn(symbol, "_") < strspn(function, "_") && !strchr(symbol, '.');
}

/*
 * DWARF names functions that are not external by their bare name. The symbol table also knows their scopes, and all
 * names of a function, of which the most public one is kept.
 */
static void name_outermost(struct resolver_module *m, uint64_t address,
			   struct resolved_frame *outermost)
{
	const char *const symbol = symbol_at(m, address);

	if (symbol && (!outermost->function || is_mangled(symbol) ||
		       is_public_name_of(symbol, outermost->function)))
		outermost->function = symbol;
}

size_t resolver_lookup(struct resolver_module *m, uint64_t address, struct resolved_frame *out,
		       size_t max)
{
	bool linkage = false;
	size_t n = 0;

	open_module(m);
	if (max == 0 || m->state > RESOLVER_STRIPPED)
		return 0;
	if (m->dwarf)
		n = dwarf_index_lookup(m->dwarf, address - m->dwarf_bias, out, max, &linkage);
	/* glibc's own linkage names, like "__GI___strdup", are only another spelling */
	linkage = linkage && out[n - 1].function && is_mangled(out[n - 1].function);
	if (n && !linkage && !out[n - 1].inlined)
		name_outermost(m, address, &out[n - 1]);
	if (n)
		return n;
	out[0] = (struct resolved_frame){ .function = symbol_at(m, address) };
	if (!out[0].function)
		out[0] = unnamed_at(m, address);
	return out[0].function ? 1 : 0;
}

bool resolver_pointee(struct resolver_module *m, uint64_t address, const char *file, uint32_t line, char *buf, size_t room, uint64_t *ret_size)
{
	open_module(m);
	return m->dwarf && dwarf_index_pointee(m->dwarf, address - m->dwarf_bias, file, line, buf, room, ret_size);
}

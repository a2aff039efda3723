/*
 * zstd_sections - debug information that is compressed with zstd, for a libdw that cannot read it.
 *
 * elfutils before 0.189 knows only zlib. So this makes a copy of the file in memory, in which those sections are not
 * compressed. Source of the format: System V ABI, "Compressed Sections" (Elf64_Chdr, ch_type 2).
 */
#ifndef SYMBOLS_ZSTD_SECTIONS_H
#define SYMBOLS_ZSTD_SECTIONS_H

/*
 * A copy of the file behind fd with those sections unpacked; the caller's. -1: there are none, or none that can
 * be unpacked (libdw then finds no debug information).
 */
int zstd_sections_copy(int fd);

#endif

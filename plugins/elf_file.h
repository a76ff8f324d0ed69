/*
 * elf_file.h - private to plugins/: what a shared object says of itself, read as a file. Nothing of
 * it is mapped, none of its code runs.
 */
#ifndef KITH_ELF_FILE_H
#define KITH_ELF_FILE_H

#include <kith/plugin.h>

/* Is all there that the dynamic linker will touch without asking? It reports most of what can be
 * wrong with a file in words; over a file that was cut short, or whose tables point nowhere, it
 * crashes. -KITH_EINVAL names the file. What the linker refuses in words is left to it. */
int kith_elf_check(const char *path, struct kith_error *);

/* Kind and name of the plugin in the file. False: none that can be read this way; loading the file
 * may tell more. */
bool kith_elf_plugin(const char *path, uint32_t *kind, char name[64]);

#endif

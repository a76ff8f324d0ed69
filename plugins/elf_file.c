/*
 * elf_file.c - a shared object looked at as bytes, before anybody maps it.
 *
 * Only files for this very machine are read; of all others the dynamic linker says in words what
 * they are. Every place in the file is checked before it is read. Knows no registry and loads
 * nothing.
 */
#include "elf_file.h"

#include "file.h"
#include "loader.h"
#include <link.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#if __SIZEOF_POINTER__ == 8
#define CLASS ELFCLASS64
#else
#define CLASS ELFCLASS32
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define DATA ELFDATA2LSB
#else
#define DATA ELFDATA2MSB
#endif

enum { SEGMENTS_MAX = 64, DYNAMIC_MAX = 512, SYMBOLS_MAX = 1 << 16 };

struct elf {
    int fd;
    uint64_t size;
    ElfW(Ehdr) head;
    ElfW(Phdr) segments[SEGMENTS_MAX];
    size_t segment_count;
    ElfW(Dyn) dynamic[DYNAMIC_MAX];
    size_t dynamic_count;
    char why[120]; /* it is damaged; "": as far as can be seen it is not */
};

/* ----------------------------------------------------------------------------------- reading */

static bool damaged(struct elf *e, const char *what)
{
    snprintf(e->why, sizeof e->why, "%s", what);
    return false;
}

static bool inside(uint64_t from, uint64_t len, uint64_t end)
{
    return from <= end && len <= end - from;
}

static bool read_at(const struct elf *e, uint64_t offset, void *to, size_t len)
{
    return inside(offset, len, e->size) && pread(e->fd, to, len, (off_t)offset) == (ssize_t)len;
}

/* The segment that holds len bytes at an address; those of them that are in the file only. */
static const ElfW(Phdr) * segment_of(const struct elf *e, uint64_t address, uint64_t len, bool file)
{
    for (size_t i = 0; i < e->segment_count; i++) {
        const ElfW(Phdr) *s = &e->segments[i];
        if (s->p_type == PT_LOAD && address >= s->p_vaddr &&
            inside(address - s->p_vaddr, len, file ? s->p_filesz : s->p_memsz))
            return s;
    }
    return NULL;
}

static bool read_address(const struct elf *e, uint64_t address, void *to, size_t len)
{
    const ElfW(Phdr) *s = segment_of(e, address, len, true);
    return s && read_at(e, s->p_offset + (address - s->p_vaddr), to, len);
}

/* A text, if it has a NUL among the first cap bytes. */
static bool read_text(const struct elf *e, uint64_t address, char *to, size_t cap)
{
    const ElfW(Phdr) *s = segment_of(e, address, 1, true);
    uint64_t left = s ? s->p_filesz - (address - s->p_vaddr) : 0;
    size_t len = left < cap ? (size_t)left : cap;
    return len && read_address(e, address, to, len) && memchr(to, 0, len);
}

/* The value of a tag in the dynamic table; 0 when it is not there. */
static uint64_t tag(const struct elf *e, int64_t which)
{
    for (size_t i = 0; i < e->dynamic_count; i++)
        if (e->dynamic[i].d_tag == which) return e->dynamic[i].d_un.d_val;
    return 0;
}

/* ---------------------------------------------------------------------------------- checking */

/* The linker itself says what is wrong with a file of another class, machine or type, and with one
 * too short for this much. */
static bool is_ours(struct elf *e)
{
    if (!read_at(e, 0, &e->head, sizeof e->head)) return false;
    const unsigned char *id = e->head.e_ident;
    return !memcmp(id, ELFMAG, SELFMAG) && id[EI_CLASS] == CLASS && id[EI_DATA] == DATA &&
           e->head.e_type == ET_DYN && e->head.e_phentsize == sizeof(ElfW(Phdr));
}

static bool read_segments(struct elf *e)
{
    size_t n = e->head.e_phnum;
    if (!n || n > SEGMENTS_MAX) return damaged(e, "it has no sensible number of segments");
    if (!read_at(e, e->head.e_phoff, e->segments, n * sizeof *e->segments))
        return damaged(e, "it ends before its table of segments does");
    e->segment_count = n;
    return true;
}

/* In the order of their addresses, each with its bytes in the file. */
static bool check_segments(struct elf *e)
{
    uint64_t end = 0;
    for (size_t i = 0; i < e->segment_count; i++) {
        const ElfW(Phdr) *s = &e->segments[i];
        bool load = s->p_type == PT_LOAD;
        if (s->p_type == PT_NULL || s->p_type == PT_GNU_STACK) continue;
        if (!inside(s->p_offset, s->p_filesz, e->size)) {
            snprintf(e->why, sizeof e->why, "segment %zu ends at byte %llu, the file at %llu", i,
                     (unsigned long long)s->p_offset + s->p_filesz, (unsigned long long)e->size);
            return false;
        }
        if (load && (s->p_filesz > s->p_memsz || s->p_vaddr < end ||
                     !inside(s->p_vaddr, s->p_memsz, INTPTR_MAX)))
            return damaged(e, "its segments overlap");
        if (load) end = s->p_vaddr + s->p_memsz;
        if ((s->p_type == PT_DYNAMIC || s->p_type == PT_TLS || s->p_type == PT_NOTE) &&
            s->p_filesz && !segment_of(e, s->p_vaddr, s->p_filesz, true))
            return damaged(e, "a segment is not in memory");
    }
    return true;
}

static bool read_dynamic(struct elf *e)
{
    const ElfW(Phdr) *s = NULL;
    for (size_t i = 0; i < e->segment_count; i++)
        if (e->segments[i].p_type == PT_DYNAMIC) s = &e->segments[i];
    if (!s) return damaged(e, "it has no dynamic table");
    size_t most = s->p_memsz / sizeof *e->dynamic;
    for (size_t i = 0; i < most && i < DYNAMIC_MAX; i++) {
        if (!read_address(e, s->p_vaddr + i * sizeof *e->dynamic, &e->dynamic[i],
                          sizeof *e->dynamic))
            break;
        if (e->dynamic[i].d_tag == DT_NULL) return true;
        e->dynamic_count++;
    }
    return damaged(e, "its dynamic table has no end");
}

/* One tag says where a table is, another how long it is. */
static const struct table {
    int64_t where, length; /* length 0: not told */
    unsigned least;
    bool needed, written; /* written: may lie where the file has no bytes */
} tables[] = {{DT_STRTAB, DT_STRSZ, 1, true, false},
              {DT_SYMTAB, 0, sizeof(ElfW(Sym)), true, false},
              {DT_HASH, 0, 8, false, false},
              {DT_GNU_HASH, 0, 16, false, false},
              {DT_RELA, DT_RELASZ, 0, false, false},
              {DT_REL, DT_RELSZ, 0, false, false},
              {DT_JMPREL, DT_PLTRELSZ, 0, false, false},
              {DT_INIT, 0, 1, false, false},
              {DT_FINI, 0, 1, false, false},
              {DT_INIT_ARRAY, DT_INIT_ARRAYSZ, 0, false, true},
              {DT_FINI_ARRAY, DT_FINI_ARRAYSZ, 0, false, true},
              {DT_PLTGOT, 0, 0, false, true},
              {DT_VERSYM, 0, 2, false, false},
              {DT_VERNEED, 0, sizeof(ElfW(Verneed)), false, false},
              {DT_VERDEF, 0, sizeof(ElfW(Verdef)), false, false}};

static bool check_dynamic(struct elf *e)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const struct table *t = &tables[i];
        uint64_t at = tag(e, t->where), len = t->length ? tag(e, t->length) : 0;
        if (!at && !t->needed) continue;
        if (len < t->least) len = t->least;
        if (!at || !segment_of(e, at, len, !t->written))
            return damaged(e, "its dynamic table points to nowhere");
    }
    return true;
}

/* Relocations of one kind are as long as we know them, and no more are relative than there are. */
static bool rows_fit(const struct elf *e, int64_t rows, int64_t row_size, size_t size,
                     int64_t all_size, int64_t relative)
{
    return (!tag(e, rows) || tag(e, row_size) == size) &&
           tag(e, relative) <= tag(e, all_size) / size;
}

static bool names_fit(const struct elf *e)
{
    uint64_t names = tag(e, DT_STRSZ);
    for (size_t i = 0; i < e->dynamic_count; i++) {
        int64_t t = e->dynamic[i].d_tag;
        bool name = t == DT_NEEDED || t == DT_SONAME || t == DT_RPATH || t == DT_RUNPATH;
        if (name && e->dynamic[i].d_un.d_val >= names) return false;
    }
    return true;
}

/* What the linker asserts, which ends the process. */
static bool check_sizes(struct elf *e)
{
    uint64_t kind = tag(e, DT_PLTREL);
    if (tag(e, DT_SYMENT) == sizeof(ElfW(Sym)) &&
        rows_fit(e, DT_RELA, DT_RELAENT, sizeof(ElfW(Rela)), DT_RELASZ, DT_RELACOUNT) &&
        rows_fit(e, DT_REL, DT_RELENT, sizeof(ElfW(Rel)), DT_RELSZ, DT_RELCOUNT) &&
        (!tag(e, DT_JMPREL) || kind == DT_RELA || kind == DT_REL) && names_fit(e))
        return true;
    return damaged(e, "its dynamic table makes no sense");
}

static int open_elf(struct elf *e, const char *path)
{
    struct stat st;
    memset(e, 0, sizeof *e);
    e->fd = kith_file_open(path, &st);
    if (e->fd >= 0 && S_ISREG(st.st_mode)) {
        e->size = (uint64_t)st.st_size;
        return 0;
    }
    if (e->fd >= 0) close(e->fd);
    if (st.st_mode && !S_ISREG(st.st_mode)) strcpy(e->why, "it is no plain file");
    return -1;
}

static bool sound(struct elf *e)
{
    return read_segments(e) && check_segments(e) && read_dynamic(e) && check_dynamic(e) &&
           check_sizes(e);
}

int kith_elf_check(const char *path, struct kith_error *err)
{
    struct elf *e = malloc(sizeof *e);
    if (!e) return kith_fail(err, KITH_ENOMEM, "%s: no memory to look at it", path);
    int rc = 0;
    if (open_elf(e, path) == 0) {
        if (is_ours(e) && !sound(e))
            rc = kith_fail(err, KITH_EINVAL, "%s: cannot be loaded: the file is damaged: %s", path,
                           e->why);
        close(e->fd);
    } else if (*e->why) { /* the linker would open a pipe, and wait for its writer */
        rc = kith_fail(err, KITH_EINVAL, "%s: cannot be loaded: %s", path, e->why);
    }
    free(e);
    return rc;
}

/* -------------------------------------------------------------------------------- the plugin */

/* Where the symbol's value is. The table does not say how long it is: it ends where another
 * begins. */
static uint64_t find_symbol(const struct elf *e, const char *wanted)
{
    uint64_t table = tag(e, DT_SYMTAB), names = tag(e, DT_STRTAB), end = UINT64_MAX;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        uint64_t at = tag(e, tables[i].where);
        if (at > table && at < end) end = at;
    }
    for (uint64_t i = 1; i < SYMBOLS_MAX && table + (i + 1) * sizeof(ElfW(Sym)) <= end; i++) {
        ElfW(Sym) symbol;
        char name[32];
        if (!read_address(e, table + i * sizeof symbol, &symbol, sizeof symbol)) break;
        if (symbol.st_shndx != SHN_UNDEF &&
            read_text(e, names + symbol.st_name, name, sizeof name) && !strcmp(name, wanted))
            return symbol.st_value;
    }
    return 0;
}

/* What a pointer at an address will point to: it says so itself, or the relocation for it does. */
static uint64_t pointer_at(const struct elf *e, uint64_t address)
{
    uintptr_t value = 0;
    uint64_t table = tag(e, DT_RELA), count = tag(e, DT_RELASZ) / sizeof(ElfW(Rela));
    for (uint64_t i = 0; table && i < count; i++) {
        ElfW(Rela) r;
        if (!read_address(e, table + i * sizeof r, &r, sizeof r)) break;
        if (r.r_offset == address) return (uint64_t)r.r_addend;
    }
    return read_address(e, address, &value, sizeof value) ? value : 0;
}

bool kith_elf_plugin(const char *path, uint32_t *kind, char name[64])
{
    struct elf *e = malloc(sizeof *e);
    if (!e || open_elf(e, path) != 0) {
        free(e);
        return false;
    }
    uint64_t at = is_ours(e) && sound(e) ? find_symbol(e, KITH_PLUGIN_SYMBOL) : 0;
    bool found = at &&
                 read_address(e, at + offsetof(struct kith_plugin, kind), kind, sizeof *kind) &&
                 read_text(e, pointer_at(e, at + offsetof(struct kith_plugin, name)), name, 64) &&
                 kith_abi_name_ok(name);
    close(e->fd);
    free(e);
    return found;
}

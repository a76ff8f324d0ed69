/*
 * schema.h - what a file may hold, as tables, and the one checker for all of them.
 *
 * Our own sections are described with struct kith_param like a plugin's entry; values land at
 * `offset` of struct kith_config or, for an entry, of its parameter block. What no plain parameter
 * can say has one of the special types below, each with its reader, printer and schema (special.c,
 * entries.c, keys.c). The same tables make the checker, `config show`, the JSON Schema, the
 * reference page and the report of a reload.
 */
#ifndef KITH_CONFIG_SCHEMA_H
#define KITH_CONFIG_SCHEMA_H

#include "arena.h"
#include "config.h"
#include "diag.h"
#include "values.h"
#include "tree.h"

/* Types of our own tables, beside enum kith_param_type. */
enum {
    KITH_SPECIAL_SECTION = 64, /* a map of its own: the section with this path */
    KITH_SPECIAL_CIDRS,        /* list of networks */
    KITH_SPECIAL_LABELS,       /* map of names to texts: kith_strings of "name=value" */
    KITH_SPECIAL_META,         /* text, or {base64:}, {file:}, {tags: {}}: struct kith_bytes */
    KITH_SPECIAL_KEYS,         /* list of key sources: struct kith_secrets */
    KITH_SPECIAL_KEY,          /* one key source: struct kith_secrets */
    KITH_SPECIAL_TRANSPORT,    /* an entry */
    KITH_SPECIAL_CODECS,       /* a list of entries: struct kith_entries */
    KITH_SPECIAL_DELEGATES,
    KITH_SPECIAL_WIRE,   /* uint8_t, 0xC0..0xEF */
    KITH_SPECIAL_REQUIRE /* bits of enum kith_provides */
};

/* Where a value came from. */
enum kith_origin_kind { KITH_FROM_DEFAULT, KITH_FROM_PROFILE, KITH_FROM_FILE, KITH_FROM_NOTE };

struct kith_origin {
    const char *path; /* "gossip.interval", "pipeline.send[0].min_size" */
    enum kith_origin_kind kind;
    struct kith_pos pos, key; /* FILE: of the value, of its key */
    const char *note;         /* NOTE: in words */
};

struct kith_origins {
    struct kith_arena *arena;
    struct kith_origin *items;
    size_t count, cap;
};

void kith_origin_set(struct kith_origins *, const char *path, enum kith_origin_kind,
                     struct kith_pos pos, struct kith_pos key, const char *note);
const struct kith_origin *kith_origin_find(const struct kith_origins *, const char *path);

/* memberlist's own keys for the pipeline, before they are expanded into it. */
struct kith_forms {
    struct kith_secrets key;
    bool compression, verify_incoming, verify_outgoing;
};

/* One load of a file. */
struct kith_reading {
    struct kith_diag *diag;
    struct kith_arena *arena;
    const struct kith_config_finder *finder;
    struct kith_config *config;
    const char *dir; /* of the file, for relative paths; "" */
    unsigned profile;
    struct kith_forms forms;
    bool literal_secret; /* the file holds a key itself */
};

/* A map of the file: key names with their table, and the map's own words. */
struct kith_section {
    const char *path;                /* "", "gossip", "node.log" */
    const struct kith_param *params; /* offsets in struct kith_config */
    const char *doc;
    bool short_forms; /* offsets in struct kith_forms; never part of the result */
};

/* All of them, ended by one without a path; the first is the file itself. */
extern const struct kith_section kith_sections[];

/* A table and the block its values are stored in. Several make up an entry: the host's keys and the
 * plugin's. */
struct kith_part {
    const struct kith_param *params;
    void *base;
};

/* Read a map into parts: every key checked, every absent one set to its default. map NULL: all
 * absent. what:
 * "'gossip'", "codec 'lzw'"; path: for origins. Problems go to the diag. */
void kith_schema_read(struct kith_reading *, const struct kith_yaml *map, const char *what,
                      const char *path, const struct kith_part *parts, size_t count);
/* The section with this path, and what is in it. */
void kith_schema_section(struct kith_reading *, const struct kith_yaml *map, const char *path);

/* "PATH.NAME", or NAME where the path is "". */
const char *kith_schema_path(struct kith_arena *, const char *path, const char *name);

/* The text of a scalar; NULL after saying that it is none. name: of the key. */
const char *kith_schema_text(struct kith_reading *, const struct kith_yaml *, const char *name);

/* Read the value of a special type (v NULL: absent, set what is the default). */
void kith_special_read(struct kith_reading *, const struct kith_param *, const struct kith_yaml *v,
                       void *at, const char *path);

/* The words of `require`; the i-th is bit i of enum kith_provides. */
const char *const *kith_require_words(void);

/* entry.c. The words for enum kith_kind, as "codec". */
extern const char *const kith_kind_words[];
/* The host's own keys of an entry of this kind, offsets in struct kith_entry. */
const struct kith_param *kith_entry_keys(uint32_t kind);
/* Whether the plugin's table can be filled at all; false: said why not. */
bool kith_entry_sound(struct kith_reading *, const struct kith_plugin *, struct kith_pos);
/* Parameters and the host's keys from a map (NULL: defaults only), then the digest. */
void kith_entry_fill(struct kith_reading *, const struct kith_yaml *map, const struct kith_plugin *,
                     const char *path, struct kith_entry *);

/* entries.c */
void kith_entry_read(struct kith_reading *, const struct kith_yaml *, uint32_t kind,
                     const char *path, struct kith_entry *);
void kith_entries_read(struct kith_reading *, const struct kith_yaml *, uint32_t kind,
                       const char *path, struct kith_entries *);
/* As if the file said `{ use: name }`. False: said why not. */
bool kith_entry_default(struct kith_reading *, uint32_t kind, const char *name, const char *path,
                        struct kith_pos, const char *note, struct kith_entry *);

/* keys.c */
void kith_keys_read(struct kith_reading *, const struct kith_yaml *, const char *name, bool one,
                    struct kith_secrets *);

/* chain.c: short forms, defaults of the pipeline, and what must hold for it. */
void kith_chain_read(struct kith_reading *, const struct kith_yaml *root);
/* check.c: what must hold between several values. */
void kith_check(struct kith_reading *, const struct kith_yaml *root);
/* Where the value of a key is; nowhere when it was not given. */
struct kith_pos kith_pos_of(const struct kith_config *, const char *path);

#endif

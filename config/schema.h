/*
 * schema.h - what a file may hold, as tables, and the one checker for all of them.
 *
 * Our own sections are described with struct kith_param like a plugin's entry; values land at
 * `offset` of struct kith_config or, for an entry, of its parameter block. What no plain parameter
 * can say has one of the types below, each with its reader (node_types.c). The same tables make the
 * checker, `config show`, the JSON Schema, the reference page and the report of a reload.
 */
#ifndef KITH_CONFIG_SCHEMA_H
#define KITH_CONFIG_SCHEMA_H

#include "arena.h"
#include "config.h"
#include "diag.h"
#include "nearest.h"
#include "provenance.h"
#include "param.h"
#include "tree.h"

/* Types of our own tables that no row of param_types.c can say. */
enum {
    KITH_TYPE_SECTION = 64, /* a map of its own: the section with this path */
    KITH_TYPE_CIDRS,        /* list of networks */
    KITH_TYPE_META,         /* text, or {base64:}, {file:}, {tags: {}}: struct kith_bytes */
    KITH_TYPE_KEYS,         /* list of key sources: struct kith_secrets */
    KITH_TYPE_KEY,          /* one key source: struct kith_secrets */
    KITH_TYPE_TRANSPORT,    /* an entry */
    KITH_TYPE_CODECS,       /* a list of entries: struct kith_entries */
    KITH_TYPE_DELEGATES,
    KITH_TYPE_LAYER_BYTE, /* uint8_t, 0xC0..0xEF */
    KITH_TYPE_COUNT,      /* a number, or `all`: uint32_t, UINT32_MAX */
    KITH_TYPE_WORDS,      /* list of words of `choices`: uint32_t, the i-th is bit i */
    KITH_TYPE_SEEDS,      /* list of addresses, or { name:, address: }: struct kith_seeds */
    /* of a scenario */
    KITH_TYPE_GROUPS, /* these three are read when the others were: the value itself */
    KITH_TYPE_LINKS,
    KITH_TYPE_EVENTS,
    KITH_TYPE_NODES,     /* struct kith_nodes */
    KITH_TYPE_NODE_SETS, /* list of them: struct kith_node_sets */
    KITH_TYPE_WHEN,      /* a duration, or a part of the whole time: uint64_t */
    KITH_TYPE_PART       /* 5% or 0.05: double */
};

/* memberlist's own keys for the pipeline, before they are expanded into it. */
struct kith_short_forms {
    struct kith_secrets key;
    bool compression, verify_incoming, verify_outgoing;
};

/* One load of a file. */
struct kith_reading {
    struct kith_diag *diag;
    struct kith_arena *arena, *temp; /* temp: goes when the reading has ended */
    const struct kith_config_finder *finder;
    struct kith_config *config;          /* NULL: it is another kind of file */
    const struct kith_section *sections; /* of this kind of file */
    const char *dir; /* of the file, absolute, for relative paths; "": it is not known */
    unsigned profile;
    struct kith_short_forms short_forms;
    bool literal_secret; /* the file holds a key itself */
    int wait;            /* for files that it names: KITH_FILE_NOW, KITH_FILE_PATIENT */
    /* Reads a value of one of our own types (v NULL: absent, set what is the default); NULL where
     * none can occur. */
    void (*read_type)(struct kith_reading *, const struct kith_param *, const struct kith_yaml *v,
                      void *at, const char *path);
};

/* A map of the file: key names with their table, and the map's own words. */
struct kith_section {
    const char *path;                /* "", "gossip", "node.log" */
    const struct kith_param *params; /* offsets in struct kith_config */
    const char *doc;
    bool short_forms; /* offsets in struct kith_short_forms; never part of the result */
};

/* sections.c: all of them, ended by one without a path; the first is the file itself. */
extern const struct kith_section kith_sections[];
/* The words of `require`; the i-th is bit i of enum kith_provides, NULL ends them. */

/* A table and the block its values are stored in. Several make up an entry: the host's keys and the
 * plugin's. */
struct kith_part {
    const struct kith_param *params;
    void *base;
};

/* Read a map into parts: every key checked, every absent one set to its default. map NULL: all
 * absent. what: "'gossip'", "codec 'lzw'"; path: for the provenance. Problems go to the diag. */
void kith_schema_read(struct kith_reading *, const struct kith_yaml *map, const char *what,
                      const char *path, const struct kith_part *parts, size_t count);
/* The section with this path, and what is in it. */
void kith_schema_section(struct kith_reading *, const struct kith_yaml *map, const char *path);

/* A value of a type with a row. */
void kith_schema_value(struct kith_reading *, const struct kith_param *, const struct kith_yaml *,
                       void *at);
/* The text of a scalar; NULL after saying that it is none. name: of the key. */
const char *kith_schema_text(struct kith_reading *, const struct kith_yaml *, const char *name);

/* load.c: all of a file that is not absurdly large, malloc'd; NULL after saying why not. It may
 * hold secrets. wait: file.h; what comes from "-" is waited for. */
char *kith_file_read(const char *path, int wait, size_t *len, struct kith_diag *);

/* manual.c: keys of a table as items in POD. section: what stands before their names. */
void kith_manual_params(const struct kith_param *, const char *section, FILE *);

/* node_types.c: what read_type is for a node's file. */
void kith_node_type_read(struct kith_reading *, const struct kith_param *,
                         const struct kith_yaml *v, void *at, const char *path);

/* entry.c. The words for enum kith_kind, as "codec". */
extern const char *const kith_kind_words[];
/* The host's own keys of an entry of this kind, offsets in struct kith_entry. */
const struct kith_param *kith_entry_keys(uint32_t kind);
/* Whether a plugin's entry can have that key of the host: only some use keys or need a byte. */
bool kith_entry_takes(const struct kith_plugin *, const struct kith_param *key);
/* Whether an entry says it: the rest need not be shown. */
bool kith_entry_says(const struct kith_entry *, const struct kith_param *key);
/* Whether the plugin's table can be filled at all; false: said why not. */
bool kith_entry_sound(struct kith_reading *, const struct kith_plugin *, struct kith_pos);
/* Parameters and the host's keys from a map (NULL: defaults only), then the digest. */
void kith_entry_fill(struct kith_reading *, const struct kith_yaml *map, const struct kith_plugin *,
                     const char *path, struct kith_entry *);
/* The first entry of this plugin; NULL: none. */
struct kith_entry *kith_entries_find(const struct kith_entries *, const char *plugin);
/* Bits of enum kith_provides, and what follows: who notices changes notices accidents. */
uint32_t kith_implied(uint32_t provides);
/* What the codecs of a list provide together: bits of enum kith_provides. */
uint32_t kith_entries_provide(const struct kith_entries *);

/* entries.c */
void kith_entry_read(struct kith_reading *, const struct kith_yaml *, uint32_t kind,
                     const char *path, struct kith_entry *);
void kith_entries_read(struct kith_reading *, const struct kith_yaml *, uint32_t kind,
                       const char *path, struct kith_entries *);
/* As if the file said `{ use: name }`. False: said why not. */
bool kith_entry_default(struct kith_reading *, uint32_t kind, const char *name, const char *path,
                        struct kith_pos, const char *note, struct kith_entry *);

/* meta.c */
void kith_meta_read(struct kith_reading *, const struct kith_yaml *, struct kith_bytes *);

/* key_sources.c; one: a single source instead of a list. */
void kith_keys_read(struct kith_reading *, const struct kith_yaml *, const char *name, bool one,
                    struct kith_secrets *);

/* chain.c: short forms, and what the file leaves out of the pipeline. */
void kith_chain_read(struct kith_reading *, const struct kith_yaml *root);
/* seeds.c: `join`. */
void kith_seeds_read(struct kith_reading *, const struct kith_yaml *, struct kith_seeds *);
/* Keys of an item that is a map. */
const struct kith_param *kith_seed_keys(void);

/* chain_check.c: what must hold for the pipeline. */
void kith_chain_check(struct kith_reading *);
/* entries_check.c: what must hold between entries, names and keys. keyed: there is a keyring. */
void kith_entries_check(struct kith_reading *, bool keyed);
/* setting.c: what kith_config_setting() kept. NULL is fine. */
void kith_setting_texts_free(struct kith_setting_texts *);
/* consistency.c: what must hold between several values. */
void kith_consistency_check(struct kith_reading *, const struct kith_yaml *root);

#endif

/*
 * config.h - a node described in YAML, checked and turned into values; or the same values by code.
 *
 * Everything wrong with a file is found in one go and reported with its place; nothing is
 * half-applied. Which keys a plugin's entry takes is in the plugin's own table: the caller passes a
 * finder, so that this folder knows nothing of loading. Knows nothing of loops, sockets or the
 * protocol.
 *
 * The way of a file, which is also the order to read the folder in; each file calls those above it:
 *
 *     arena, nearest, units, yaml_write      memory, "did you mean", numbers, text
 *     secret, diag, secret_load              keys, problems, keys from where they are
 *     tree, provenance                       YAML with places; where each value came from
 *     param_types, param, param_check        what a type is; one value; whether a table can be
 *     sections                               our own tables: every key of the file
 *     schema                                 the checker of a map against tables
 *     entry, entries, key_sources, meta      the values that are more than one parameter
 *     node_types                             which of these reads which type
 *     chain_check, chain, consistency        the pipeline; rules between values
 *     load                                   all of it, from bytes to struct kith_config
 *     show, setting, diff                    the result, printed, asked for and compared
 *     scenario_*, scenario                   the other kind of file: what happens in a simulation
 *     json_schema, manual, scenario_manual   the tables, printed
 */
#ifndef KITH_CONFIG_H
#define KITH_CONFIG_H

#include <kith/plugin.h>
#include <kith/settings.h>

struct kith_pos {
    unsigned line, col; /* from 1; 0: not from a file */
};

/* ------------------------------------------------------------------------- problems (diag.c) */

struct kith_diag;
struct kith_diag *kith_diag_new(void);
void kith_diag_free(struct kith_diag *);
/* The text of a file, so that its lines can be shown. Copied. */
void kith_diag_source(struct kith_diag *, const char *path, const char *text, size_t len);
/* help may be NULL: printed as "= help: ...". */
void kith_diag_error(struct kith_diag *, struct kith_pos, const char *help, const char *fmt, ...)
    KITH_PRINTF(4, 5);
void kith_diag_warning(struct kith_diag *, struct kith_pos, const char *help, const char *fmt, ...)
    KITH_PRINTF(4, 5);
size_t kith_diag_errors(const struct kith_diag *);
/* The first line of each, `FILE:LINE:COL: error: …`, ordered by place. */
void kith_diag_each(const struct kith_diag *,
                    void (*visit)(void *arg, bool warning, const char *text), void *arg);
/* `FILE:LINE:COL: error: …`, the line, a caret, help; ordered by place. */
void kith_diag_print(const struct kith_diag *, FILE *);
/* The same as text (malloc'd). */
char *kith_diag_text(const struct kith_diag *);

/* -------------------------------------------------------------- keys (secret.c, secret_load.c) */

enum kith_key_source_kind {
    KITH_KEYS_FILE = 1,
    KITH_KEYS_ENV,
    KITH_KEYS_FD,
    KITH_KEYS_DIR,
    KITH_KEYS_LITERAL
};

/* Where keys come from. A FILE holds base64, hex, the raw 16, 24 or 32 bytes, or a Serf keyring
 * (JSON array of base64). */
struct kith_key_source {
    uint32_t kind;
    const char *where; /* path, variable, number; for LITERAL only "" */
    struct kith_pos pos;
};

/* One key in locked memory, and the index of its source. */
struct kith_secret {
    uint8_t *data;
    uint32_t len, source;
};

struct kith_secrets {
    struct kith_key_source *sources;
    size_t source_count;
    struct kith_secret *items; /* the first is the primary */
    size_t count;
};

/* Read all sources; problems go to diag. Items that are there are replaced. wait: for what is no
 * plain file, in ms (file.h). 0 or a negative code. */
int kith_secrets_load(struct kith_secrets *, int wait, struct kith_diag *);
/* Parse one key as a file holds it: base64, hex or raw. out: KITH_KEY_MAX bytes. Length, or
 * -KITH_EINVAL. */
#define KITH_KEY_MAX 32
int kith_secret_parse(const char *text, size_t len, uint8_t out[KITH_KEY_MAX]);
/* Locked memory, as far as the system lets us: kith_secrets_load() warns when it does not. free
 * wipes. */
uint8_t *kith_secret_alloc(size_t len);
void kith_secret_free(uint8_t *);
/* Add a key of 16, 24 or 32 bytes to a list made by code (start with all zero), copied into locked
 * memory; one that is there already is not added again. source is 0. 0, or -KITH_EINVAL. */
int kith_secrets_add(struct kith_secrets *, const uint8_t *key, size_t len);
/* Wipe and free the keys; the sources are not its own. */
void kith_secrets_free(struct kith_secrets *);

/* -------------------------------------------------------------------------------- the result */

/* What an entry may do beyond what every plugin may: bits of `allow:`. */
enum kith_allow { KITH_ALLOW_KEYS = 1 /* delegates: read and change the node's keyring */ };

/* An entry that names a plugin. */
struct kith_entry {
    const char *use;
    const char *name; /* `as:`, else the plugin's: what it is called everywhere */
    uint32_t kind;    /* enum kith_kind */
    uint32_t allow;   /* bits of enum kith_allow */
    struct kith_pos pos;
    const struct kith_plugin *plugin; /* as the finder gave it */
    /* The beginning of an instance, as far as its parameters reach (kith_params_size), zeroed and
     * filled from the entry and the defaults. */
    void *params;
    const char *channel; /* delegates; NULL: raw */
    uint8_t layer_byte;  /* codecs: a private layer byte 0xC0..0xEF; 0: the codec's own */
    bool has_keys;       /* `keys:` given (KITH_KEYED only); else the node's keyring */
    struct kith_secrets keys;
    uint8_t digest[32];       /* equal for equal settings: what a reload compares */
    struct kith_arena *arena; /* made by code: owns the parameters. NULL: the config owns them */
};

struct kith_entries {
    struct kith_entry *items;
    size_t count;
};

/* An entry made by code instead of a file. */
struct kith_setting_text {
    const char *name, *text; /* as in YAML: {"level", "3"}, {"bind", "[ a, b ]"} */
};

/* Fill an entry: the settings, the plugin's defaults for the rest; the checks are those of a file.
 * Texts are copied. use and name are the plugin's name, and it has no place in a file; name, allow,
 * channel, layer_byte, keys and has_keys are yours to set: then call kith_entry_digest(). plugin
 * must outlive the entry. -KITH_EINVAL: err says what is wrong, and there is nothing to free. */
int kith_entry_init(struct kith_entry *, const struct kith_plugin *, enum kith_profile,
                    const struct kith_setting_text *, size_t count, struct kith_error *err);
/* Free what kith_entry_init() made, and the keys. All zero is fine. */
void kith_entry_fini(struct kith_entry *);
void kith_entry_digest(struct kith_entry *);
/* The same at the end of a list made by code (start with all zero); ends with kith_entries_free().
 * The items move when one is added. */
int kith_entries_add(struct kith_entries *, const struct kith_plugin *, enum kith_profile,
                     const struct kith_setting_text *, size_t count, struct kith_error *err);
void kith_entries_free(struct kith_entries *);

/* Where to find a member. name: who must answer there; NULL: whoever does, or what is before a "/"
 * in an address that the transport refuses as a whole. */
struct kith_seed {
    const char *name, *address;
    struct kith_pos pos;
};
struct kith_seeds {
    const struct kith_seed *items;
    size_t count;
};

enum kith_log_to { KITH_LOG_TO_STDERR, KITH_LOG_TO_FILE, KITH_LOG_TO_JOURNALD };
enum kith_log_format { KITH_LOG_TEXT, KITH_LOG_JSON };

/* The words of `require`, in the order of the bits of enum kith_provides; NULL ends them. */
extern const char *const kith_requirements[];

/* What makes a pipeline: which layers this node adds, which it opens, what it insists on. A file
 * fills it (chain.c), code by hand. Entries and label belong to whoever filled it, and must live
 * until kith_pipeline_new() has returned. accept may be the same list as send. */
struct kith_chain {
    struct kith_entries send, accept;
    uint32_t require; /* bits of enum kith_provides */
    /* repeats the node's settings: kith_chain_settings() */
    uint32_t protocol; /* our own protocol version, 1..5 */
    const char *label; /* "" or NULL: none */
    bool skip_inbound_label_check;
    uint64_t max_stream_size, max_stream_memory; /* bytes; see settings.h */
};

struct kith_config {
    const char *path; /* as given; "" when from memory or made by code */
    struct kith_settings settings;
    const char *control; /* socket path; NULL: derived from the name */
    const char *log_file;
    uint32_t log_to, log_level, log_format;
    struct kith_bytes meta; /* data == NULL: none given (a delegate's then) */
    struct kith_map metric_labels;

    struct kith_entry transport;
    struct kith_chain chain;
    struct kith_entries delegates;
    bool gossip_verify_outgoing; /* memberlist's budget rule needs to know (PROTOCOL.md 1.13) */
    struct kith_secrets keyring;
    struct kith_seeds join;

    struct kith_arena *arena;             /* owns all strings and lists above; NULL: made by code */
    struct kith_provenances *provenances; /* where each value came from; NULL: made by code */
    struct kith_setting_texts *texts;     /* what kith_config_setting() lent */
    struct kith_config *next;             /* for whoever keeps a list of them */
};

/* A value by its key, for host->setting: "node.name", "gossip.interval", "delegates"; "join.0" of a
 * list (of entries: their names), "node.metric_labels.dc" of a map. The text is what `config show`
 * prints, but without the quotes of YAML; the number of a list or map is its count. What it points
 * to lives as long as the config. Writes at most out->size. -KITH_ENOTFOUND; -KITH_EACCES: keys. */
int kith_config_setting(struct kith_config *, const char *key, struct kith_value *out);

/* ------------------------------------------------------------------ parameters (param_check.c) */

/* Whether a parameter of a plugin can be what it says: a type we know, a width and an alignment
 * that fit it, inside of the instance, a name that is free, ends of a range and defaults that parse
 * and agree. -KITH_EINVAL: err says why not, to follow the parameter's name: "is stored in 4 bytes,
 * but a duration takes 8". That names are well formed and different, and that no member is stored
 * over another, is the caller's to check: it takes all of them. */
int kith_param_check(const struct kith_param *, size_t instance_size, struct kith_error *err);

/* Up to which byte of an instance the parameters of a table reach. */
size_t kith_params_size(const struct kith_param *);
/* Copy a block of parameters of that size, and all that they point to into one piece of memory,
 * which kith_params_free() wipes and frees; *memory may become NULL. 0, or -KITH_ENOMEM. */
int kith_params_copy(const struct kith_param *, const void *from, void *to, void **memory);
void kith_params_free(void *memory);

struct kith_config_finder {
    void *ctx;
    const struct kith_plugin *(*find)(void *ctx, enum kith_kind, const char *name,
                                      struct kith_error *err);
    /* Names of the kind, for "did you mean"; NULL-terminated, valid until the next call. */
    const char *const *(*names)(void *ctx, enum kith_kind);
    bool running; /* a node runs meanwhile: a pipe is read only if all of it is there */
};

/* Read and check a file. NULL when there is any error; diag then says all of them. Warnings alone
 * don't stop it. */
struct kith_config *kith_config_load(const char *path, const struct kith_config_finder *,
                                     struct kith_diag *);
struct kith_config *kith_config_parse(const char *path, const char *text, size_t len,
                                      const struct kith_config_finder *, struct kith_diag *);
void kith_config_free(struct kith_config *);
/* Whether what `require` asks for comes off packets and streams, by the codecs of `accept` or by
 * the transport (given: `provides` of its limits). Only who made the transport's instance knows
 * that: kith_config_parse() leaves it to them. */
void kith_config_check_require(const struct kith_config *, uint32_t given, struct kith_diag *);

/* A config made by code: the defaults of a profile, and no entries. Set what you need:
 * settings.name, transport (kith_entry_init), chain, delegates (kith_entries_add), keyring
 * (kith_secrets_add), join, meta; then kith_chain_settings(). Strings are lent, entries and keys
 * stay yours to free; kith_config_free() frees of such a config only what kith_config_setting()
 * made. arena and provenances stay NULL. */
void kith_config_init(struct kith_config *, enum kith_profile);
/* What a chain repeats of the settings: protocol, label and limits. The label is lent. */
void kith_chain_settings(struct kith_chain *, const struct kith_settings *);

/* Effective values as YAML, each with a comment where it came from (line, profile, default, short
 * form); secrets `***`. */
void kith_config_show(const struct kith_config *, FILE *);
/* JSON Schema of the whole file; the finder lists the plugins. */
void kith_config_schema(const struct kith_config_finder *, FILE *);
/* All keys as POD, the source of kith.yaml(5), from the same tables. */
void kith_config_doc(const struct kith_config_finder *, FILE *);

/* What differs, key by key, for a reload report: visit(key path, old value, new value, true when it
 * needs a restart). */
void kith_config_diff(const struct kith_config *before, const struct kith_config *after,
                      void (*visit)(void *arg, const char *key, const char *was, const char *now,
                                    bool restart),
                      void *arg);
/* Give `now`, read from a file, what a running node can't change, as `before` has it. */
void kith_config_keep(struct kith_config *now, const struct kith_config *before);

/* Tags as Serf puts them into meta: 0xFF and a msgpack map. The length, or a negative code. */
int kith_meta_from_tags(const struct kith_pair *, size_t count, uint8_t *out, size_t cap);
/* The tags in a meta, which must stay, one by one. False: it is something else, or broken. */
struct kith_tags {
    struct kith_bytes rest;
    size_t left; /* pairs, as the map claims */
};
bool kith_tags_begin(struct kith_tags *, struct kith_bytes meta);
bool kith_tags_next(struct kith_tags *, struct kith_pair *);

#endif

/*
 * plugins.h - the plugin host: find and load (loader.c, registry.c), make instances (instance.c),
 * hold keys (keyring.c), chain codecs into the message pipeline (pipeline.c, inflow.c), fan out to
 * delegates (delegates.c).
 *
 * Knows config/ and the ABI. Knows nothing of the core, of loops or sockets: what an instance gets
 * from its host is made by the caller (kith_host_maker).
 */
#ifndef KITH_PLUGINS_H
#define KITH_PLUGINS_H

#include <kith/plugin.h>
#include "config.h"

/* -------------------------------------------------------------------------- registry, loader */

/* Plugins by kind and name: those linked in and those found in folders. What it hands out are
 * copies that this host can use as they are: every struct zero-extended to today's size, parameters
 * re-strided. Nothing is ever unloaded. */
struct kith_registry;

/* dirs: colon separated, searched in order; NULL: $KITH_PLUGIN_PATH (not when setuid), else the
 * compiled-in folder. */
struct kith_registry *kith_registry_new(const char *dirs);
void kith_registry_free(struct kith_registry *);
/* name: bare, or a path with a slash, for which kind 0 means any. NULL: err says why (not found in
 * which folders, no symbol, newer major, unknown `requires` bit, wrong kind, name differs, missing
 * library, writable by others while root). */
const struct kith_plugin *kith_registry_find(struct kith_registry *, enum kith_kind,
                                             const char *name, struct kith_error *);
/* Every plugin in the folders, also those that can't be used (plugin NULL, err says why). Sorted by
 * kind and name. */
void kith_registry_list(struct kith_registry *,
                        void (*visit)(void *arg, const char *path, const struct kith_plugin *,
                                      const struct kith_error *),
                        void *arg);
/* Every file in the folders that may be a plugin; nothing is loaded. */
void kith_registry_files(struct kith_registry *, void (*visit)(void *arg, const char *path),
                         void *arg);
/* The file a plugin came from; "" when linked in. */
const char *kith_registry_path(const struct kith_registry *, const struct kith_plugin *);
struct kith_config_finder kith_registry_finder(struct kith_registry *);

/* ----------------------------------------------------------------------------------- keyring */

/* A ring of keys with memberlist's semantics (PROTOCOL.md 4): the first is the primary and seals,
 * all open. Reference counted; each codec entry that uses it listens for changes. Keys are in
 * locked memory and are never shown; a fingerprint is the first 8 bytes of BLAKE2b of the key, in
 * hex. */
struct kith_keyring;
#define KITH_FINGERPRINT 17 /* with its NUL */

struct kith_keyring *kith_keyring_new(
    const struct kith_secrets *); /* copies the keys; may be empty */
struct kith_keyring *kith_keyring_ref(struct kith_keyring *);
void kith_keyring_unref(struct kith_keyring *);
size_t kith_keyring_count(const struct kith_keyring *);
/* i = 0: the primary. codec NULL: the raw key, else the 32-byte subkey for that codec. */
int kith_keyring_key(struct kith_keyring *, size_t i, const char *codec, struct kith_key *out);
void kith_keyring_fingerprint(const struct kith_keyring *, size_t i, char out[KITH_FINGERPRINT]);
int kith_keyring_find(const struct kith_keyring *,
                      const char *fingerprint); /* index or -KITH_ENOTFOUND */
/* Each validates, then changes, then tells the listeners, then writes the file the ring came from
 * (when it came from one file). *saved: NULL or set to whether it was written. */
int kith_keyring_install(struct kith_keyring *, const uint8_t *key, size_t len, bool *saved,
                         struct kith_error *);
int kith_keyring_use(struct kith_keyring *, size_t i, bool *saved, struct kith_error *);
int kith_keyring_remove(struct kith_keyring *, size_t i, bool *saved, struct kith_error *);
/* Take over the content of another ring (reload); tells the listeners when it differs. */
int kith_keyring_replace(struct kith_keyring *, const struct kith_secrets *);
void kith_keyring_listen(struct kith_keyring *, void (*changed)(void *arg), void *arg);
void kith_keyring_unlisten(struct kith_keyring *, void (*changed)(void *arg), void *arg);

/* --------------------------------------------------------------------------------- instances */

/* Makes the table of services for an instance; the runtime's real one, or a test's. entry lives as
 * long as the host. */
struct kith_host_maker {
    void *ctx;
    struct kith_host *(*make)(void *ctx, const struct kith_entry *,
                              struct kith_keyring *ring /* or NULL */);
    void (*free)(void *ctx, struct kith_host *);
};

/* One use of a plugin, reference counted: a reload keeps those whose entry did not change, so an
 * instance owns copies of all it was made from and may outlive the config. */
struct kith_instance {
    const struct kith_plugin *plugin;
    const struct kith_entry *entry; /* its own copy, without params (they are in self) and keys */
    struct kith_host *host;
    void *self;
    struct kith_host_maker maker;
    struct kith_keyring *ring;
    unsigned refs;
    bool made, started; /* init was called; start succeeded */
};

/* Allocate, fill and init; one reference. ring: what host->keys answers from, or NULL. */
int kith_instance_new(struct kith_instance **, const struct kith_entry *,
                      const struct kith_host_maker *, struct kith_keyring *ring,
                      struct kith_error *);
struct kith_instance *kith_instance_ref(struct kith_instance *);
/* Let it take over from the instance that it replaces; nothing when they are of different plugins.
 */
int kith_instance_adopt(struct kith_instance *, struct kith_instance *old, struct kith_error *);
int kith_instance_start(struct kith_instance *,
                        struct kith_error *); /* nothing when started already */
/* Drop a reference; the last one: stop when started, fini, free. NULL is fine. */
void kith_instance_free(struct kith_instance *);

/* What only the plugins can say about a config (check.c): the init of each instance, and delegates
 * that exclude each other; every problem at its place. Nothing is started. */
void kith_plugins_check(const struct kith_config *, struct kith_diag *);

/* ---------------------------------------------------------------------------------- pipeline */

/* Why messages were refused; each is a counter. */
enum kith_refusal {
    KITH_REFUSED_EMPTY,
    KITH_REFUSED_LABEL,
    KITH_REFUSED_DOUBLE_LABEL,
    KITH_REFUSED_POLICY,
    KITH_REFUSED_AUTH,
    KITH_REFUSED_CHECKSUM,
    KITH_REFUSED_MALFORMED,
    KITH_REFUSED_TOO_BIG,
    KITH_REFUSED_LAYERS,
    KITH_REFUSED_MEMORY,
    KITH_REFUSED_COUNT
};
const char *kith_refusal_name(enum kith_refusal);

/* A layer as it was put on or peeled: for dissect, monitor --wire and tests. */
struct kith_layer {
    const char *name;        /* "label", or the codec's */
    struct kith_bytes label; /* "label" only */
    size_t in, out;          /* bytes before and after */
    uint32_t key, version;   /* UINT32_MAX: says nothing */
    int status;              /* 0, KITH_PASS, or the code it failed with: last layer then */
    bool sealing;            /* put on */
    size_t offset;           /* where in the bytes given the layer began, for outer ones; else 0 */
};

struct kith_codec_stats {
    const char *name;
    uint64_t sealed, opened, passed;               /* messages */
    uint64_t seal_in, seal_out, open_in, open_out; /* bytes */
    uint64_t failed_auth, failed_checksum, failed_malformed, failed_size;
    uint64_t seal_ns, open_ns; /* sampled: after the first 64, one message in 64 counts 64 times */
    uint64_t seal_timed,
        open_timed; /* how many messages these stand for, those that passed included */
};

struct kith_pipeline;

/* Build the chain of a config: send, accept, require, label, limits. old: NULL, or the one of
 * before; instances whose entry did not change are shared with it, others are made anew (codecs are
 * not adopted: the old chain may still serve streams). config is not needed afterwards. */
int kith_pipeline_new(struct kith_pipeline **, const struct kith_chain *,
                      const struct kith_host_maker *, struct kith_keyring *,
                      struct kith_pipeline *old, struct kith_error *);
struct kith_pipeline *kith_pipeline_ref(struct kith_pipeline *);
void kith_pipeline_unref(struct kith_pipeline *);
/* What sealing a packet adds at most, label included; the budget of the core is the buffer size
 * less head + tail. */
struct kith_room kith_pipeline_room(const struct kith_pipeline *);
/* For `kith dissect`: take messages with any label or none. Streams and packets without one count
 * as having the config's. */
void kith_pipeline_any_label(struct kith_pipeline *);

/* Seal in place or into the pipeline's own scratch: *buf then points there, valid until the next
 * call. */
int kith_pipeline_seal_packet(struct kith_pipeline *, struct kith_buf *buf, uint8_t peer_pmax);
/* Peel all layers and check the policy. 0, or a negative code; *why (may be NULL) tells the counter
 * that went up. *buf then points into its own storage or into the pipeline's scratch, valid until
 * the next call. */
int kith_pipeline_open_packet(struct kith_pipeline *, struct kith_buf *buf, enum kith_refusal *why);
/* A whole message for a stream, sealed into out (malloc'd storage that grows; start with zeroes,
 * free base). initiator: the label goes first. */
int kith_pipeline_seal_stream(struct kith_pipeline *, struct kith_bytes msg, bool initiator,
                              struct kith_buf *out);

/* Be told each layer of each message sealed or opened; NULL: no more. */
void kith_pipeline_trace(struct kith_pipeline *,
                         void (*layer)(void *arg, const struct kith_layer *), void *arg);
size_t kith_pipeline_stats(const struct kith_pipeline *, size_t i,
                           struct kith_codec_stats *out); /* how many codecs */
uint64_t kith_pipeline_refused(const struct kith_pipeline *, enum kith_refusal);
/* Counters live on over a reload. */

/* Opening one direction of one stream. Bounded: a layer's length is checked before a byte of it is
 * stored, and all inflows of a pipeline together stay under max_stream_memory. It ends with the
 * chain it began with; `current` (the pipeline in force, set at each reload) gives the `require`
 * that it must meet too. */
struct kith_inflow;
struct kith_inflow *kith_inflow_new(struct kith_pipeline *, bool acceptor);
void kith_inflow_free(struct kith_inflow *);
void kith_inflow_require(struct kith_inflow *, uint32_t require);
/* Feed bytes as they come. plain() gets the opened ones, in order; it must not free the inflow. A
 * negative code is final: close the stream; text (may be NULL, else KITH_INFLOW_TEXT bytes) is what
 * an err message to the peer should say, "" for nothing. */
#define KITH_INFLOW_TEXT 160
int kith_inflow_feed(struct kith_inflow *, const uint8_t *data, size_t len,
                     void (*plain)(void *arg, const uint8_t *data, size_t len), void *arg,
                     enum kith_refusal *why, char *text);
/* The peer finished: 0, or -KITH_EMALFORMED in the middle of a layer. */
int kith_inflow_end(struct kith_inflow *);

/* --------------------------------------------------------------------------------- delegates */

/* All delegates of a node as one. Raw ones see memberlist's bytes; those with a channel send and
 * receive framed (docs/WIRE.md, Channels). User messages wait here, at most handoff_queue_depth of
 * them (newest dropped and counted) and at most max_stream_memory bytes, until
 * kith_delegates_deliver(). */
struct kith_delegates;

/* What can't be together: two raw delegates (or two of one channel) that produce messages or state,
 * two that provide meta, two that provide the ack payload. The entry that is one too many, err
 * naming both lines; or NULL. kith_delegates_new() refuses it too. */
const struct kith_entry *kith_delegates_clash(const struct kith_config *, struct kith_error *);

/* Make the instances; nothing is attached or started. node: what the delegates may ask; each gets
 * its own table on top of it, bound to its channel. old: NULL, or the one in force (reload):
 * delegates whose entry did not change are shared with it, and it stays in force until
 * kith_delegates_start() of the new one has succeeded; then free it. If start fails, or the reload
 * after it, free the new one first: the old one is in force again. */
struct kith_delegates *kith_delegates_new(const struct kith_config *,
                                          const struct kith_host_maker *, const struct kith_node *,
                                          struct kith_delegates *old, struct kith_error *);
int kith_delegates_start(struct kith_delegates *, struct kith_error *);
/* Stop those that no other fan-out shares. After the last one was freed, no `done` that the
 * delegates gave to `node` may be called any more. */
void kith_delegates_free(struct kith_delegates *);
/* What the core calls, and with which self: both stay the same over reloads. */
const struct kith_delegate_ops *kith_delegates_ops(struct kith_delegates *, void **self);
/* The end of a turn: hand the queued user messages over, in order. */
void kith_delegates_deliver(struct kith_delegates *);
/* The node's own listeners (control socket, monitor, embedder) take part like raw delegates behind
 * those of the file. One that produces messages, state, meta or ack payloads: only when nobody else
 * does, else -KITH_EEXIST. They live over reloads. unlisten is allowed from inside a callback. */
int kith_delegates_listen(struct kith_delegates *, const struct kith_delegate_ops *, void *self);
void kith_delegates_unlisten(struct kith_delegates *, void *self);
/* Fixed meta, copied; used when no delegate provides any. */
void kith_delegates_meta(struct kith_delegates *, struct kith_bytes);
/* By the name that the file uses, or by that and the channel: "kv", "kv:orders". NULL: none. */
struct kith_instance *kith_delegates_find(struct kith_delegates *, const char *name);
uint64_t kith_delegates_dropped(const struct kith_delegates *);
/* The fan-out's counters, for the node's statistics. */
void kith_delegates_stats(const struct kith_delegates *,
                          void (*visit)(void *arg, const struct kith_stat *), void *arg);

#endif

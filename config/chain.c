/*
 * chain.c - the pipeline of a file: memberlist's short forms expanded, and what was left out filled
 * in. What must hold for the result is in chain_check.c.
 *
 *     secret_key                 keyring of that key, aes_gcm at the end of send
 *     enable_compression         whether lzw begins send
 *     gossip_verify_outgoing     false: aes_gcm in accept, not in send
 *     gossip_verify_incoming     false: require nothing
 *
 * A keyring without pipeline.send means the same as secret_key, because in memberlist a ring that
 * holds a key is what turns encryption on; a file that names keys and is then silent about the
 * pipeline must not mean plaintext. Knows of codecs only what their tables say. How messages go
 * through is the plugin host's part.
 */
#include "schema.h"
#include "secret.h"

static const struct kith_provenance *given(const struct kith_reading *r, const char *path)
{
    return kith_provenance_given(r->config, path);
}

/* ------------------------------------------------------------------------------- short forms */

static void refuse_both(struct kith_reading *r)
{
    static const struct {
        const char *form, *key, *both;
    } same[] = {{"secret_key", "keyring", "which key seals"},
                {"secret_key", "pipeline.send", "what is sent"},
                {"enable_compression", "pipeline.send", "what is sent"},
                {"gossip_verify_incoming", "pipeline.require", "what is required"},
                {"gossip_verify_outgoing", "pipeline.send", "what is sent"},
                {"gossip_verify_outgoing", "pipeline.accept", "what is accepted"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const struct kith_provenance *form = given(r, same[i].form), *key = given(r, same[i].key);
        if (!form || !key) continue;
        kith_diag_error(r->diag, form->key,
                        "keep one of them; `kith config show` writes a short form out in full",
                        "'%s' (line %u) and '%s' (line %u) both say %s", same[i].form,
                        form->key.line, same[i].key, key->key.line, same[i].both);
    }
}

static void free_keys(void *secrets) { kith_secrets_free(secrets); }

/* Whether the file says anything about keys; a ring that could not be read counts, or its error
 * would bring others. */
static bool take_keys(struct kith_reading *r, const struct kith_yaml *root)
{
    const struct kith_yaml *ring = kith_yaml_get(root, "keyring");
    if (given(r, "secret_key") && !ring) {
        r->config->keyring = r->short_forms.key;
        r->short_forms.key = (struct kith_secrets){0};
        kith_arena_defer(r->arena, free_keys, &r->config->keyring);
        const struct kith_provenance *form = given(r, "secret_key");
        kith_provenance_set(
            r->config->provenances, "keyring", KITH_FROM_NOTE, form->pos, form->key,
            kith_arena_printf(r->temp, "short form secret_key, line %u", form->key.line));
        return true;
    }
    return given(r, "secret_key") || (ring && !(ring->kind == KITH_YAML_LIST && ring->count == 0));
}

/* ------------------------------------------------------------------------- what was left out */

static void add_default(struct kith_reading *r, struct kith_entries *list, const char *path,
                        const char *name, const char *form, const char *note)
{
    const struct kith_provenance *o = form ? given(r, form) : NULL;
    const char *at = kith_arena_printf(r->temp, "%s[%zu]", path, list->count);
    if (o) note = kith_arena_printf(r->temp, "short form %s, line %u", form, o->key.line);
    if (kith_entry_default(r, KITH_CODEC, name, at, o ? o->key : (struct kith_pos){0}, note,
                           &list->items[list->count]))
        list->count++;
}

static void default_send(struct kith_reading *r, bool keyed)
{
    struct kith_entries *send = &r->config->chain.send;
    send->items = kith_arena_alloc(r->arena, 3 * sizeof *send->items);
    if (r->short_forms.compression)
        add_default(r, send, "pipeline.send", "lzw", "enable_compression", "default");
    add_default(r, send, "pipeline.send", "crc32", NULL, "default");
    if (keyed && r->short_forms.verify_outgoing)
        add_default(r, send, "pipeline.send", "aes_gcm", "secret_key",
                    "because there is a keyring");
}

/* memberlist opens lzw and crc32 whatever its own settings are. */
static void default_accept(struct kith_reading *r, bool keyed)
{
    struct kith_entries *accept = &r->config->chain.accept, *send = &r->config->chain.send;
    accept->items = kith_arena_alloc(r->arena, (send->count + 3) * sizeof *accept->items);
    for (size_t i = 0; i < send->count; i++) {
        if (kith_entries_find(accept, send->items[i].plugin->name))
            continue; /* sent twice: reported there */
        kith_provenance_set(r->config->provenances,
                            kith_arena_printf(r->temp, "pipeline.accept[%zu]", accept->count),
                            KITH_FROM_NOTE, send->items[i].pos, send->items[i].pos, "as in send");
        accept->items[accept->count++] = send->items[i];
    }
    if (!kith_entries_find(accept, "lzw"))
        add_default(r, accept, "pipeline.accept", "lzw", NULL, "default");
    if (!kith_entries_find(accept, "crc32"))
        add_default(r, accept, "pipeline.accept", "crc32", NULL, "default");
    if (keyed && !r->short_forms.verify_outgoing && !kith_entries_find(accept, "aes_gcm"))
        add_default(r, accept, "pipeline.accept", "aes_gcm", "gossip_verify_outgoing", "default");
}

/* What a node that says nothing insists on. memberlist verifies what comes in whenever it has a
 * key, whether it encrypts itself or not. With a pipeline in the file it is what `send` provides.
 */
static uint32_t required(struct kith_reading *r, bool keyed)
{
    uint32_t sent = kith_entries_provide(&r->config->chain.send);
    if (keyed && !given(r, "pipeline.send") && !given(r, "pipeline.accept"))
        return KITH_ENCRYPTS | KITH_AUTHENTICATES;
    return sent & KITH_ENCRYPTS ? KITH_ENCRYPTS | (sent & KITH_AUTHENTICATES) : 0;
}

static void default_require(struct kith_reading *r, bool keyed)
{
    struct kith_config *c = r->config;
    const struct kith_provenance *off =
        r->short_forms.verify_incoming ? NULL : given(r, "gossip_verify_incoming");
    const struct kith_pos nowhere = {0};
    if (!off) {
        c->chain.require = required(r, keyed);
        kith_provenance_set(c->provenances, "pipeline.require", KITH_FROM_NOTE, nowhere, nowhere,
                            "follows from send");
        return;
    }
    c->chain.require = 0;
    kith_provenance_set(
        c->provenances, "pipeline.require", KITH_FROM_NOTE, off->pos, off->key,
        kith_arena_printf(r->temp, "short form gossip_verify_incoming, line %u", off->key.line));
}

void kith_chain_read(struct kith_reading *r, const struct kith_yaml *root)
{
    struct kith_config *c = r->config;
    bool keyed = take_keys(r, root);
    refuse_both(r);
    if (!given(r, "pipeline.send")) default_send(r, keyed);
    if (!given(r, "pipeline.accept")) default_accept(r, keyed);
    if (!given(r, "pipeline.require")) default_require(r, keyed);
    c->gossip_verify_outgoing = (kith_entries_provide(&c->chain.send) & KITH_ENCRYPTS) ||
                                !(kith_entries_provide(&c->chain.accept) & KITH_ENCRYPTS);
    kith_chain_settings(&c->chain, &c->settings);
    kith_chain_check(r);
    kith_entries_check(r, keyed);
}

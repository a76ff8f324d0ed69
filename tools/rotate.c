/*
 * rotate.c - `kith keys rotate`: a new primary key for a whole cluster in three steps, as
 * memberlist's rings want it:
 *
 *   install   all nodes can open what the new key seals        nobody seals with it yet
 *   use       all nodes seal with it                           all can still open the old one
 *   remove    nobody opens the old one any more
 *
 * No step begins before the one before has been done by every node and every node has said so
 * again. When one is missing the rotation stops where it is: between any two steps, and half way
 * through one, all nodes understand each other. Keys are shown by their fingerprints only.
 */
#include "rotate.h"

#include "fail.h"
#include "file.h"
#include "keyring.h"
#include "rows.h"
#include "screen.h"
#include <sodium.h>
#include <stdlib.h>

enum step { INSTALL, USE, REMOVE, STEPS };

static const char *const step_names[STEPS] = {"install", "use", "remove"};

struct target {
    const char *socket, *name; /* name: how to call it */
    json_t *keys;              /* its ring as it last told */
    bool missing, memory_only;
};

struct rotation {
    const struct kith_ask *ask;
    const struct kith_rotation *what;
    struct target *targets;
    struct kith_keyring *fresh; /* the new key alone */
    char from[KITH_FINGERPRINT], to[KITH_FINGERPRINT];
};

/* ---------------------------------------------------------------------------------- one node */

/* Ask, on a connection of its own. NULL: it failed, which stderr knows. */
static json_t *ask(struct rotation *r, struct target *t, json_t *request)
{
    struct kith_ask one = *r->ask;
    one.socket = t->socket;
    one.patience = r->what->patience;
    json_t *answer = kith_ask_node(&one, request, r->what->patience + 1000000000u);
    kith_ask_close(&one);
    if (!answer) kith_tool_fail("keys", KITH_EXIT_FAILED, "this was %s", t->name);
    return answer;
}

/* A request about its ring. Its keys are noted. */
static int ask_keys(struct rotation *r, struct target *t, json_t *request)
{
    json_t *answer = ask(r, t, request), *saved = json_object_get(answer, "saved");
    t->missing = !answer;
    if (!answer) return -KITH_ECLOSED;
    const char *unsaved = kith_tool_text(json_object_get(answer, "unsaved"));
    int rc = unsaved ? -KITH_EIO : 0;
    if (unsaved)
        kith_tool_fail("keys", KITH_EXIT_FAILED, "%s changed in memory only: %s", t->name, unsaved);
    if (saved) t->memory_only = !json_is_true(saved);
    json_decref(t->keys);
    t->keys = json_incref(json_object_get(answer, "keys"));
    json_decref(answer);
    return rc;
}

static const char *print_at(const struct target *t, size_t i)
{
    const char *text =
        json_string_value(json_object_get(json_array_get(t->keys, i), "fingerprint"));
    return text ? text : "";
}

static bool holds(const struct target *t, const char *fingerprint)
{
    for (size_t i = 0; i < json_array_size(t->keys); i++)
        if (!strcmp(print_at(t, i), fingerprint)) return true;
    return false;
}

static bool did(const struct rotation *r, const struct target *t, enum step step)
{
    if (step == INSTALL) return holds(t, r->to);
    if (step == USE) return !strcmp(print_at(t, 0), r->to);
    return !strcmp(print_at(t, 0), r->to) && !holds(t, r->from);
}

static int install(struct rotation *r, struct target *t)
{
    struct kith_key key = {.size = sizeof key};
    char text[2 * KITH_KEY_MAX + 1];
    kith_keyring_key(r->fresh, 0, NULL, &key);
    sodium_bin2hex(text, sizeof text, key.data, key.len);
    json_t *request = json_pack("{s:s,s:s,s:s}", "cmd", "keys", "do", "install", "key", text);
    sodium_memzero(text, sizeof text);
    return ask_keys(r, t, request);
}

static int take_step(struct rotation *r, struct target *t, enum step step)
{
    if (did(r, t, step)) return 0;
    if (step == INSTALL) return install(r, t);
    return ask_keys(r, t,
                    json_pack("{s:s,s:s,s:s}", "cmd", "keys", "do", step_names[step], "fingerprint",
                              step == USE ? r->to : r->from));
}

/* ------------------------------------------------------------------------------ where we are */

static const char *state_of(const struct rotation *r, const struct target *t)
{
    if (t->missing) return "missing";
    if (!*r->to || !holds(t, r->to)) return "old key only";
    if (!did(r, t, USE)) return "new key installed, old one in use";
    return did(r, t, REMOVE) ? "new key only" : "new key in use, old one still there";
}

static void report_json(const struct rotation *r, bool complete)
{
    json_t *nodes = json_array();
    for (size_t i = 0; i < r->what->count; i++) {
        struct target *t = &r->targets[i];
        json_array_append_new(nodes, json_pack("{s:s,s:s,s:O?}", "node", t->name, "state",
                                               state_of(r, t), "keys", t->keys));
    }
    json_t *all = json_pack("{s:b,s:s,s:s,s:o}", "complete", (int)complete, "old", r->from, "new",
                            r->to, "nodes", nodes);
    kith_tool_json(all);
    json_decref(all);
}

static void report(const struct rotation *r, bool complete)
{
    if (r->ask->json) {
        report_json(r, complete);
        return;
    }
    static const char *const header[] = {"NODE", "STATE"};
    struct kith_rows *rows = kith_rows_new(2, r->ask->no_header ? NULL : header);
    for (size_t i = 0; i < r->what->count; i++) {
        const char *cells[] = {r->targets[i].name, state_of(r, &r->targets[i])};
        kith_rows_add(rows, cells);
    }
    kith_rows_end(rows);
    fflush(stdout);
}

static void say_command(const struct target *t, const char *verb, const char *fingerprint)
{
    fprintf(stderr, "    kith keys %s%s%s %s %s\n", t->socket ? "--socket '" : "",
            t->socket ? t->socket : "", t->socket ? "'" : "", verb, fingerprint);
}

/* How a person goes on. Which command a missing node needs is known: it stands where it was when it
 * was last heard. */
static void advise_install(const struct rotation *r)
{
    bool any = false;
    for (size_t i = 0; i < r->what->count; i++) any |= holds(&r->targets[i], r->to);
    fputs(any ? "kith keys: nobody uses the new key. When all nodes answer, take it away and begin "
                "again:\n"
              : "kith keys: nothing was changed. Begin again when all nodes answer\n",
          stderr);
    for (size_t i = 0; i < r->what->count; i++)
        if (holds(&r->targets[i], r->to)) say_command(&r->targets[i], "remove", r->to);
}

static void advise_rest(const struct rotation *r, enum step step)
{
    fputs("kith keys: all nodes hold both keys or the new one. When all answer, go on, in this "
          "order:\n",
          stderr);
    for (enum step s = step; s < STEPS; s++)
        for (size_t i = 0; i < r->what->count; i++)
            if (!did(r, &r->targets[i], s))
                say_command(&r->targets[i], step_names[s], s == USE ? r->to : r->from);
}

static void advise(const struct rotation *r, enum step step)
{
    if (step != REMOVE && r->what->key_file)
        fputs("kith keys: when all nodes answer, run the same command again: it goes on from "
              "here\n",
              stderr);
    else if (step == INSTALL)
        advise_install(r);
    else
        advise_rest(r, step);
}

static int stop(const struct rotation *r, enum step step)
{
    kith_tool_fail("keys", KITH_EXIT_FAILED, "stopped at the step '%s'; old key %s, new key %s",
                   step_names[step], r->from, r->to);
    report(r, false);
    fflush(stdout);
    advise(r, step);
    return KITH_EXIT_FAILED;
}

/* -------------------------------------------------------------------------- before it begins */

static int refuse(const char *why, const char *name)
{
    return kith_tool_fail("keys", KITH_EXIT_FAILED, "%s%s; nothing was changed", why, name);
}

static int load_key(struct rotation *r)
{
    struct kith_key_source source = {.kind = KITH_KEYS_FILE, .where = r->what->key_file};
    struct kith_secrets secrets = {.sources = &source, .source_count = 1};
    struct kith_diag *diag = kith_diag_new();
    int rc = kith_secrets_load(&secrets, KITH_FILE_PATIENT, diag);
    kith_diag_print(diag, stderr);
    kith_diag_free(diag);
    if (rc == 0 && secrets.count == 1) r->fresh = kith_keyring_new(&secrets);
    for (size_t i = 0; i < secrets.count; i++) kith_secret_free(secrets.items[i].data);
    free(secrets.items);
    if (rc == 0 && secrets.count != 1)
        return refuse("one new key is needed, and one only, in ", r->what->key_file);
    return r->fresh ? 0 : refuse("no key from ", r->what->key_file);
}

/* As long as the one it replaces: rings of AES keep their strength. */
static int make_key(struct rotation *r)
{
    json_int_t bits =
        json_integer_value(json_object_get(json_array_get(r->targets[0].keys, 0), "bits"));
    size_t len = bits > 0 && bits <= KITH_KEY_MAX * 8 ? (size_t)bits / 8 : KITH_KEY_MAX;
    struct kith_error err = {.size = sizeof err};
    uint8_t *key = kith_secret_alloc(len);
    randombytes_buf(key, len);
    r->fresh = kith_keyring_new(&(struct kith_secrets){0});
    int rc = r->fresh ? kith_keyring_install(r->fresh, key, len, NULL, &err) : -KITH_ENOMEM;
    kith_secret_free(key);
    return rc < 0 ? refuse("no new key could be made", "") : 0;
}

/* All nodes have the same primary, or the new one already: then this goes on with a rotation that
 * stopped. */
static int agree(struct rotation *r)
{
    for (size_t i = 0; i < r->what->count; i++) {
        const char *primary = print_at(&r->targets[i], 0);
        if (!*primary) return refuse("there are no keys at ", r->targets[i].name);
        if (!strcmp(primary, r->to)) continue;
        if (*r->from && strcmp(primary, r->from) != 0) {
            kith_tool_fail("keys", KITH_EXIT_FAILED,
                           "the nodes' primary keys differ; nothing was changed:");
            for (size_t j = 0; j < r->what->count; j++)
                fprintf(stderr, "    %s  %s\n", print_at(&r->targets[j], 0), r->targets[j].name);
            return KITH_EXIT_FAILED;
        }
        snprintf(r->from, sizeof r->from, "%s", primary);
    }
    return *r->from ? 0 : refuse("all nodes use that key already: ", r->to);
}

/* A member that gets no new key would be lost in the second step. */
static int count_members(struct rotation *r)
{
    json_int_t alive = 0;
    for (size_t i = 0; i < r->what->count && !r->what->partial; i++) {
        json_t *info = ask(r, &r->targets[i], json_pack("{s:s}", "cmd", "info"));
        if (!info) return refuse("not all nodes are there", "");
        json_int_t n =
            json_integer_value(json_object_get(json_object_get(info, "members"), "alive"));
        if (n > alive) alive = n;
        json_decref(info);
    }
    if (alive <= (json_int_t)r->what->count) return 0;
    return kith_tool_fail(
        "keys", KITH_EXIT_FAILED,
        "%lld members are alive and %zu would get the new key: the others would be lost. Name the "
        "sockets of all "
        "(--socket), or say --partial when the others get it in another way; nothing was changed",
        (long long)alive, r->what->count);
}

static int hear_all(struct rotation *r)
{
    int rc = 0;
    for (size_t i = 0; i < r->what->count; i++)
        if (ask_keys(r, &r->targets[i], json_pack("{s:s,s:s}", "cmd", "keys", "do", "list")))
            rc = -KITH_ECLOSED;
    return rc;
}

/* ------------------------------------------------------------------------------ the rotation */

/* A ring that is not in a file forgets at a restart; a key that only the rings know would then be
 * gone. */
static int check_saved(const struct rotation *r)
{
    bool lost = false;
    for (size_t i = 0; i < r->what->count; i++) {
        const struct target *t = &r->targets[i];
        if (!t->memory_only) continue;
        lost = true;
        fprintf(stderr,
                "kith keys: %s changed in memory only: put the new key where its ring comes from "
                "before it restarts\n",
                t->name);
    }
    if (!lost || r->what->key_file) return 0;
    fputs("kith keys: a fresh key would be known to the running node alone: give the new key with "
          "--key-file\n",
          stderr);
    return -KITH_EINVAL;
}

/* Everybody does it, then everybody is asked again. */
static int step_all(struct rotation *r, enum step step)
{
    for (size_t i = 0; i < r->what->count; i++)
        if (take_step(r, &r->targets[i], step)) return -KITH_ECLOSED;
    if (hear_all(r)) return -KITH_ECLOSED;
    for (size_t i = 0; i < r->what->count; i++)
        if (!did(r, &r->targets[i], step)) {
            kith_tool_fail("keys", KITH_EXIT_FAILED,
                           "%s has not done it, or its ring was changed meanwhile",
                           r->targets[i].name);
            return -KITH_EAGAIN;
        }
    return step == INSTALL ? check_saved(r) : 0;
}

static int rotate(struct rotation *r)
{
    int code;
    if (hear_all(r)) {
        report(r, false);
        return refuse("not all nodes are there", "");
    }
    if (r->what->key_file && (code = load_key(r))) return code;
    if (r->fresh) kith_keyring_fingerprint(r->fresh, 0, r->to);
    if ((code = agree(r)) || (code = count_members(r))) return code;
    if (!r->fresh && (code = make_key(r))) return code;
    kith_keyring_fingerprint(r->fresh, 0, r->to);
    for (enum step step = INSTALL; step < STEPS; step++) {
        if (step_all(r, step)) return stop(r, step);
        if (!r->ask->json) printf("%s: done by %zu node(s)\n", step_names[step], r->what->count);
        fflush(stdout);
    }
    if (!r->ask->json) printf("the primary key was %s and is %s\n", r->from, r->to);
    report(r, true);
    return KITH_EXIT_OK;
}

int kith_rotate(const struct kith_ask *who, const struct kith_rotation *what)
{
    struct rotation r = {
        .ask = who, .what = what, .targets = calloc(what->count, sizeof *r.targets)};
    if (!r.targets || sodium_init() < 0) {
        free(r.targets);
        return kith_tool_fail("keys", KITH_EXIT_FAILED, "out of memory");
    }
    for (size_t i = 0; i < what->count; i++) {
        const char *socket = what->sockets[i];
        r.targets[i] = (struct target){.socket = socket,
                                       .name = socket      ? socket
                                               : who->node ? who->node
                                                           : "the node here"};
    }
    int code = rotate(&r);
    for (size_t i = 0; i < what->count; i++) json_decref(r.targets[i].keys);
    if (r.fresh) kith_keyring_unref(r.fresh);
    free(r.targets);
    return code;
}

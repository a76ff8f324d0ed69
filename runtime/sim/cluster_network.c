/*
 * cluster_network.c - commands of the loopback network. It is there while somebody runs on it; what
 * it was told before is told again to the one that comes after it.
 */
#include "cluster_parts.h"
#include <stdlib.h>

/* A command on its way, and what became of it: loopback answers at once. */
struct command {
    void (*answer)(void *arg, struct kith_bytes);
    void *arg;
    struct kith_error *err;
    bool ended;
    int status;
};

static int piece(void *arg, struct kith_bytes text)
{
    struct command *command = arg;
    if (command->answer) command->answer(command->arg, text);
    return 0;
}

static void end(void *arg, int status, const char *text)
{
    struct command *command = arg;
    command->ended = true;
    command->status = status;
    if (status < 0)
        (void)kith_fail(command->err, (enum kith_code)(-status), "%s",
                        text ? text : kith_code_text(status));
}

/* Each with a NUL behind it, as those of a person have. malloc'd; NULL: no memory. */
static struct kith_bytes *split(char *text, size_t *count)
{
    size_t n = 0;
    struct kith_bytes *words = malloc((strlen(text) / 2 + 1) * sizeof *words);
    char *save, *word = words ? strtok_r(text, " \t", &save) : NULL;
    for (; word; word = strtok_r(NULL, " \t", &save)) words[n++] = kith_text(word);
    *count = n;
    return words;
}

/* Who passes it on: anybody; one that is paused only if there is no other. */
static struct kith *somebody(const struct kith_cluster *c)
{
    struct kith *k = NULL;
    for (int i = 0; i < c->size; i++) {
        if (!c->nodes[i]->k) continue;
        k = c->nodes[i]->k;
        if (!c->nodes[i]->paused) break;
    }
    return k;
}

static int tell(struct kith *k, const char *text, struct command *command)
{
    struct kith_asker asker = {.arg = command, .piece = piece, .end = end};
    uint64_t id = 0;
    size_t n = 0;
    char *copy = strdup(text);
    struct kith_bytes *words = copy ? split(copy, &n) : NULL;
    if (!words) {
        free(copy);
        return kith_fail(command->err, KITH_ENOMEM, "out of memory");
    }
    const struct kith_entry *transport = &kith_node_config(k)->transport;
    int rc = kith_node_call(k, kith_text(transport->name), words, n, KITH_CALL_JSON, UINT64_MAX,
                            &asker, &id, command->err);
    free(words);
    free(copy);
    if (!rc && !command->ended) kith_asks_cancel(kith_node_asks(k), id);
    return rc ? rc : command->status;
}

/* One that only asks is done with its answer. */
static bool asks(const char *text)
{
    static const char *const words[] = {"links", "stats", "help"};
    size_t len = strcspn(text, " \t");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == len && strncmp(words[i], text, len) == 0) return true;
    return false;
}

static bool remember(struct kith_cluster *c, const char *text)
{
    char **commands = realloc(c->commands, (c->command_count + 1) * sizeof *commands);
    if (commands) c->commands = commands;
    char *copy = commands ? strdup(text) : NULL;
    if (copy) commands[c->command_count++] = copy;
    return copy != NULL;
}

int kith_cluster_network(struct kith_cluster *c, const char *text,
                         void (*answer)(void *arg, struct kith_bytes), void *arg,
                         struct kith_error *err)
{
    struct command command = {.answer = answer, .arg = arg, .err = err};
    if (!c->running && asks(text)) return kith_fail(err, KITH_ECLOSED, "nobody runs");
    int rc = c->running ? tell(somebody(c), text, &command) : 0;
    if (rc || asks(text)) return rc;
    if (!remember(c, text)) return kith_fail(err, KITH_ENOMEM, "out of memory");
    if (c->running) c->commands_told = c->command_count;
    kith_cluster_did(c, KITH_CLUSTER_NETWORK, NULL, text);
    return 0;
}

int kith_cluster_network_begin(struct kith_cluster *c, struct kith_error *err)
{
    int rc = 0;
    while (!rc && c->commands_told < c->command_count) {
        struct command command = {.err = err};
        rc = tell(somebody(c), c->commands[c->commands_told], &command);
        if (rc == -KITH_ENOTFOUND) rc = 0; /* it took back what is gone anyway */
        if (!rc) c->commands_told++;
    }
    return rc;
}

/*
 * ask.h - what the commands that talk to a running node share: finding its control socket, and
 * asking.
 */
#ifndef KITH_TOOLS_ASK_H
#define KITH_TOOLS_ASK_H

#include "fail.h"
#include <getopt.h>
#include <jansson.h>

/* Who is asking, whom, and how the answer shall look. */
struct kith_ask {
    const char *tool;          /* the command's name */
    const char *socket, *node; /* --socket, --node; NULL: the only one that runs */
    bool json;                 /* --format json */
    bool no_header;
    const char *too_big; /* said instead of the node's bare "too big" */
    /* NULL, or shown the answer of a node that refuses, before its error is. */
    void (*refused)(const struct kith_ask *, const json_t *answer);
    uint64_t patience; /* ns: how long to try when no node is there yet */
    FILE *in;          /* the connection */
    int fd, code;      /* code: exit code once something failed */
    char refusal[256]; /* what the node said no with; cut */
};

enum { KITH_OPT_SOCKET = 1000, KITH_OPT_NODE, KITH_OPT_FORMAT, KITH_OPT_NO_HEADER, KITH_OPT_HELP };

#define KITH_ASK_OPTIONS \
    {"socket", required_argument, NULL, KITH_OPT_SOCKET}, \
        {"node", required_argument, NULL, KITH_OPT_NODE}, \
        {"format", required_argument, NULL, KITH_OPT_FORMAT}, \
        {"no-header", no_argument, NULL, KITH_OPT_NO_HEADER}, \
        {"help", no_argument, NULL, KITH_OPT_HELP}, \
    { \
        0 \
    }

#define KITH_ASK_HELP \
    "\n      --socket PATH    the node's control socket (or $KITH_SOCKET)\n" \
    "      --node NAME      the node by name, when several run here\n" \
    "      --format FORMAT  text, or json\n" \
    "      --no-header      tables without the line that names their columns\n" \
    "  -h, --help\n"

/* An option that all of them take, or a wrong one. KITH_GO_ON, or an exit code. */
int kith_ask_option(struct kith_ask *, int option, const char *help);
void kith_ask_close(struct kith_ask *);
/* One request (taken over), one answer. NULL: failed, ask->code says how and stderr why. Connects
 * when it has to. patience: ns that the node may take; 0: for ever. */
json_t *kith_ask_node(struct kith_ask *, json_t *request, uint64_t patience);
/* The same when the answer may come in pieces: lines without `ok`, each as it comes. */
json_t *kith_ask_pieces(struct kith_ask *, json_t *request, uint64_t patience,
                        void (*piece)(void *arg, const json_t *), void *arg);
/* The same for an answer with a long list: each element is told as it comes, and `list` is empty in
 * the answer. */
json_t *kith_ask_each(struct kith_ask *, json_t *request, uint64_t patience, const char *list,
                      void (*each)(void *arg, const json_t *element), void *arg);
/* The same for an answer that says no more than that it is done: shown with --format json only.
 * Ends the conversation; returns the exit code. */
int kith_ask_do(struct kith_ask *, json_t *request, uint64_t patience);
/* What --wait and --timeout say, into a request; the node itself may then still have to come up.
 * KITH_GO_ON, or an exit code. */
int kith_ask_wait(struct kith_ask *, json_t *request, const char *wait, uint64_t timeout);
/* The next line of a stream, or NULL at its end. */
json_t *kith_ask_next(struct kith_ask *, uint64_t patience);

#endif

/*
 * client.h - what the subcommands that talk to a running node share: finding its control socket,
 * asking, printing tables.
 */
#ifndef KITH_TOOLS_CLIENT_H
#define KITH_TOOLS_CLIENT_H

#include "tools.h"
#include <getopt.h>
#include <jansson.h>

/* Who is asking, whom, and how the answer shall look. */
struct kith_ask {
    const char *tool;          /* the subcommand's name */
    const char *socket, *node; /* --socket, --node; NULL: the only one that runs */
    bool json;                 /* --format json */
    bool no_header;
    const char *too_big; /* said instead of the node's bare "too big" */
    uint64_t patience;   /* ns: how long to try when no node is there yet */
    FILE *in;            /* the connection */
    int fd, code;        /* code: exit code once something failed */
};

enum { KITH_OPT_SOCKET = 1000, KITH_OPT_NODE, KITH_OPT_FORMAT, KITH_OPT_NO_HEADER, KITH_OPT_HELP };

#define KITH_CLIENT_OPTIONS \
    {"socket", required_argument, NULL, KITH_OPT_SOCKET}, \
        {"node", required_argument, NULL, KITH_OPT_NODE}, \
        {"format", required_argument, NULL, KITH_OPT_FORMAT}, \
        {"no-header", no_argument, NULL, KITH_OPT_NO_HEADER}, \
        {"help", no_argument, NULL, KITH_OPT_HELP}, \
    { \
        0 \
    }

#define KITH_CLIENT_HELP \
    "\n      --socket PATH    the node's control socket (or $KITH_SOCKET)\n" \
    "      --node NAME      the node by name, when several run here\n" \
    "      --format FORMAT  text, or json\n" \
    "  -h, --help\n"

/* An option that all of them take, or a wrong one. -1: go on; else: return this from the tool. */
int kith_client_option(struct kith_ask *, int option, const char *help);
/* Begin: connect. 0, or an exit code after a word on stderr. */
int kith_client_open(struct kith_ask *);
void kith_client_close(struct kith_ask *);
/* One request (taken over), one answer. NULL: failed, ask->code says how and stderr why. Connects
 * when it has to. patience: ns that the node may take; 0: for ever. */
json_t *kith_client_ask(struct kith_ask *, json_t *request, uint64_t patience);
/* The next line of a stream, or NULL at its end. */
json_t *kith_client_next(struct kith_ask *, uint64_t patience);

/* "30s", "1m30s", "250ms", "5": ns, or UINT64_MAX when it is none. */
uint64_t kith_tool_duration(const char *text);
/* "alive=3" or "alive==3" as the `wait` of a request; NULL: it is none. */
json_t *kith_tool_wait(const char *text);
/* TEXT, or all of stdin for "-", as base64. NULL after a word on stderr. */
json_t *kith_tool_payload(const char *tool, const char *text);
/* base64 to bytes; malloc'd, NUL behind. NULL: it is none. */
uint8_t *kith_tool_bytes(const char *base64, size_t *len);
/* Meta or a payload for people: printable text, tags as name=value, else base64. malloc'd. */
char *kith_tool_printable(const char *base64);
void kith_tool_json(const json_t *); /* to stdout, without the envelope's `ok` */

/* Others choose names and messages: control characters become '?', so that they can't play with a
 * terminal. In place. */
char *kith_tool_clean(char *text);

/* A table: cells are copied; printed with as much space as each column needs. */
struct kith_rows;
struct kith_rows *kith_rows_new(size_t columns);
void kith_rows_add(struct kith_rows *, const char *const *cells);
void kith_rows_print(struct kith_rows *, bool skip_first); /* and free */

#endif

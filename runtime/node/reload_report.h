/*
 * reload_report.h - what is said of a reload: each change of the file, and of each entry what has
 * become of it. Compares what is in force with what was before; changes nothing.
 */
#ifndef KITH_RELOAD_REPORT_H
#define KITH_RELOAD_REPORT_H

#include "inside.h"

struct kith_report {
    struct kith *k;
    void (*line)(void *arg, const char *line); /* NULL: the log has it alone */
    void *arg;
    struct kith_error *err;  /* the first failure, */
    int rc;                  /* and its code */
    const char *section;     /* of whom failures are told */
    struct kith_config file; /* as it was read: what is in force keeps what needs a restart */
    unsigned changes;
    struct {                      /* before */
        struct kith_secrets keys; /* the ring, which is not always as its file */
        bool *off;                /* of the delegates: did not run as its entry said, because */
        bool transport_off;       /* an earlier reload had failed */
        bool meta_off;            /* so was the node's meta */
    } was;
};

/* Before anything is made. */
int kith_report_begin(struct kith_report *, struct kith_error *err);
void kith_report_end(struct kith_report *);

void kith_report_line(struct kith_report *, const char *fmt, ...) KITH_PRINTF(2, 3);
void kith_report_error(struct kith_report *, const char *fmt, ...) KITH_PRINTF(2, 3);
/* The reload fails, with the first of all that went wrong. */
void kith_report_note(struct kith_report *, const struct kith_error *why);
/* For struct kith_failures. */
void kith_report_failed(void *report, const char *entry, bool kept, const struct kith_error *why);

/* The new config is in force: what is other than in the old one. waits: the new transport waits
 * for a restart. */
void kith_report_changes(struct kith_report *, const struct kith_config *old, bool waits);
/* Plugins whose files were replaced. */
void kith_report_replaced(struct kith_report *);

/* Was the running transport made from an entry like this one? */
bool kith_report_transport_runs(const struct kith *, const struct kith_entry *);

#endif

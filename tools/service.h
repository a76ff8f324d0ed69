/* service.h - tell the service manager how we are (systemd's sd_notify, over NOTIFY_SOCKET). */
#ifndef KITH_TOOL_SERVICE_H
#define KITH_TOOL_SERVICE_H

#include "loop.h"

enum { KITH_SERVICE_TEXT = 128 };

/* Begins as zeros. */
struct kith_service {
    struct kith_loop *loop;
    struct kith_timer *again;
    char waiting[2][KITH_SERVICE_TEXT]; /* the one that is to go first, and what followed it */
    unsigned count;
};

void kith_service_begin(struct kith_service *, struct kith_loop *);
void kith_service_end(struct kith_service *);
/* Never waits: what the manager does not take goes out later, unless something else is said.
 * begins: what was said before no longer matters. */
void kith_service_say(struct kith_service *, bool begins, const char *text);

#endif

/*
 * core_log.c - lines for the log, a few a second of those that peers can cause at will.
 */
#include "core_log.h"
#include "completion.h"
#include "state.h"

enum { LINES_A_SECOND = 10 };

static void log_line(struct kith_core *c, enum kith_log_level level, const struct kith_addr *peer,
                     const char *fmt, va_list ap)
{
    if (c->env.log) c->env.log(c->env.ctx, level, peer, fmt, ap);
}

void kith_core_log(struct kith_core *c, enum kith_log_level level, const struct kith_addr *peer,
                   const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_line(c, level, peer, fmt, ap);
    va_end(ap);
}

static bool may_say_some(struct kith_core *c)
{
    if (c->now >= c->quiet_until) {
        c->quiet_until = kith_later(c->now, 1000000000);
        c->quiet_lines = 0;
    }
    if (c->quiet_lines >= LINES_A_SECOND) return false;
    c->quiet_lines++;
    return true;
}

void kith_core_log_some(struct kith_core *c, enum kith_log_level level,
                        const struct kith_addr *peer, const char *fmt, ...)
{
    va_list ap;
    if (!may_say_some(c)) return;
    va_start(ap, fmt);
    log_line(c, level, peer, fmt, ap);
    va_end(ap);
}

void kith_request_because(struct kith_core *c, enum kith_log_level level,
                          const struct kith_request *r, const struct kith_addr *peer,
                          const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (r && c->env.because) c->env.because(c->env.ctx, r->id, fmt, ap);
    va_end(ap);
    if (!may_say_some(c)) return;
    va_start(ap, fmt);
    log_line(c, level, peer, fmt, ap);
    va_end(ap);
}

const char *kith_status_text(int status)
{
    switch (-status) {
    case KITH_EREFUSED: return "nobody listens there";
    case KITH_ETIMEOUT: return "no answer in time";
    case KITH_EUNREACHABLE: return "no way there";
    case KITH_ECLOSED: return "it closed the connection without an answer";
    case KITH_EMALFORMED: return "the answer makes no sense";
    case KITH_EACCES: return "it was refused";
    case KITH_EUNSUPPORTED: return "its protocol versions are not ours";
    case KITH_ENOMEM:
    case KITH_EAGAIN: return "there was no room for it";
    default: return "it did not work";
    }
}

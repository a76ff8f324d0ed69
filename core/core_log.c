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

static void log_some(struct kith_core *c, enum kith_log_level level, const struct kith_addr *peer,
                     const char *fmt, va_list ap)
{
    if (c->now >= c->quiet_until) {
        c->quiet_until = kith_later(c->now, 1000000000);
        c->quiet_lines = 0;
    }
    if (c->quiet_lines >= LINES_A_SECOND) return;
    c->quiet_lines++;
    log_line(c, level, peer, fmt, ap);
}

void kith_core_log_some(struct kith_core *c, enum kith_log_level level,
                        const struct kith_addr *peer, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    log_some(c, level, peer, fmt, ap);
    va_end(ap);
}

void kith_stood_still(struct kith_core *c, uint64_t ns)
{
    kith_count(c, KITH_COUNT_STOOD_STILL);
    kith_core_log_some(
        c, KITH_LOG_WARN, NULL,
        "This node did not run for %llu.%llu s (stopped, or its machine is too busy)",
        (unsigned long long)(ns / 1000000000), (unsigned long long)(ns / 100000000 % 10));
}

void kith_request_because(struct kith_core *c, enum kith_log_level level,
                          const struct kith_request *r, const struct kith_addr *peer,
                          const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    if (r && c->env.because) c->env.because(c->env.ctx, r->id, fmt, ap);
    log_some(c, level, peer, fmt, again);
    va_end(again);
    va_end(ap);
}

const char *kith_core_status_text(int status)
{
    switch (-status) {
    case KITH_EREFUSED: return "nobody listens there";
    case KITH_ETIMEOUT: return "no answer in time";
    case KITH_EUNREACHABLE: return "it is unreachable";
    case KITH_ECLOSED:
        return "the connection was closed without a word; that is what another label, "
               "encryption on one side only, or no place for it looks like: see the log there";
    case KITH_EMALFORMED: return "the answer makes no sense";
    case KITH_EACCES: return "it was refused there, or this system forbids it (a firewall?)";
    case KITH_EUNSUPPORTED: return "its protocol versions are not ours";
    case KITH_EEXIST: return "that is this node itself";
    case KITH_EIO: return "the network failed";
    case KITH_ENOMEM:
    case KITH_EAGAIN: return "there was no room for it";
    default: return NULL;
    }
}

const char *kith_status_text(int status)
{
    const char *text = kith_core_status_text(status);
    return text ? text : "it did not work";
}

/*
 * core.c - the life of a core: made, started, changed, freed; and time, which sets everything else
 * in motion.
 */
#include "core.h"
#include "allowed.h"
#include "core_log.h"
#include "farewell.h"
#include "formulas.h"
#include "gossip.h"
#include "merge.h"
#include "packet.h"
#include "peer.h"
#include "self.h"
#include "state.h"
#include "sync.h"
#include "versions.h"

#include <stdlib.h>

enum { OWN_ALARMS = 12 };

static int fail(struct kith_error *err, enum kith_code code, const char *text)
{
    if (err) {
        err->code = -(int32_t)code;
        strncpy(err->text, text, sizeof err->text - 1);
        err->text[sizeof err->text - 1] = 0;
    }
    return -(int)code;
}

/* Ours on the wire: protocol and delegate protocol, each with min, max, current. */
static void set_versions(uint8_t *versions, const struct kith_settings *s)
{
    versions[0] = 1;
    versions[1] = 5;
    versions[2] = (uint8_t)s->protocol_version;
    versions[3] = (uint8_t)s->delegate_protocol_min;
    versions[4] = (uint8_t)s->delegate_protocol_max;
    versions[5] = (uint8_t)s->delegate_protocol_version;
}

static int check(const struct kith_settings *s, struct kith_error *err)
{
    uint8_t versions[6];
    if (s->protocol_version < 1 || s->protocol_version > 5)
        return fail(err, KITH_EINVAL, "protocol_version must be 1 to 5");
    if (s->delegate_protocol_min > 255 || s->delegate_protocol_max > 255 ||
        s->delegate_protocol_version > 255)
        return fail(err, KITH_EINVAL, "delegate protocol versions must be 0 to 255");
    set_versions(versions, s);
    if (!kith_versions_sound(kith_bytes_of(versions, sizeof versions)))
        return fail(err, KITH_EINVAL, "delegate protocol versions must have min <= version <= max");
    if (s->awareness_max_multiplier < 1)
        return fail(err, KITH_EINVAL, "awareness_max_multiplier must be at least 1");
    return 0;
}

static void take_settings(struct kith_core *c, const struct kith_settings *s)
{
    c->set = *s;
    c->set.name = c->name;
    set_versions(c->versions, s);
    c->queue.retransmit_mult = c->user_queue.retransmit_mult = s->retransmit_mult;
    c->user_queue.max = s->max_broadcasts;
    c->own_memory.limit = s->max_stream_memory;
}

static void take_delegate(struct kith_core *c)
{
    const struct kith_delegate_ops *ops = c->env.delegate;
    if (!ops) return;
    memcpy(&c->ops, ops, ops->size < sizeof c->ops ? ops->size : sizeof c->ops);
}

static int check_identity(const struct kith_core_config *cfg, struct kith_error *err)
{
    const char *name = cfg->settings.name;
    if (!name || !*name || strlen(name) > KITH_NAME_LIMIT)
        return fail(err, KITH_EINVAL, "name must have 1 to 255 bytes");
    if (cfg->advertise.len == 0 || cfg->advertise.len > KITH_ADDR_MAX)
        return fail(err, KITH_EINVAL, "no address to advertise");
    return 0;
}

static void take_config(struct kith_core *c, const struct kith_core_config *cfg)
{
    c->name_len = (uint8_t)strlen(cfg->settings.name);
    memcpy(c->name, cfg->settings.name, c->name_len);
    c->advertise = cfg->advertise;
    if (c->advertise.port == 0) c->advertise.port = cfg->default_port;
    c->default_port = cfg->default_port;
    c->headroom = cfg->headroom;
    c->tailroom = cfg->tailroom;
    c->first_incarnation = cfg->incarnation ? cfg->incarnation : 1;
    take_settings(c, &cfg->settings);
}

/* alarms.c must not know its users: their callbacks are set here. */
static void tie_alarms(struct kith_core *c)
{
    c->probe_alarm.fire = kith_probe_tick;
    c->sync_alarm.fire = kith_sync_tick;
    c->ask_alarm.fire = kith_sync_ask;
    c->queue_alarm.fire = kith_queue_tick;
    c->probe.pending.alarm.fire = kith_probe_alarm;
    c->moving.alarm.fire = kith_moving_alarm;
    c->farewell.alarm.fire = kith_farewell_alarm;
    c->young.alarm.fire = kith_sync_young;
    c->relay.flush.fire = kith_push_flush;
    c->relay.repair.fire = kith_repair_tick;
    c->relay.digest.fire = kith_digest_tick;
    c->relay.sweep.fire = kith_relay_sweep;
}

int kith_core_new(struct kith_core **out, const struct kith_core_config *cfg,
                  const struct kith_core_env *env, uint64_t seed, uint64_t now,
                  struct kith_error *err)
{
    int res = check(&cfg->settings, err);
    if (res == 0) res = check_identity(cfg, err);
    if (res < 0) return res;
    struct kith_core *c = calloc(1, sizeof *c);
    if (!c) return fail(err, KITH_ENOMEM, "out of memory");
    const struct kith_hash_key key = {{cfg->hash_key[0], cfg->hash_key[1]}};
    c->env = *env;
    c->now = now;
    c->random.state = seed;
    c->memory = env->memory ? env->memory : &c->own_memory;
    kith_items_init(&c->items, c->memory);
    kith_broadcasts_init(&c->queue, 0, 0, kith_request_broadcast_end, c);
    kith_broadcasts_init(&c->user_queue, 0, 0, kith_request_broadcast_end, c);
    c->rounds.at = c->rounds.trim = UINT64_MAX;
    take_delegate(c);
    take_config(c, cfg);
    tie_alarms(c);
    kith_relay_init(c, cfg->wall);
    c->queue.key = c->user_queue.key = key;
    if (kith_members_init(&c->members, &key) < 0 || kith_addresses_init(&c->addresses) < 0 ||
        kith_pendings_init(&c->pendings) < 0 || kith_alarms_reserve(&c->alarms, OWN_ALARMS) < 0) {
        kith_core_free(c);
        return fail(err, KITH_ENOMEM, "out of memory");
    }
    *out = c;
    return 0;
}

void kith_core_free(struct kith_core *c)
{
    if (!c) return;
    assert(!c->busy);
    c->dying = true;
    kith_exchanges_fini(c);
    kith_farewell_end(c);
    kith_request_leave_done(c, 0); /* it may have waited for that alone */
    kith_pendings_fini(c);
    kith_broadcasts_fini(&c->queue);
    kith_broadcasts_fini(&c->user_queue);
    kith_relay_fini(c);
    kith_addresses_fini(&c->addresses);
    kith_known_fini(&c->known);
    kith_members_fini(&c->members);
    kith_items_fini(&c->items);
    kith_alarms_fini(&c->alarms);
    kith_choice_fini(&c->choice);
    free(c);
}

static void every(struct kith_core *c, struct kith_alarm *alarm, uint64_t interval)
{
    if (interval)
        kith_alarm_set(&c->alarms, alarm, kith_later(c->now, interval));
    else
        kith_alarm_clear(&c->alarms, alarm);
}

/* The first tick comes one interval after the start (PROTOCOL.md 2.8); only push/pulls are spread
 * (2.10). */
static void begin_ticks(struct kith_core *c, const struct kith_settings *before)
{
    const struct kith_settings *s = &c->set;
    if (!before || before->probe_interval != s->probe_interval)
        every(c, &c->probe_alarm, s->probe_interval);
    if (!before || before->gossip_interval != s->gossip_interval ||
        !before->gossip_nodes != !s->gossip_nodes)
        kith_rounds_begin(c, s->gossip_nodes ? s->gossip_interval : 0);
    if (!before || before->push_pull_interval != s->push_pull_interval) kith_sync_schedule(c, true);
    if (!before || before->queue_check_interval != s->queue_check_interval)
        every(c, &c->queue_alarm, s->queue_check_interval);
}

/* Our own alive message was refused: by whom, the delegate has said. */
static int vetoed(const struct kith_core *c, struct kith_error *err)
{
    static const char said[] = "a delegate refused this node: ";
    char text[sizeof said + sizeof c->veto];
    memcpy(text, said, sizeof said);
    memcpy(text + sizeof said - 1, c->veto, sizeof c->veto);
    return fail(err, KITH_EREFUSED, *c->veto ? text : "a delegate refused this node");
}

int kith_core_start(struct kith_core *c, uint64_t now, struct kith_error *err)
{
    uint8_t buf[KITH_META_MAX], sealed[KITH_META_MAX];
    char why[KITH_SELF_WHY];
    struct kith_bytes meta;
    struct kith_msg alive;
    kith_enter(c, now);
    if (c->started) return fail(err, KITH_EEXIST, "already started");
    if (!kith_allowed(c, kith_bytes_of(c->advertise.bytes, c->advertise.len)))
        return fail(err, KITH_EREFUSED, "the advertised address is not in cidrs_allowed");
    if (kith_self_meta(c, buf, &meta) < 0)
        kith_core_log(c, KITH_LOG_WARN, NULL, "The delegate gave no meta: started without");
    if (kith_self_fits(c, meta, kith_packet_budget(c, NULL), why) < 0)
        return fail(err, KITH_ETOOBIG, why);
    kith_self_alive(c, &alive, c->first_incarnation, meta, sealed);
    c->veto[0] = 0;
    c->started = true;
    if (!kith_alive(c, &alive, NULL, NULL)) {
        c->started = false;
        return vetoed(c, err);
    }
    kith_self_keep(c, meta);
    begin_ticks(c, NULL);
    return 0;
}

/* Do these settings say other versions than we do now? */
static bool versions_change(const struct kith_core *c, const struct kith_settings *s)
{
    uint8_t next[6];
    set_versions(next, s);
    return memcmp(next, c->versions, sizeof next) != 0;
}

int kith_core_check_meta(const struct kith_core *c, struct kith_bytes meta,
                         struct kith_core_budget budget, struct kith_error *err)
{
    char why[KITH_SELF_WHY];
    if (!c->started || c->left || kith_self_fits(c, meta, budget, why) == 0) return 0;
    return fail(err, KITH_ETOOBIG, why);
}

int kith_core_check(const struct kith_core *c, const struct kith_settings *s,
                    struct kith_core_budget budget, struct kith_error *err)
{
    int res = check(s, err);
    if (res < 0) return res;
    if (c->members.bytes > kith_members_most(s->max_stream_size))
        return fail(err, KITH_EINVAL,
                    "max_stream_size has no room for a state with all members that are known");
    if (!c->started || c->left) return 0;
    return kith_core_check_meta(c, kith_self_kept(c), budget, err);
}

/* Drop what was queued while packets were larger: it would wait for ever. */
static void drop_too_big(struct kith_core *c)
{
    size_t max = kith_packet_broadcast_max(kith_packet_budget(c, NULL).bytes);
    size_t dropped = kith_broadcasts_limit(&c->queue, max);
    dropped += kith_broadcasts_limit(&c->user_queue, max);
    c->counters.drops[KITH_DROP_BROADCAST_TOO_BIG] += dropped;
}

/* Say what we are now: the meta as before, sealed anew, with the next incarnation. */
static int announce(struct kith_core *c, struct kith_error *err)
{
    uint8_t buf[KITH_META_MAX];
    struct kith_msg alive;
    kith_self_alive(c, &alive, kith_self_next(c), kith_self_kept(c), buf);
    c->veto[0] = 0;
    return kith_alive(c, &alive, NULL, NULL) ? 0 : vetoed(c, err);
}

int kith_core_reconfigure(struct kith_core *c, const struct kith_settings *s, uint32_t headroom,
                          uint32_t tailroom, uint64_t now, struct kith_error *err)
{
    struct kith_settings before = c->set;
    struct kith_core_budget budget = {(size_t)s->udp_buffer_size, "udp_buffer_size"};
    if (c->env.packet_budget) budget = kith_packet_budget(c, NULL);
    kith_enter(c, now);
    int res = kith_core_check(c, s, budget, err);
    if (res < 0) return res;
    bool other_versions = c->started && !c->left && versions_change(c, s);
    take_settings(c, s);
    c->headroom = headroom;
    c->tailroom = tailroom;
    c->health = kith_awareness_apply(c->health, 0, s->awareness_max_multiplier);
    drop_too_big(c);
    if (!s->relay_window) kith_relay_stop(c);
    if (c->started) begin_ticks(c, &before);
    return other_versions ? announce(c, err) : 0;
}

/* Can the node say that it is where c->advertise says? */
static int check_advertise(const struct kith_core *c, struct kith_error *err)
{
    if (!kith_allowed(c, kith_bytes_of(c->advertise.bytes, c->advertise.len)))
        return fail(err, KITH_EREFUSED, "the advertised address is not in cidrs_allowed");
    if (!c->started) return 0;
    return kith_core_check_meta(c, kith_self_kept(c), kith_packet_budget(c, NULL), err);
}

int kith_core_advertise(struct kith_core *c, uint64_t now, const struct kith_addr *addr,
                        struct kith_error *err)
{
    struct kith_addr before = c->advertise;
    kith_enter(c, now);
    if (addr->len == 0 || addr->len > KITH_ADDR_MAX)
        return fail(err, KITH_EINVAL, "no address to advertise");
    if (c->left) return fail(err, KITH_ECLOSED, "the node has left");
    kith_addr_copy(&c->advertise, addr);
    if (c->advertise.port == 0) c->advertise.port = c->default_port;
    if (kith_addr_equal(&c->advertise, &before)) return 0;
    int res = check_advertise(c, err);
    if (res == 0 && c->started && c->members.count > 1)
        kith_moving_begin(c, &before);
    else if (res == 0 && c->started)
        res = announce(c, err);
    if (res < 0) c->advertise = before;
    return res;
}

/* ------------------------------------------------------------------------------- time */

void kith_core_tick(struct kith_core *c, uint64_t now)
{
    struct kith_alarm *alarm;
    kith_enter(c, now);
    c->exchanges.built = 0;
    while ((alarm = kith_alarms_due(&c->alarms, c->now))) alarm->fire(c, alarm);
    kith_gossip(c);
}

uint64_t kith_core_deadline(const struct kith_core *c)
{
    uint64_t due = kith_due(c), states = kith_sync_deadline(c);
    return states < due ? states : due;
}

bool kith_core_poll(struct kith_core *c, struct kith_output *out)
{
    assert(!c->busy);
    do {
        if (kith_items_poll(&c->items, out)) return true;
    } while (kith_sync_send_next(c) || kith_streams_go_on(c));
    return false;
}

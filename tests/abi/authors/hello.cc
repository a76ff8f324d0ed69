// A delegate in C++, as an author would write it: constants, macros and inline functions of the
// header work there too. Compiled only (compile.sh).
#include <kith/plugin.h>

namespace
{

enum Volume : uint32_t { quiet, loud };
const char *const volumes[] = {"quiet", "loud", nullptr};

struct Hello {
    const kith_host *host;
    uint32_t volume;
    uint64_t every;
    kith_list whom;
    kith_map words;
    uint64_t *greeted;
};

const kith_param params[] = {
    KITH_PARAM_CHOICE(Hello, volume, 0, "quiet", volumes, "how to say it"),
    KITH_PARAM(Hello, every, DURATION, 0, "5s", "1s", nullptr, "time between two"),
    KITH_PARAM(Hello, whom, LIST, KITH_PARAM_REQUIRED, nullptr, nullptr, "10", "whom to greet"),
    KITH_PARAM(Hello, words, MAP, 0, nullptr, nullptr, nullptr, "what to say to them"),
    KITH_PARAM_END,
};

int init(void *self, const kith_host *host, kith_error *err)
{
    Hello &hello = *static_cast<Hello *>(self);
    const kith_pair labels[] = {{kith_text("volume"), kith_text(volumes[hello.volume])}};
    hello.host = host;
    hello.greeted = host->counter(host, "greeted", "Members that were greeted.", labels, 1);
    if (KITH_HAS(host, log) && hello.every > 0) return 0;
    return kith_fail(err, KITH_EINVAL, "no %s", "log");
}

void event(void *self, const kith_event *event)
{
    Hello &hello = *static_cast<Hello *>(self);
    if (event->kind != KITH_EVENT_JOIN || event->member->flags & KITH_MEMBER_LOCAL) return;
    ++*hello.greeted;
    hello.host->log(hello.host, KITH_LOG_INFO, "hello, %s",
                    reinterpret_cast<const char *>(event->member->name.data));
}

int judge(void *, const kith_claim *claim, kith_error *err)
{
    for (size_t i = 0; i < claim->count; i++)
        if (kith_claim_member(claim, i)->name.len == 0)
            return kith_fail(err, KITH_EREFUSED, "it has no name");
    return 0;
}

int command(void *self, const kith_call *call, kith_error *)
{
    const Hello &hello = *static_cast<Hello *>(self);
    for (size_t i = 0; i < call->count; i++)
        hello.host->reply(hello.host, call->id, call->words[i]);
    return 0;
}

constexpr auto ops = kith_make<kith_delegate_ops>([](auto &o) {
    o.judges = KITH_CLAIM_ALIVE | KITH_CLAIM_MERGE;
    o.event = event;
    o.judge = judge;
});

constexpr auto plugin = kith_make_plugin(KITH_DELEGATE, [](auto &p) {
    p.name = "hello";
    p.version = "1";
    p.summary = "says hello";
    p.instance_size = sizeof(Hello);
    p.params = params;
    p.ops = &ops;
    p.init = init;
    p.command = command;
});

} // namespace

KITH_PLUGIN(hello) = plugin;

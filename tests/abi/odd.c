/*
 * odd.c - plugins from other times and other hands. Compiled once per ODD_* with nothing but the
 * ABI header; each but one is a delegate with a parameter `answer` that its message() checks.
 */
#include <kith/plugin.h>

struct odd {
    uint32_t answer;
    uint64_t delay;
    uint32_t heard;
};

static void odd_message(void *self, const struct kith_message *message)
{
    struct odd *odd = self;
    odd->heard += odd->answer == 42;
}

#if defined ODD_WIDE
/* Parameters with members that this host has never heard of. */
struct wide_param {
    struct kith_param now;
    const char *unit, *since;
};
static const struct wide_param params[] = {
    {KITH_PARAM(struct odd, answer, UINT, 0, "42", NULL, "100", "first"), "things", "1.7"},
    {KITH_PARAM(struct odd, delay, DURATION, 1u << 31, "5s", NULL, NULL, "second"), "s", "1.8"},
    {KITH_PARAM_END, NULL, NULL},
};
#define PARAMS (const struct kith_param *)params
#define STRIDE sizeof(struct wide_param)
#else
static const struct kith_param params[] = {
    KITH_PARAM(struct odd, answer, UINT, 0, "42", NULL, "100", "first"),
    KITH_PARAM(struct odd, delay, DURATION, 0, "5s", NULL, NULL, "second"),
    KITH_PARAM_END,
};
#define PARAMS params
#define STRIDE sizeof(struct kith_param)
#endif

#if defined ODD_OLDER
/* As if compiled when the structs ended here: poison follows, which nobody may look at. */
static const struct {
    uint32_t size, flags;
    uint64_t judges;
    void *event;
    void (*message)(void *, const struct kith_message *);
    void *poison[10];
} ops = {offsetof(struct kith_delegate_ops, remote_state),
         0,
         0,
         NULL,
         odd_message,
         {(void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1,
          (void *)1, (void *)1}};
struct older {
    uint32_t size, abi_minor, kind, param_size;
    uint64_t must_know;
    uint32_t flags;
    const char *name, *version, *summary;
    size_t instance_size;
    const struct kith_param *params;
    const void *ops;
    void *poison[6];
};
extern KITH_EXPORT const struct older kith_plugin_v1;
const struct older kith_plugin_v1 = {
    offsetof(struct kith_plugin, init),
    0,
    KITH_DELEGATE,
    STRIDE,
    0,
    0,
    "older",
    "0.1",
    "an old one",
    sizeof(struct odd),
    PARAMS,
    &ops,
    {(void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1}};

#elif defined ODD_LIES
/* Says that it has all of today's members, and has none behind ops. */
static const struct kith_delegate_ops ops = {.size = sizeof ops, .message = odd_message};
struct lies {
    uint32_t size, abi_minor, kind, param_size;
    uint64_t must_know;
    uint32_t flags;
    const char *name, *version, *summary;
    size_t instance_size;
    const struct kith_param *params;
    const void *ops;
};
extern KITH_EXPORT const struct lies kith_plugin_v1;
const struct lies kith_plugin_v1 = {
    sizeof(struct kith_plugin), 0,      KITH_DELEGATE, STRIDE, 0, 0, "lies", "1", "a liar",
    sizeof(struct odd),         PARAMS, &ops};

#elif defined ODD_NEWER
/* As if compiled against a header of 1.9, with members behind ours. */
static const struct {
    struct kith_delegate_ops now;
    void *more[20];
} ops = {{.size = sizeof ops, .flags = UINT32_MAX, .judges = UINT64_MAX, .message = odd_message},
         {(void *)1}};
struct newer {
    struct kith_plugin now;
    void *more[9];
};
extern KITH_EXPORT const struct newer kith_plugin_v1;
const struct newer kith_plugin_v1 = {{.size = sizeof(struct newer),
                                      .abi_minor = 9,
                                      .kind = KITH_DELEGATE,
                                      .param_size = STRIDE,
                                      .flags = UINT32_MAX & ~(uint32_t)KITH_KEYED,
                                      .name = "newer",
                                      .version = "9",
                                      .summary = "a new one",
                                      .instance_size = sizeof(struct odd),
                                      .params = PARAMS,
                                      .ops = &ops},
                                     {(void *)1}};

#elif defined ODD_NOSYMBOL
KITH_EXPORT const struct kith_param *not_a_plugin(void);
const struct kith_param *not_a_plugin(void)
{
    odd_message(&(struct odd){0}, NULL);
    return PARAMS;
}

#else
#if defined ODD_V2
#define SYMBOL kith_plugin_v2
#else
#define SYMBOL kith_plugin_v1
#endif
#if defined ODD_UNDEFINED
extern void kith_log_from_nowhere(void);
static int odd_init(void *self, const struct kith_host *host, struct kith_error *err)
{
    kith_log_from_nowhere();
    return 0;
}
#else
#define odd_init NULL
#endif
#if defined ODD_MUST_KNOW
#define MUST_KNOW (1ull << 5)
#else
#define MUST_KNOW 0
#endif
static const struct kith_delegate_ops ops = {.size = sizeof ops, .message = odd_message};
extern KITH_EXPORT const struct kith_plugin SYMBOL;
const struct kith_plugin SYMBOL = {.size = sizeof(struct kith_plugin),
                                   .kind = KITH_DELEGATE,
                                   .param_size = STRIDE,
                                   .must_know = MUST_KNOW,
                                   .name = ODD_NAME,
                                   .version = "1",
                                   .summary = "an odd one",
                                   .instance_size = sizeof(struct odd),
                                   .params = PARAMS,
                                   .ops = &ops,
                                   .init = odd_init};
#endif

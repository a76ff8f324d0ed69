/*
 * odd.c - plugins from other times and other hands. Compiled once per ODD_* with nothing but the
 * ABI header; each but one is a delegate with a parameter `answer` that its notify_msg checks.
 */
#include <kith/plugin.h>

struct odd {
    uint32_t answer;
    uint64_t delay;
    uint32_t heard;
};

static void odd_msg(void *self, struct kith_bytes msg, bool reliable)
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
    {{.name = "answer",
      .type = KITH_PARAM_UINT,
      .offset = offsetof(struct odd, answer),
      .def = "42",
      .max = 100,
      .doc = "first"},
     "things",
     "1.7"},
    {{.name = "delay",
      .type = KITH_PARAM_DURATION,
      .offset = offsetof(struct odd, delay),
      .def = "5s",
      .doc = "second"},
     "s",
     "1.8"},
    {{0}, NULL, NULL},
};
#define PARAMS (const struct kith_param *)params
#define STRIDE sizeof(struct wide_param)
#else
static const struct kith_param params[] = {
    {.name = "answer",
     .type = KITH_PARAM_UINT,
     .offset = offsetof(struct odd, answer),
     .def = "42",
     .max = 100,
     .doc = "first"},
    {.name = "delay",
     .type = KITH_PARAM_DURATION,
     .offset = offsetof(struct odd, delay),
     .def = "5s",
     .doc = "second"},
    {0},
};
#define PARAMS params
#define STRIDE sizeof(struct kith_param)
#endif

#if defined ODD_OLDER
/* As if compiled when the structs ended here: poison follows, which nobody may look at. */
static const struct {
    uint32_t size, reserved;
    void *attach, *node_meta;
    void (*notify_msg)(void *, struct kith_bytes, bool);
    void *poison[12];
} ops = {offsetof(struct kith_delegate_ops, get_broadcasts),
         0,
         NULL,
         NULL,
         odd_msg,
         {(void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1,
          (void *)1, (void *)1}};
struct older {
    uint32_t size, abi_minor, kind, param_size;
    uint64_t requires;
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
    "older",
    "0.1",
    "an old one",
    sizeof(struct odd),
    PARAMS,
    &ops,
    {(void *)1, (void *)1, (void *)1, (void *)1, (void *)1, (void *)1}};

#elif defined ODD_NEWER
/* As if compiled against a header of 1.9, with members behind ours. */
static const struct {
    struct kith_delegate_ops now;
    void *more[20];
} ops = {{.size = sizeof ops, .notify_msg = odd_msg}, {(void *)1}};
struct newer {
    struct kith_plugin now;
    void *more[9];
};
extern KITH_EXPORT const struct newer kith_plugin_v1;
const struct newer kith_plugin_v1 = {{.size = sizeof(struct newer),
                                      .abi_minor = 9,
                                      .kind = KITH_DELEGATE,
                                      .param_size = STRIDE,
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
    odd_msg(&(struct odd){0}, kith_bytes_of(NULL, 0), false);
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
#if defined ODD_REQUIRES
#define REQUIRES (1ull << 5)
#else
#define REQUIRES 0
#endif
static const struct kith_delegate_ops ops = {.size = sizeof ops, .notify_msg = odd_msg};
extern KITH_EXPORT const struct kith_plugin SYMBOL;
const struct kith_plugin SYMBOL = {.size = sizeof(struct kith_plugin),
                                   .kind = KITH_DELEGATE,
                                   .param_size = STRIDE,
                                   .requires = REQUIRES,
                                   .name = ODD_NAME,
                                   .version = "1",
                                   .summary = "an odd one",
                                   .instance_size = sizeof(struct odd),
                                   .params = PARAMS,
                                   .ops = &ops,
                                   .init = odd_init};
#endif

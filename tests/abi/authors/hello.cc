// A delegate in C++, as an author would write it: constants, macros and inline functions of the
// header work there too. Compiled only (compile.sh).
#include <kith/plugin.h>

namespace
{

struct hello {
    const kith_host *host;
};

int hello_init(void *self, const kith_host *host, kith_error *err)
{
    kith_bytes word = kith_bytes_of("x", 1);
    static_cast<hello *>(self)->host = host;
    if (word.len == 1 && KITH_HAS(host, log)) return 0;
    return kith_fail(err, KITH_EINVAL, "no %s", "log");
}

const kith_delegate_ops ops = [] {
    kith_delegate_ops made = {};
    made.size = sizeof made;
    return made;
}();

} // namespace

extern "C" {
KITH_PLUGIN(hello) = {
    sizeof(kith_plugin),
    KITH_ABI_MINOR,
    KITH_DELEGATE,
    sizeof(kith_param),
    0,
    "hello",
    "1",
    "says hello",
    sizeof(hello),
    nullptr,
    &ops,
    hello_init,
    nullptr,
    nullptr,
    nullptr,
    nullptr,
    0,
};
}

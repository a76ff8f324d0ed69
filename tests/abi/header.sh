#!/bin/sh
# The headers compile alone, as C11 and as C++, with nothing else of ours to be found.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
for header in plugin kith; do
    # plugin.h stands quite alone: it may be copied into somebody's tree
    mkdir -p "$dir/$header/kith"
    cp "$srcdir/include/kith/$header.h" "$dir/$header/kith/"
    if [ $header != plugin ]; then cp "$srcdir/include/kith/plugin.h" "$dir/$header/kith/"; fi
    printf '#include <kith/%s.h>\n#include <kith/%s.h>\nint main(void) { return 0; }\n' $header $header > "$dir/use.c"
    ${CC:-cc} -std=c11 -pedantic -Wall -Wextra -Werror -I"$dir/$header" -fsyntax-only "$dir/use.c"
    if command -v "${CXX:-c++}" > /dev/null; then
        ${CXX:-c++} -std=c++17 -Wall -Wextra -Werror -I"$dir/$header" -x c++ -fsyntax-only "$dir/use.c"
    else
        echo "no C++ compiler: C only"
    fi
done
# A plugin in C++: constants, macros and inline functions work there too.
cat > "$dir/plugin.cc" << 'END'
#include <kith/plugin.h>
struct hello {
    const kith_host *host;
};
static int hello_init(void *self, const kith_host *host, kith_error *err)
{
    kith_bytes b = kith_bytes_of("x", 1);
    static_cast<hello *>(self)->host = host;
    return b.len == 1 && KITH_HAS(host, log) ? 0 : kith_fail(err, KITH_EINVAL, "no %s", "luck");
}
static const kith_delegate_ops ops = {sizeof(kith_delegate_ops)};
extern "C" {
KITH_PLUGIN(hello) = {sizeof(kith_plugin), KITH_ABI_MINOR, KITH_DELEGATE, sizeof(kith_param), 0, "hello", "1", "says hello",
                      sizeof(hello), nullptr, &ops, hello_init};
}
END
if command -v "${CXX:-c++}" > /dev/null; then
    ${CXX:-c++} -std=c++17 -Wall -Wextra -Wno-missing-field-initializers -Werror -I"$srcdir/include" -fsyntax-only "$dir/plugin.cc"
fi

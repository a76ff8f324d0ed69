#!/bin/sh
# The core is pure: what its objects call from outside is on this short list, or it is our own. No
# I/O, clock, randomness, locale or thread is among it.
set -u
lib=${builddir:-.}/core/.libs/libcore.a
strings='mem(cpy|move|set|cmp|chr)|str(len|chr|ncpy|cmp)'
allowed="^($strings|malloc|calloc|realloc|free|log|log10|__assert_fail)\$"
tools='__(asan|ubsan|sanitizer|sancov|gcov)_.*'
compiler='__(mem|str)[a-z]*_chk|__stack_chk_fail|__udivti3|_GLOBAL_OFFSET_TABLE_|__tls_get_addr'
compiler="^($compiler|$tools)\$"

if [ ! -f "$lib" ]; then
    echo "no $lib" >&2
    exit 1
fi
symbols=$(nm -u "$lib") || exit 1
wanted=$(echo "$symbols" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' | sort -u |
    grep -Ev '^kith_')
if ! echo "$wanted" | grep -q '^malloc$'; then
    echo "nm shows nothing of what it must show" >&2
    exit 1
fi
found=$(echo "$wanted" | grep -Ev "$compiler" | grep -Ev "$allowed")
if [ -n "$found" ]; then
    echo "core/ calls what a pure core must not:" >&2
    nm -u -A "$lib" | grep -Ew "$(echo $found | tr ' ' '|')" >&2
    exit 1
fi
echo "pure: $(echo "$wanted" | wc -l) symbols from outside"

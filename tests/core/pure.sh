#!/bin/sh
# The core is pure: what it calls from outside is on this short list, or the compiler's own. No I/O,
# clock, randomness, locale or thread is among it.
#
# Compilers differ in what they call by name: one has bcmp for memcmp, one no floor of its own; not
# optimized, ntohl is a function; on 32 bits a division is one of libgcc. So all that is pure is
# allowed whoever calls it, and what the compiler's own library defines is no call of ours. With LTO
# the objects have no code yet: one is made of all of them first, and looked at instead.
set -u
lib=${builddir:-.}/core/.libs/libcore.a
CC=${CC:-cc}
strings='mem(cpy|move|set|cmp|chr)|bcmp|str(len|chr|ncpy|cmp)'
numbers='log|log10|floor|[hn]to[hn][ls]'
allowed="^($strings|$numbers|qsort|malloc|calloc|realloc|free|__assert_fail)\$"
tools='__(asan|ubsan|sanitizer|sancov|gcov|tsan)_.*'
compiler='__(mem|str)[a-z]*_chk|__stack_chk_[a-z_]*|_GLOBAL_OFFSET_TABLE_|__tls_get_addr'
compiler="^($compiler|$tools)\$"

fail() { echo "$*" >&2; exit 1; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
whole=$dir/core.o

[ -f "$lib" ] || fail "no $lib"
set -- -r -nostdlib -o "$whole" -Wl,--whole-archive "$lib" -Wl,--no-whole-archive
# The first is for LTO, and not for every compiler.
$CC -flinker-output=nolto-rel "$@" 2> /dev/null || $CC "$@" || fail "$CC can't join its objects"
symbols=$(nm "$whole") || exit 1
echo "$symbols" | grep -q ' [Tt] kith_core_tick$' || fail "nm does not see the code of the core"
wanted=$(echo "$symbols" | awk '$1 == "U" { print $2 }' | sed 's/@.*//' | sort -u)
echo "$wanted" | grep -q '^malloc$' || fail "nm does not see what the core calls"

runtime=$($CC -print-libgcc-file-name 2> /dev/null)
nm --defined-only "$runtime" 2> /dev/null | awk 'NF == 3 { print $3 }' | grep '^__' |
    sort -u > "$dir/own"
found=$(echo "$wanted" | grep -Ev "$compiler" | grep -Ev "$allowed" | grep -vxF -f "$dir/own")
if [ -n "$found" ]; then
    echo "core/ calls what a pure core must not:" >&2
    echo "$found" >&2
    nm -u -A "$lib" 2> /dev/null | grep -Ew "$(echo $found | tr ' ' '|')" >&2
    exit 1
fi
echo "pure: $(echo "$wanted" | wc -l) symbols from outside"

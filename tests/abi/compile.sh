#!/bin/sh
# The public headers and what authors write against them compile without a warning, in every
# standard that an author may have chosen, with gcc and with clang. Authors are examples/*/ and
# tests/abi/authors/, C in *.c, C++ in *.cc, and our own plugins. Each header also compiles
# alone and twice over, with nothing else of ours to be found; and no struct of plugin.h is missing
# in layout.c.
#
# A compiler that is not there is named and left out; with KITH_STYLE=require that is a failure.
set -u
C_STANDARDS='c11 c17 c2x'
CXX_STANDARDS='c++17 c++20 c++2b'
WARNINGS='-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror'
# What a C++ author may have asked for beyond these: the headers are C, and say so.
CXX_WARNINGS='-Wold-style-cast -Wzero-as-null-pointer-constant'
# Ours implement what a callback hands them and name it, needed or not.
OUR_WARNINGS="$WARNINGS -Wno-unused-parameter -D_GNU_SOURCE"

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
passed=0 failed=0 skipped=0

# compile COMPILER STANDARD LANGUAGE INCLUDE-FOLDER FILE
compile() {
    # shellcheck disable=SC2086
    if "$1" -std="$2" $warnings -x "$3" -I"$4" -fsyntax-only "$5" 2> "$dir/said"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED  $1 -std=$2 $5"
        head -n 20 "$dir/said"
    fi
}

# everything LANGUAGE COMPILER STANDARDS FILES...
everything() {
    language=$1 compiler=$2 standards=$3
    shift 3
    echo "$compiler: $standards"
    for standard in $standards; do
        warnings=$WARNINGS
        [ "$language" = c ] || warnings="$WARNINGS $CXX_WARNINGS"
        compile "$compiler" "$standard" "$language" "$dir/root/include" "$dir/kith.use"
        compile "$compiler" "$standard" "$language" "$dir/alone" "$dir/plugin.use"
        warnings=$WARNINGS
        for file in "$@"; do
            [ -e "$file" ] || continue
            compile "$compiler" "$standard" "$language" "$srcdir/include" "$file"
        done
    done
}

# ours COMPILER: our own plugins
ours() {
    warnings=$OUR_WARNINGS
    for standard in $C_STANDARDS; do
        for file in "$srcdir"/codecs/*.c "$srcdir"/plugins/delegates/*.c \
            "$srcdir"/transports/*/*.c; do
            compile "$1" "$standard" c "$srcdir/include" "$file"
        done
    done
}

# first NAMES...: the first of these programs that is there
first() {
    for name in "$@"; do
        if command -v "$name" > /dev/null; then echo "$name"; return; fi
    done
}

# plugin.h stands quite alone: it may be copied into somebody's tree. kith.h has what is installed.
unset MAKEFLAGS MFLAGS MAKELEVEL
mkdir -p "$dir/alone/kith"
cp "$srcdir/include/kith/plugin.h" "$dir/alone/kith/"
make -s -C "$builddir" install-pkgincludeHEADERS pkgincludedir="$dir/root/include/kith" \
    > "$dir/said" 2>&1 || { cat "$dir/said"; exit 1; }
for header in plugin kith; do
    printf '#include <kith/%s.h>\n#include <kith/%s.h>\nint main(void) { return 0; }\n' \
        $header $header > "$dir/$header.use"
done

newest='clang-21 clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14'
# shellcheck disable=SC2046,SC2086
for pair in "gcc:$(first gcc):$(first g++)" \
    "clang:$(first clang $newest):$(first clang++ $(echo $newest | sed 's/clang/clang++/g'))"; do
    family=${pair%%:*} cc=${pair#*:}
    cxx=${cc#*:} cc=${cc%%:*}
    if [ -n "$cc" ]; then
        everything c "$cc" "$C_STANDARDS" "$srcdir"/examples/plugin-*/*.c \
            "$srcdir"/examples/embed/*.c "$srcdir"/tests/abi/authors/*.c
        ours "$cc"
    fi
    if [ -n "$cxx" ]; then
        everything c++ "$cxx" "$CXX_STANDARDS" "$srcdir"/examples/plugin-*/*.cc \
            "$srcdir"/tests/abi/authors/*.cc
    fi
    if [ -z "$cc" ] || [ -z "$cxx" ]; then
        echo "$family is missing${cc:+ for C++}"
        if [ "${KITH_STYLE:-}" = require ]; then
            failed=$((failed + 1))
        else
            skipped=$((skipped + 1))
        fi
    fi
done
for struct in $(sed -n 's/^struct \(kith_[a-z_]*\) {.*/\1/p' "$srcdir/include/kith/plugin.h"); do
    if ! grep -Eq "^(TAIL|FROZEN)\($struct," "$srcdir/tests/abi/layout.c"; then
        echo "FAILED  layout.c says nothing of the end of struct $struct"
        failed=$((failed + 1))
    fi
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

#!/bin/sh
# The public headers and what authors write against them compile without a warning, in every
# standard that an author may have chosen, with gcc and with clang. Authors are examples/plugin-*/
# and tests/abi/authors/: C in *.c, C++ in *.cc. Each header also compiles alone and twice over,
# with nothing else of ours to be found.
#
# A compiler that is not there is named and left out; with KITH_STYLE=require that is a failure.
set -u
C_STANDARDS='c11 c17 c2x'
CXX_STANDARDS='c++17'
WARNINGS='-Wall -Wextra -Wpedantic -Wconversion -Werror'
C_WARNINGS="$WARNINGS -Wshadow"
CXX_WARNINGS=$WARNINGS

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
    warnings=$C_WARNINGS
    [ "$language" = c ] || warnings=$CXX_WARNINGS
    echo "$compiler: $standards"
    for standard in $standards; do
        for header in plugin kith; do
            compile "$compiler" "$standard" "$language" "$dir/$header" "$dir/$header.use"
        done
        for file in "$@"; do
            [ -e "$file" ] || continue
            compile "$compiler" "$standard" "$language" "$srcdir/include" "$file"
        done
    done
}

# first NAMES...: the first of these programs that is there
first() {
    for name in "$@"; do
        if command -v "$name" > /dev/null; then echo "$name"; return; fi
    done
}

# plugin.h stands quite alone: it may be copied into somebody's tree
for header in plugin kith; do
    mkdir -p "$dir/$header/kith"
    cp "$srcdir/include/kith/$header.h" "$dir/$header/kith/"
    [ $header = plugin ] || cp "$srcdir/include/kith/plugin.h" "$dir/$header/kith/"
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
        everything c "$cc" "$C_STANDARDS" "$srcdir"/examples/plugin-*/[!t]*.c \
            "$srcdir"/tests/abi/authors/*.c
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
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ] && [ $passed -gt 0 ]

#!/bin/sh
# A delegate from outside: installs what an author needs into a scratch place, builds
# examples/plugin-delegate there with pkg-config alone, runs its test, has Kith look at it, and lets
# a cluster of three use it.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL
command -v pkg-config > /dev/null || { echo "no pkg-config"; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; exit 1; }

make -s -C "$builddir" install-pkgincludeHEADERS install-pkgconfigDATA DESTDIR="$dir/root" \
    > "$dir/install.log" 2>&1 || { cat "$dir/install.log"; fail "make install failed"; }
PKG_CONFIG_PATH=$(dirname "$(find "$dir/root" -name kith-plugin.pc)")
PKG_CONFIG_SYSROOT_DIR=$dir/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR

mkdir "$dir/own"
cp "$srcdir"/examples/plugin-delegate/* "$dir/own/"
chmod u+w "$dir/own"/*
make -s -C "$dir/own" check CFLAGS='-O2 -Werror'
[ "$(nm -D --defined-only "$dir/own/poll.so" | awk '{print $NF}')" = kith_plugin_v1 ] ||
    fail "it exports something else too"
"$KITH" plugin inspect "$dir/own/poll.so" > "$dir/inspect"
grep -q poll "$dir/inspect" && grep -q patience "$dir/inspect" ||
    { cat "$dir/inspect"; fail "inspect does not show it"; }
make -s -C "$dir/own" cluster KITH="$KITH"

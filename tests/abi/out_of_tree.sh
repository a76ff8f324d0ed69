#!/bin/sh
# Codecs from outside: installs what an author needs into a scratch place, builds
# examples/plugin-codec (C) and examples/plugin-codec-cpp there with pkg-config alone, has Kith look
# at them and check a file that names them, and lets them carry a cluster of two.
set -eu
unset MAKEFLAGS MFLAGS MAKELEVEL
command -v pkg-config > /dev/null || { echo "no pkg-config"; exit 77; }
dir=$(mktemp -d)
pids=
trap 'kill -9 $pids 2> /dev/null || :; rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; exit 1; }

make -s -C "$builddir" install-pkgincludeHEADERS install-pkgconfigDATA DESTDIR="$dir/root" \
    > "$dir/install.log" 2>&1 || { cat "$dir/install.log"; fail "make install failed"; }
pc=$(find "$dir/root" -name kith-plugin.pc)
[ -n "$pc" ] || fail "kith-plugin.pc was not installed"
PKG_CONFIG_PATH=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$dir/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
[ -n "$(pkg-config --variable=plugindir kith-plugin)" ] ||
    fail "kith-plugin.pc names no plugin folder"
[ -z "$(pkg-config --libs kith-plugin)" ] || fail "a plugin should have nothing to link"

exports_one() {
    [ "$(nm -D --defined-only "$1" | awk '{print $NF}')" = kith_plugin_v1 ] ||
        fail "$1 exports something else too"
}
cp "$srcdir"/examples/plugin-codec/* "$dir/"
chmod u+w "$dir"/*
make -s -C "$dir" check CFLAGS='-O2 -Werror'
exports_one "$dir/fletcher.so"

layers=fletcher
if command -v "${CXX:-c++}" > /dev/null; then
    mkdir "$dir/cpp"
    cp "$srcdir"/examples/plugin-codec-cpp/* "$dir/cpp/"
    chmod u+w "$dir/cpp"/*
    make -s -C "$dir/cpp" check CXX="${CXX:-c++}" CXXFLAGS='-O2 -Werror'
    exports_one "$dir/cpp/rle.so"
    nm "$dir/cpp/rle.o" | grep -q _GLOBAL__sub_I && fail "something of it runs when it is loaded"
    "$KITH" plugin inspect "$dir/cpp/rle.so" | grep -q min_size || fail "inspect does not show rle"
    sed -i 's|{ use: lzw }|{ use: ./cpp/rle.so, layer_byte: 0xC8 }|' "$dir/node.yaml"
    layers="rle and fletcher"
fi

"$KITH" plugin inspect "$dir/fletcher.so" > "$dir/inspect"
grep -q fletcher "$dir/inspect" && grep -q bits "$dir/inspect" ||
    { cat "$dir/inspect"; fail "inspect does not show it"; }
"$KITH" config check "$dir/node.yaml"
sed 's/, layer_byte: 0xC7//' "$dir/node.yaml" > "$dir/nobyte.yaml"
if "$KITH" config check "$dir/nobyte.yaml" 2> "$dir/nobyte"; then
    fail "a codec without a byte should need layer_byte:"
fi
grep -q 'nobyte.yaml:[0-9]*:[0-9]*: error' "$dir/nobyte" ||
    { cat "$dir/nobyte"; fail "no place in the error"; }
grep -q layer_byte "$dir/nobyte" || { cat "$dir/nobyte"; fail "no word of layer_byte:"; }

# A cluster of two on it: they find each other, a message arrives, and the codec is what carried it.
for node in a b; do
    "$KITH" run "$dir/node.yaml" --name "$node" --socket "$dir/$node.sock" 2> "$dir/$node.log" &
    pids="$pids $!"
    "$KITH" members --socket "$dir/$node.sock" --wait alive=1 > /dev/null ||
        { cat "$dir/$node.log"; fail "$node does not run"; }
done
port=$("$KITH" members --socket "$dir/a.sock" --no-header | awk '{ print $2 }')
"$KITH" join --socket "$dir/b.sock" "$port" > /dev/null || fail "b can't join a"
"$KITH" members --socket "$dir/a.sock" --wait alive=2 > /dev/null || fail "a does not see b"
"$KITH" monitor --socket "$dir/b.sock" --events message --count 1 --timeout 30s --format json \
    > "$dir/heard" &
listener=$!
"$KITH" info --socket "$dir/b.sock" --wait monitors=1 > /dev/null
"$KITH" send --socket "$dir/a.sock" --reliable b "over fletcher"
wait $listener || { cat "$dir/b.log"; fail "b heard nothing"; }
grep -q "$(printf 'over fletcher' | base64)" "$dir/heard" ||
    { cat "$dir/heard"; fail "b heard something else"; }
"$KITH" info --socket "$dir/b.sock" |
    awk '$1 == "fletcher" && $2 > 0 && $3 > 0 { found = 1 } END { exit !found }' ||
    { "$KITH" info --socket "$dir/b.sock"; fail "no message went through the codec"; }

echo "$layers from outside: built, loaded, configured, and carried a cluster"

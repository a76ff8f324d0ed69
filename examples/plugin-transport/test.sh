#!/bin/sh
# Two nodes over unix_socket.so: they meet, both ways of sending arrive, one leaves. KITH: the
# program, if it is not in the path.
set -eu
kith=${KITH:-kith}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
pids=
trap 'kill -9 $pids 2> /dev/null || :; rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; cat "$dir"/*.log >&2; exit 1; }

for node in a b; do
    sed "s,name: unix-1,name: $node,; s,unix-1.sock,$dir/$node.sock,; s,\./unix,$here/unix," \
        "$here/node.yaml" > "$dir/$node.yaml"
    "$kith" run "$dir/$node.yaml" --socket "$dir/$node.control" 2> "$dir/$node.log" &
    pids="$pids $!"
    "$kith" members --socket "$dir/$node.control" --wait alive=1 > /dev/null ||
        fail "$node does not run"
done
"$kith" join --socket "$dir/b.control" "$dir/a.sock" > /dev/null || fail "b can't join a"
for node in a b; do
    "$kith" members --socket "$dir/$node.control" --wait alive=2 > "$dir/members" ||
        fail "$node is alone"
    grep -q "$dir/a.sock" "$dir/members" || fail "no path in: $(cat "$dir/members")"
done

hear() { # how: "" by packet, --reliable by stream
    "$kith" monitor --socket "$dir/b.control" --events message --count 1 --timeout 30s \
        --format json > "$dir/heard" &
    listener=$!
    "$kith" info --socket "$dir/b.control" --wait monitors=1 > /dev/null
    "$kith" send --socket "$dir/a.control" $1 b "over a path"
    wait $listener || fail "b heard nothing"
    grep -q "$(printf 'over a path' | base64)" "$dir/heard" || fail "b heard something else"
    "$kith" info --socket "$dir/b.control" --wait monitors=0 > /dev/null
}
hear ""
hear --reliable

"$kith" leave --socket "$dir/b.control" > /dev/null || fail "b can't leave"
"$kith" members --socket "$dir/a.control" --wait alive=1 > /dev/null || fail "b stays"
[ ! -e "$dir/b.sock" ] && [ ! -e "$dir/b.sock.s" ] || fail "b left its sockets behind"
echo "two nodes met over Unix sockets"

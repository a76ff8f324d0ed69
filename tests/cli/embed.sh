#!/bin/sh
# examples/embed/watch: a node in a program's own loop meets a node of `kith run`; each hears of
# the other and gets its message.
set -eu
dir=$(mktemp -d)
pids=
trap 'kill -9 $pids 2> /dev/null || :; rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; cat "$dir"/*.out >&2; exit 1; }

for node in watch other; do
    cat > "$dir/$node.yaml" <<END
node: { name: $node, profile: local, control: $dir/$node.sock }
transport: { use: udp_tcp, bind: "127.0.0.1:0" }
END
done
"$builddir/examples/embed/watch" "$dir/watch.yaml" > "$dir/watch.out" 2>&1 &
watch=$!
"$KITH" run "$dir/other.yaml" > "$dir/other.out" 2>&1 &
other=$!
pids="$watch $other"
addr=$("$KITH" members --socket "$dir/watch.sock" --wait alive=1 --no-header | awk '{ print $2 }')
"$KITH" monitor --socket "$dir/other.sock" --events message --count 1 --timeout 30s \
    > "$dir/heard.out" &
monitor=$!
"$KITH" info --socket "$dir/other.sock" --wait monitors=1 > /dev/null
"$KITH" join --socket "$dir/other.sock" "$addr" > /dev/null || fail "can't join the program"
wait $monitor || fail "the program did not greet"
grep -q 'message *hello' "$dir/heard.out" || fail "the greeting is another"
"$KITH" send --socket "$dir/other.sock" --reliable watch "and to you" ||
    fail "can't send to the program"
kill -TERM $watch
wait $watch || fail "the program did not end well"
"$KITH" members --socket "$dir/other.sock" --wait left=1 > /dev/null ||
    fail "the program did not say goodbye"
grep -q "^joined other 127.0.0.1:" "$dir/watch.out" || fail "no word of the other"
grep -q "^heard and to you" "$dir/watch.out" || fail "no word of the message"
echo "a node in a program joins, hears, speaks and leaves"

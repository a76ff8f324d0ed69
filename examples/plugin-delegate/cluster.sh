#!/bin/sh
# Three nodes with poll.so: one asks, the two others answer. KITH: the program, if it is not in the
# path.
set -eu
kith=${KITH:-kith}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
pids=
trap 'kill -9 $pids 2> /dev/null || :; rm -rf "$dir"' EXIT
fail() { echo "$*" >&2; cat "$dir"/*.log >&2; exit 1; }

for node in ada bert carl; do
    sed "s,\./poll,$here/poll,; s,pizza,$node likes soup," "$here/node.yaml" > "$dir/$node.yaml"
    "$kith" run "$dir/$node.yaml" --name $node --socket "$dir/$node.sock" 2> "$dir/$node.log" &
    pids="$pids $!"
    "$kith" members --socket "$dir/$node.sock" --wait alive=1 > /dev/null ||
        fail "$node does not run"
done
ada=$("$kith" members --socket "$dir/ada.sock" --no-header | awk '{ print $2 }')
for node in bert carl; do
    "$kith" join --socket "$dir/$node.sock" "$ada" > /dev/null || fail "$node can't join"
done
for node in ada bert carl; do
    "$kith" members --socket "$dir/$node.sock" --wait alive=3 > /dev/null || fail "$node is alone"
done

"$kith" command --socket "$dir/ada.sock" poll ask "lunch?" | sort > "$dir/said" ||
    fail "the poll failed"
printf 'bert: bert likes soup\ncarl: carl likes soup\n' > "$dir/want"
diff "$dir/want" "$dir/said" || fail "other answers"
echo "two members answered"

#!/bin/sh
# A live cluster of three goes from compressed plaintext to zstd and XChaCha20-Poly1305, by reloads
# alone, and shows what it sees.
#
#   ./run.sh             uses the kith in PATH; KITH=../../build/kith ./run.sh another one
#
# Leaves nothing behind. Ends with 1 when any node was lost or any message refused that should not
# have been.
set -eu
KITH=${KITH:-kith}
case $KITH in */*) KITH=$(cd "$(dirname "$KITH")" && pwd)/$(basename "$KITH") ;; esac
steps=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=

finish() {
    status=$?
    for pid in $pids; do kill "$pid" 2>/dev/null || true; done
    wait
    [ $status = 0 ] || cat "$work"/*.log
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

say() { printf '\n%s\n' "$*"; }
ask() { # NODE COMMAND...: what `kith COMMAND` says
    node=$1 verb=$2
    shift 2
    "$KITH" "$verb" --socket "$work/$node.sock" "$@"
}
show() {
    ask ada members --wait alive=3
    ask ada info | sed -n '/^  require/p; /^  keys/p; /^  CODEC/,/^$/p'
}
refused() { # how many messages the three have refused
    for node in ada bob cat; do
        ask $node info --format json | tr ',{}' '\n\n\n' |
            sed -n '/"refused"/,/"stats"/s/^ *"[a-z_]*": *\([0-9]*\)$/\1/p'
    done | awk '{ n += $1 } END { print n + 0 }'
}
# FILE: the same file and a reload on each node in turn, each time with a message to and from it
step() {
    for node in ada bob cat; do
        cp "$steps/$1" "$work/$node.yaml"
        say "$node: reload with $1"
        ask $node reload | sed 's/^/    /'
        for other in ada bob cat; do
            [ $other = $node ] || ask $node send --reliable $other "from $node" >/dev/null
            [ $other = $node ] || ask $other send --reliable $node "to $node" >/dev/null
        done
    done
    say "All have done $1:"
    show
}

say "Which of the files can talk to each other?"
(umask 077 && head -c 32 /dev/urandom | base64 >"$work/cluster.key")
cp "$steps"/*.yaml "$work"
for pair in "0-before 1-learn" "1-learn 2-switch" "2-switch 3-close" "0-before 3-close"; do
    # shellcheck disable=SC2086
    set -- $pair
    says=no
    "$KITH" config check --quiet "$work/$1.yaml" --with "$work/$2.yaml" >/dev/null 2>&1 && says=yes
    printf '    %-10s %-10s %s\n' "$1" "$2" "$says"
done

say "Three nodes in plaintext:"
for node in ada bob cat; do
    cp "$steps/0-before.yaml" "$work/$node.yaml"
    "$KITH" run --name $node --socket "$work/$node.sock" "$work/$node.yaml" 2>"$work/$node.log" &
    pids="$pids $!"
    ask $node members --wait alive=1 >/dev/null
done
port=$(ask ada members --no-header | sed -n 's/^ada .*127\.0\.0\.1:\([0-9]*\).*/\1/p')
for node in bob cat; do ask $node join "127.0.0.1:$port" >/dev/null; done
for node in bob cat; do ask $node members --wait alive=3 >/dev/null; done
show

step 1-learn.yaml
step 2-switch.yaml
before=$(refused)
step 3-close.yaml

say "A node that still speaks plaintext knocks:"
cp "$steps/0-before.yaml" "$work/dan.yaml"
"$KITH" run --name dan --socket "$work/dan.sock" "$work/dan.yaml" 2>"$work/dan.log" &
pids="$pids $!"
ask dan members --wait alive=1 >/dev/null
if ask dan join "127.0.0.1:$port"; then exit 1; fi
ask ada info | sed -n '/messages_refused/p'
[ "$(refused)" -gt "$before" ] || { echo "that refusal was not counted"; exit 1; }

for node in ada bob cat; do ask $node members --wait alive=3 --timeout 1s >/dev/null; done
[ "$before" = 0 ] || { echo "the first two steps cost $before messages"; exit 1; }
say "Nobody was lost, and no message."

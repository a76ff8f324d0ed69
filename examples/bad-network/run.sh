#!/bin/sh
# Three nodes in one process, on a network that loses one packet in twenty: they meet all the same,
# are torn apart, declare each other dead, and find back when the network is whole again.
#
#   ./run.sh             uses the kith in PATH; KITH=../../build/kith ./run.sh another one
#
# Leaves nothing behind. Ends with 1 when anything is not as it should be.
set -eu
KITH=${KITH:-kith}
case $KITH in */*) KITH=$(cd "$(dirname "$KITH")" && pwd)/$(basename "$KITH") ;; esac
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pid=

finish() {
    status=$?
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    wait
    [ $status = 0 ] || cat "$work/log"
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

for node in ada bob cat; do # with sockets of their own, so that other nodes here are left alone
    sed "s|^  name: .*|&\n  control: $work/$node.sock|" "$here/$node.yaml" >"$work/$node.yaml"
done
"$KITH" run --together "$work/ada.yaml" "$work/bob.yaml" "$work/cat.yaml" 2>"$work/log" &
pid=$!

# kith members --wait also waits for the socket.
say "Three nodes in one process:"
ask ada members --wait alive=3 --timeout 30s | sed 's/^/    /'

say "cat is cut off, both ways:"
ask ada loopback partition cat
ask ada members --wait dead=1 --timeout 60s | sed 's/^/    /'
ask cat members --wait alive==1 --timeout 60s | sed 's/^/    /'

say "The network is whole again; one of them asks, until it is heard:"
ask ada loopback heal
tries=0
until ask cat join ada >/dev/null 2>&1; do # a dial that is lost costs a second: too long for it
    tries=$((tries + 1))
    [ $tries -lt 20 ]
done
ask ada members --wait alive=3 --timeout 60s >/dev/null
ask cat members --wait alive=3 --timeout 60s | sed 's/^/    /'

say "What the network did:"
ask bob loopback stats

#!/usr/bin/env bash
# From a fresh Debian 12 to a live cluster:
#
#   ./quickstart.sh          install what is needed, build, run three nodes for half a minute and
#                            show what they see
#   ./quickstart.sh --keep   the same, but leave the cluster running
#   ./quickstart.sh check    install what is needed, build, run the tests
#
# Root or sudo is needed only while packages are missing. Everything is built in ./build.
set -euo pipefail
cd "$(dirname "$0")"

BUILD_PACKAGES="autoconf automake libtool make gcc libc6-dev pkg-config libyaml-dev libmsgpack-dev
  libsodium-dev libcunit1-dev libuv1-dev libc-ares-dev libjansson-dev libssl-dev liblz4-dev
  libzstd-dev zlib1g-dev perl procps"
TEST_PACKAGES="g++ python3-minimal libpython3-stdlib binutils xz-utils"
PEER_PACKAGES="serf prometheus-alertmanager golang-go golang-github-hashicorp-memberlist-dev
  ca-certificates"

say() {
    if [ -t 1 ]; then printf '\n\033[1m%s\033[0m\n' "$*"; else printf '\n%s\n' "$*"; fi
}
die() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }

install_missing() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] ||
            missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return
    command -v apt-get >/dev/null || die "this needs Debian's packages: ${missing[*]}"
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "run this once as root, or install: ${missing[*]}"
        root=(sudo)
    fi
    say "Installing ${missing[*]}"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@" >/dev/null
        ' apt "${missing[@]}" ||
        die "apt-get could not install them; its own words are above"
}

build() {
    if [ ! -x configure ] || [ ! configure -nt configure.ac ]; then
        say "Making ./configure"
        ./autogen.sh >autogen.log 2>&1 || { cat autogen.log; die "autogen.sh failed"; }
    fi
    mkdir -p build
    if [ ! -f build/Makefile ]; then
        say "Configuring"
        (cd build && ../configure --quiet "$@" >configure.out 2>&1) ||
            { cat build/configure.out; die "configure failed"; }
    fi
    if ! make -C build -q >/dev/null 2>&1; then
        say "Building (one minute or so, once)"
        make -C build -s -j"$(nproc)" >build/make.out 2>&1 ||
            { cat build/make.out; die "the build failed"; }
    fi
}

# -------------------------------------------------------------------------------------- the tests
check() {
    local peers=
    [ "${KITH_INTEROP:-}" != require ] || peers=$PEER_PACKAGES
    # shellcheck disable=SC2086
    install_missing $BUILD_PACKAGES $TEST_PACKAGES $peers
    build --enable-werror
    say "Running the tests"
    local failed=0
    make -C build -k -j"$(nproc)" check >build/check.out 2>&1 || failed=1
    grep -E '^(PASS|SKIP|FAIL|ERROR|XPASS):' build/check.out || tail -n 40 build/check.out
    [ $failed = 0 ] || [ ! -f build/test-suite.log ] || tail -n 300 build/test-suite.log
    exec tests/summary.sh "$failed" build
}

# ------------------------------------------------------------------------------------ the cluster
kith=./build/kith
nodes=examples/three-nodes
pids=()

start() { # NAME
    "$kith" run "$nodes/$1.yaml" >/dev/null 2>"build/demo-$1.log" &
    pids+=($!)
    eval "pid_$1=$!"
}

stop_all() {
    local pid
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
}

table() { # what NAME sees
    printf '$ kith members --node %s\n' "$1"
    "$kith" members --node "$1" | sed 's/^/    /'
}

demo() {
    # shellcheck disable=SC2086
    install_missing $BUILD_PACKAGES
    build
    [ -s $nodes/cluster.key ] || (umask 077 && head -c 32 /dev/urandom | base64 >$nodes/cluster.key)
    trap 'trouble' EXIT

    say "1. Three nodes find each other (UDP and TCP on loopback, compressed, encrypted)"
    start ada
    "$kith" members --node ada --wait alive=1 --timeout 10s >/dev/null
    table ada
    start bob
    "$kith" members --node ada --wait alive=2 --timeout 10s >/dev/null
    table ada
    start cat
    for n in ada bob cat; do "$kith" members --node $n --wait alive=3 --timeout 10s >/dev/null; done
    table ada

    if [ "${1:-}" = --keep ]; then keep; return; fi

    say "2. A message from ada arrives at the others"
    for n in bob cat; do
        "$kith" monitor --node $n --events message --count 1 --timeout 15s |
            sed "s/^/    $n hears: /" &
        listeners="${listeners:-} $!"
    done
    for n in bob cat; do "$kith" info --node $n --wait monitors=1 --timeout 10s >/dev/null; done
    echo '$ kith broadcast --node ada "hello, kith"'
    "$kith" broadcast --node ada "hello, kith"
    # shellcheck disable=SC2086
    wait $listeners

    say "3. cat is killed with SIGKILL: suspected first, then declared dead"
    kill -9 "$pid_cat"
    wait "$pid_cat" 2>/dev/null || true
    for n in ada bob; do
        "$kith" members --node $n --wait suspect=1 --timeout 20s >/dev/null
        table $n
    done
    for n in ada bob; do
        "$kith" members --node $n --wait dead=1 --timeout 20s >/dev/null
        table $n
    done

    say "4. bob leaves (SIGTERM), and says so"
    kill -TERM "$pid_bob"
    wait "$pid_bob"
    "$kith" members --node ada --wait left=1 --timeout 20s >/dev/null
    table ada

    kill -TERM "$pid_ada"
    wait "$pid_ada"
    trap - EXIT
    say "That was Kith. Next: ./quickstart.sh --keep, and the first ten minutes in README.md"
}

trouble() {
    local status=$?
    for log in build/demo-*.log; do [ -s "$log" ] && { echo "--- $log"; tail -n 20 "$log"; }; done
    stop_all
    exit $status
}

keep() {
    trap - EXIT
    disown -a
    say "The cluster keeps running. To play with it:"
    local row="    %-62s %s\n"
    # shellcheck disable=SC2059
    {
        printf "$row" "$kith members --node ada" "who is there"
        printf "$row" "$kith monitor --node bob" "what happens, as it happens"
        printf "$row" "$kith send --node ada cat \"just you\"" "a message to one"
        printf "$row" "$kith broadcast --node ada \"all of you\"" "a message to all"
        printf "$row" "$kith meta --node bob \"new meta\"" "change what bob says of itself"
        printf "$row" "kill -9 $pid_cat" "kill cat and watch"
        printf "$row" "$kith run $nodes/cat.yaml &" "and bring it back"
        printf "$row" "for n in ada bob cat; do $kith leave --node \$n; done" "end it all"
    }
}

case "${1:-}" in
"" | --keep) demo "$@" ;;
check) check ;;
-h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" ;;
*) die "unknown argument '$1'; try --help" ;;
esac

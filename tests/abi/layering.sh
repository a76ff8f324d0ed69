#!/bin/sh
# Who may include whom (docs/ARCHITECTURE.md): each #include "..." must be found in a folder that the including one may see.
# The -I flags of the build enforce the same; this also finds what slips through relative paths and wrong flags.
set -u
cd "$srcdir" || exit 1
status=0

# check FOLDER ALLOWED-FOLDERS...: sources directly in FOLDER
check() {
    folder=$1
    shift
    for file in "$folder"/*.c "$folder"/*.h; do
        [ -e "$file" ] || continue
        for name in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' "$file"); do
            found=no
            for allowed in "$folder" "$@"; do
                [ -e "$allowed/$name" ] && found=yes
            done
            case $name in */* | ..*) found=no ;; esac
            if [ $found = no ]; then
                echo "$file includes \"$name\", which $folder/ may not see (allowed: $folder $*)" >&2
                status=1
            fi
        done
        for name in $(sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*<kith\/\([^>]*\)>.*/\1/p' "$file"); do
            case "$folder:$name" in
            *:plugin.h) ;;
            include/kith:* | core:settings.h | config:settings.h | plugins:settings.h | runtime/*:* | tools:*) ;;
            *)
                echo "$file includes <kith/$name>: $folder/ may see <kith/plugin.h> only" >&2
                status=1
                ;;
            esac
        done
    done
}

check include/kith
check core
check config
check plugins config
check plugins/delegates
check codecs
check transports
check runtime/loop core config plugins
check runtime/node runtime/loop runtime/control core config plugins
check runtime/control runtime/loop runtime/node core config plugins
check tools runtime/loop runtime/node runtime/control core config plugins
exit $status

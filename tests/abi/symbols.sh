#!/bin/sh
# Each .so of ours exports one symbol, kith_plugin_v1, and needs none of ours.
# What sanitizers add does not count.
set -u
status=0 seen=0
for dir in transports codecs plugins/delegates; do
    for so in "$builddir/$dir/.libs/"*.so; do
        [ -e "$so" ] || continue
        seen=$((seen + 1))
        defined=$(nm -D --defined-only "$so" | awk '{print $NF}' |
            grep -Ev '^__(asan|odr_asan|ubsan|sanitizer|start|stop)' | sort | tr '\n' ' ')
        if [ "$defined" != "kith_plugin_v1 " ]; then
            echo "$so exports: $defined" >&2
            status=1
        fi
        undefined=$(nm -D --undefined-only "$so" | awk '{print $NF}' | grep '^kith_')
        if [ -n "$undefined" ]; then
            echo "$so needs symbols of ours: $undefined" >&2
            status=1
        fi
        if objdump -p "$so" | grep -q 'NEEDED.*libkith'; then
            echo "$so is linked against libkith" >&2
            status=1
        fi
    done
done
if [ $seen -eq 0 ]; then
    echo "no plugin is a file here (--enable-static-plugins): nothing to look at"
    exit 77
fi
echo "$seen plugins looked at"
exit $status

# The minimal runtime: everything below include/kith/kith.h that is not pure.
noinst_LTLIBRARIES += runtime/libruntime.la
runtime_libruntime_la_SOURCES = runtime/dns.c runtime/dns.h runtime/host.c runtime/host.h runtime/log.c runtime/log.h \
  runtime/log_format.c runtime/log_format.h runtime/loop.c runtime/loop.h runtime/loop_private.h runtime/loop_uv.c \
  runtime/loop_virtual.c runtime/resolve.c runtime/resolve.h runtime/timers.c runtime/timers.h runtime/where.c \
  runtime/runtime.h runtime/node.c runtime/wiring.c runtime/wire_watch.c runtime/wire_watch.h runtime/streams.c runtime/commands.c runtime/joiner.c runtime/table.c \
  runtime/stats.c runtime/codes.c runtime/reload.c runtime/control.h runtime/control.c runtime/control_path.c \
  runtime/control_commands.c runtime/control_keys.c runtime/control_report.c runtime/control_monitor.c
runtime_libruntime_la_CPPFLAGS = $(INC_ALL) -DKITH_VERSION='"$(PACKAGE_VERSION)"' -DKITH_PLUGINDIR='"$(plugindir)"'
runtime_libruntime_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(SODIUM_CFLAGS) $(CARES_CFLAGS) $(JANSSON_CFLAGS)
runtime_libruntime_la_LIBADD = $(UV_LIBS) $(SODIUM_LIBS) $(CARES_LIBS) $(RESOLV_LIBS) $(JANSSON_LIBS) -lpthread

# What an embedder links: all of it, with kith.h's functions as its only symbols (everything else is hidden).
lib_LTLIBRARIES += libkith.la
libkith_la_SOURCES =
libkith_la_LIBADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la core/libcore.la
libkith_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0

# The minimal runtime: everything below include/kith/kith.h that is not pure.
noinst_LTLIBRARIES += runtime/libruntime.la
runtime_libruntime_la_SOURCES = runtime/loop/dns.c runtime/loop/dns.h runtime/loop/host.c \
  runtime/loop/host.h runtime/loop/log.c runtime/loop/log.h runtime/loop/log_format.c \
  runtime/loop/log_format.h runtime/loop/loop.c runtime/loop/loop.h runtime/loop/loop_private.h \
  runtime/loop/loop_uv.c runtime/loop/loop_virtual.c runtime/loop/resolve.c runtime/loop/resolve.h \
  runtime/loop/timers.c runtime/loop/timers.h runtime/loop/where.c \
  runtime/node/runtime.h runtime/node/node.c runtime/node/wiring.c runtime/node/streams.c \
  runtime/node/commands.c runtime/node/joiner.c runtime/node/table.c runtime/node/stats.c \
  runtime/node/codes.c runtime/node/reload.c \
  runtime/control/wire_watch.c runtime/control/wire_watch.h runtime/control/control.h \
  runtime/control/control.c runtime/control/control_path.c runtime/control/control_commands.c \
  runtime/control/control_keys.c runtime/control/control_report.c runtime/control/control_monitor.c
runtime_libruntime_la_CPPFLAGS = $(INC_ALL) -DKITH_VERSION='"$(PACKAGE_VERSION)"' -DKITH_PLUGINDIR='"$(plugindir)"'
runtime_libruntime_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(SODIUM_CFLAGS) $(CARES_CFLAGS) $(JANSSON_CFLAGS)
runtime_libruntime_la_LIBADD = $(UV_LIBS) $(SODIUM_LIBS) $(CARES_LIBS) $(RESOLV_LIBS) $(JANSSON_LIBS) -lpthread

# What an embedder links: all of it, with kith.h's functions as its only symbols (everything else is hidden).
lib_LTLIBRARIES += libkith.la
libkith_la_SOURCES =
libkith_la_LIBADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la core/libcore.la
libkith_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0

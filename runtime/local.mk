# The runtime, in four parts; each sees what its -I flags show (docs/ARCHITECTURE.md):
#
#   loop      what a node stands on: event loop, timers, host services, log, resolver
#   node      a node: life, turn, streams, commands, joins, reload
#   control   the control socket: an observer of a node, registered with it
#   sim       a cluster of nodes in virtual time, and what it shows; not in libkith
#
# kith.c stands above them and puts them together. libruntime.la holds all of it.
INC_LOOP    = $(INC_HOST) -I$(top_srcdir)/runtime/loop
INC_NODE    = $(INC_LOOP) -I$(top_srcdir)/runtime/node -I$(top_srcdir)/core
INC_CONTROL = $(INC_NODE) -I$(top_srcdir)/runtime/control
INC_SIM     = $(INC_NODE) -I$(top_srcdir)/runtime/sim

noinst_LTLIBRARIES += runtime/libloop.la runtime/libnode.la runtime/libcontrol.la \
  runtime/libsim.la runtime/libruntime.la

runtime_libloop_la_SOURCES = runtime/loop/dns.c runtime/loop/dns.h runtime/loop/host.c \
  runtime/loop/host.h runtime/loop/host_loop.c runtime/loop/host_node.c \
  runtime/loop/host_numbers.c runtime/loop/host_parts.h runtime/loop/host_pause.c \
  runtime/loop/logger.c \
  runtime/loop/logger.h runtime/loop/log_format.c runtime/loop/log_format.h \
  runtime/loop/outlet.c runtime/loop/outlet.h \
  runtime/loop/loop.c runtime/loop/loop.h runtime/loop/loop_memory.c \
  runtime/loop/loop_memory.h runtime/loop/loop_private.h runtime/loop/loop_uv.c \
  runtime/loop/loop_virtual.c runtime/loop/resolve.c runtime/loop/resolve.h \
  runtime/loop/series.c runtime/loop/series.h runtime/loop/standard.c \
  runtime/loop/standard.h runtime/loop/timers.c runtime/loop/timers.h \
  runtime/loop/where.c runtime/loop/where.h runtime/loop/world.c runtime/loop/world.h
runtime_libloop_la_CPPFLAGS = $(INC_LOOP) -DKITH_PLUGINDIR='"$(plugindir)"'
runtime_libloop_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(SODIUM_CFLAGS) $(CARES_CFLAGS)
runtime_libloop_la_LIBADD = $(UV_LIBS) $(SODIUM_LIBS) $(CARES_LIBS) $(RESOLV_LIBS) -lpthread

runtime_libnode_la_SOURCES = runtime/node/access.c runtime/node/begin.c \
  runtime/node/commands.c runtime/node/downlink.c runtime/node/hooks.c \
  runtime/node/inside.h runtime/node/joiner.c runtime/node/life.c runtime/node/node.h \
  runtime/node/observer.c runtime/node/observer.h runtime/node/open.c \
  runtime/node/node_packets.c runtime/node/place.c runtime/node/reload.c \
  runtime/node/reload_report.c runtime/node/reload_report.h runtime/node/ring.c \
  runtime/node/stats.c runtime/node/node_streams.c runtime/node/node_streams.h \
  runtime/node/streams_in.c runtime/node/streams_out.c runtime/node/table.c \
  runtime/node/turn.c runtime/node/uplink.c
runtime_libnode_la_CPPFLAGS = $(INC_NODE) -DKITH_VERSION='"$(PACKAGE_VERSION)"'

runtime_libcontrol_la_SOURCES = runtime/control/control.c runtime/control/control.h \
  runtime/control/control_call.c runtime/control/control_client.c \
  runtime/control/control_commands.c runtime/control/control_event.c \
  runtime/control/control_buffer.c runtime/control/control_info.c \
  runtime/control/control_inside.h runtime/control/control_join.c \
  runtime/control/control_json.c runtime/control/control_keys.c \
  runtime/control/control_members.c \
  runtime/control/control_monitor.c runtime/control/control_path.c \
  runtime/control/control_report.c runtime/control/control_secret.c \
  runtime/control/control_wire.c
runtime_libcontrol_la_CPPFLAGS = $(INC_CONTROL)
runtime_libcontrol_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS)
runtime_libcontrol_la_LIBADD = $(JANSSON_LIBS) $(SODIUM_LIBS)

runtime_libsim_la_SOURCES = runtime/sim/cluster.h runtime/sim/cluster_parts.h \
  runtime/sim/cluster.c runtime/sim/cluster_acts.c runtime/sim/cluster_config.c \
  runtime/sim/cluster_network.c runtime/sim/cluster_trace.c runtime/sim/cluster_view.c \
  runtime/sim/measure.h runtime/sim/measure_parts.h runtime/sim/measure.c \
  runtime/sim/measure_bits.c \
  runtime/sim/measure_news.c runtime/sim/measure_reach.c runtime/sim/measure_totals.c \
  runtime/sim/measure_views.c runtime/sim/result.c runtime/sim/result.h runtime/sim/sample.c \
  runtime/sim/sample.h
runtime_libsim_la_CPPFLAGS = $(INC_SIM)
SIM_LIBS = runtime/libsim.la runtime/libnode.la runtime/libloop.la plugins/libplugins.la \
  config/libconfig.la core/libcore.la

runtime_libruntime_la_SOURCES = runtime/kith.c
runtime_libruntime_la_CPPFLAGS = $(INC_CONTROL)
runtime_libruntime_la_LIBADD = runtime/libcontrol.la runtime/libnode.la runtime/libloop.la

# What an embedder links: all of it, with kith.h's functions as its only symbols (everything else is
# hidden).
lib_LTLIBRARIES += libkith.la
libkith_la_SOURCES =
libkith_la_LIBADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la core/libcore.la
libkith_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0

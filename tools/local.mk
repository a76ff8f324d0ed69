# The one program. Each command is a file of its own; main.c has their table.
bin_PROGRAMS += tools/kith
tools_kith_SOURCES = tools/main.c tools/cmd.h \
  tools/cmd_broadcast.c tools/cmd_command.c tools/cmd_config.c tools/cmd_dissect.c \
  tools/cmd_info.c tools/cmd_join.c tools/cmd_keys.c tools/cmd_leave.c tools/cmd_members.c \
  tools/cmd_meta.c tools/cmd_monitor.c tools/cmd_plugin.c tools/cmd_reload.c tools/cmd_run.c \
  tools/cmd_send.c tools/cmd_sim.c \
  tools/arguments.c tools/arguments.h tools/ask.c tools/ask.h tools/crash.c tools/crash.h \
  tools/fail.c tools/fail.h tools/screen.c tools/screen.h \
  tools/config_with.c tools/config_with.h \
  tools/dissect.h tools/dissect_layers.c tools/dissect_messages.c tools/dissect_pcap.c \
  tools/dissect_text.c tools/capture.h tools/capture.c tools/tcp_streams.h tools/tcp_streams.c \
  tools/datagram.h tools/datagram.c \
  tools/plugin_bench.c tools/plugin_bench.h tools/plugin_describe.c tools/plugin_describe.h \
  tools/plugin_survey.c tools/plugin_survey.h \
  tools/rotate.c tools/rotate.h tools/rows.c tools/rows.h \
  tools/service.c tools/service.h
tools_kith_CPPFLAGS = $(INC_ALL) -DKITH_PKGLIBDIR='"$(pkglibdir)"'
tools_kith_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(MSGPACK_CFLAGS)
tools_kith_LDADD = tools/sim/libplay.la tools/sim/libreport.la runtime/libsim.la \
  runtime/libruntime.la plugins/libplugins.la config/libconfig.la \
  core/libcore.la $(JANSSON_LIBS) $(SODIUM_LIBS) $(MSGPACK_LIBS) -lm

# For `kith plugin bench`, which preloads it.
if COUNT_ALLOCATIONS
pkglib_LTLIBRARIES = tools/kith-allocations.la
tools_kith_allocations_la_SOURCES = tools/allocations.c
tools_kith_allocations_la_CPPFLAGS = $(INC)
tools_kith_allocations_la_LDFLAGS = -module -avoid-version -shared
endif

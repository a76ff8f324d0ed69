# The one program.
bin_PROGRAMS += tools/kith
tools_kith_SOURCES = tools/main.c tools/tools.h tools/client.h tools/client.c tools/values.c tools/run.c tools/members.c \
  tools/info.c tools/talk.c tools/manage.c tools/rotate.c tools/rotate.h tools/monitor.c tools/config.c tools/config_with.c tools/config_with.h tools/plugin.c tools/plugin_bench.c tools/plugin_bench.h tools/dissect.c tools/dissect_layers.c tools/dissect_messages.c tools/dissect_pcap.c tools/dissect.h
tools_kith_CPPFLAGS = $(INC_ALL) -DKITH_PKGLIBDIR='"$(pkglibdir)"'
tools_kith_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SODIUM_CFLAGS) $(MSGPACK_CFLAGS)
tools_kith_LDADD = runtime/libruntime.la plugins/libplugins.la config/libconfig.la core/libcore.la $(JANSSON_LIBS) $(SODIUM_LIBS) $(MSGPACK_LIBS)

# For `kith plugin bench`, which preloads it.
if COUNT_ALLOCATIONS
pkglib_LTLIBRARIES = tools/kith-allocations.la
tools_kith_allocations_la_SOURCES = tools/allocations.c
tools_kith_allocations_la_CPPFLAGS = $(INC)
tools_kith_allocations_la_LDFLAGS = -module -avoid-version -shared
endif

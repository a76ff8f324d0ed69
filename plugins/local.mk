# The plugin host, and the delegates that come with it.
noinst_LTLIBRARIES += plugins/libplugins.la
plugins_libplugins_la_SOURCES = plugins/plugins.h plugins/crash_note.h plugins/crash_note.c \
  plugins/loader.h plugins/loader.c plugins/abi.c plugins/registry.c \
  plugins/instance.c plugins/keyring.c plugins/keyfile.h plugins/keyfile.c plugins/pipeline_parts.h \
  plugins/pipeline.c plugins/pipeline_work.c plugins/pipeline_seal.c plugins/pipeline_open.c plugins/inflow.c \
  plugins/fanout.h plugins/channel.h plugins/channel.c plugins/handoff.c plugins/seat.c plugins/delegates.c \
  plugins/delegates_life.c plugins/check.c
nodist_plugins_libplugins_la_SOURCES = plugins/static.c
plugins_libplugins_la_CPPFLAGS = $(INC_HOST) -DKITH_PLUGINDIR='"$(plugindir)"'
plugins_libplugins_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
plugins_libplugins_la_LIBADD = $(LINKED_PLUGINS) $(SODIUM_LIBS)

# The table of linked-in plugins. folder/NAME.la must define KITH_PLUGIN(NAME).
if STATIC_PLUGINS
LINKED_PLUGINS = $(PLUGINS)
else
LINKED_PLUGINS =
endif
plugins/static.c: Makefile
	$(AM_V_GEN)$(MKDIR_P) plugins && { \
	  echo '/* Generated: the plugins that are linked in. */'; \
	  echo '#include "loader.h"'; \
	  for p in $(LINKED_PLUGINS); do n=`basename $$p .la`; echo "extern const struct kith_plugin kith_plugin_v1_$$n;"; done; \
	  echo 'const struct kith_plugin *const kith_static_plugins[] = {'; \
	  for p in $(LINKED_PLUGINS); do n=`basename $$p .la`; echo "    &kith_plugin_v1_$$n,"; done; \
	  echo '    NULL,'; echo '};'; } > $@.tmp && mv $@.tmp $@
CLEANFILES += plugins/static.c

# The delegate that writes down what happens.
PLUGINS += plugins/delegates/log.la
plugins_delegates_log_la_SOURCES = plugins/delegates/log.c
plugins_delegates_log_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
plugins_delegates_log_la_CFLAGS = $(AM_CFLAGS)
plugins_delegates_log_la_LDFLAGS = $(LINK_PLUGIN)

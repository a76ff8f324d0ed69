# The plugin host, and the delegates that come with it.
noinst_LTLIBRARIES += plugins/libplugins.la
plugins_libplugins_la_SOURCES = \
  plugins/abi.c plugins/loader.c plugins/loader.h plugins/elf_file.c \
  plugins/elf_file.h plugins/registry.c plugins/registry.h \
  plugins/crash_note.c plugins/crash_note.h plugins/slow.c plugins/slow.h \
  plugins/asks.c plugins/asks.h \
  plugins/codes.c plugins/codes.h plugins/instance.c plugins/instance.h \
  plugins/blame.c plugins/blame.h plugins/plugins_check.c plugins/plugins_check.h \
  plugins/keyring.c plugins/keyring.h plugins/keyfile.c plugins/keyfile_form.c plugins/keyfile.h \
  plugins/codec.c plugins/codec.h plugins/pipeline.c plugins/pipeline.h \
  plugins/pipeline_parts.h plugins/pipeline_work.c \
  plugins/pipeline_seal.c plugins/pipeline_open.c plugins/inflow.c plugins/inflow.h \
  plugins/delegates.c plugins/delegates.h plugins/delegates_parts.h plugins/delegates_life.c \
  plugins/delegates_clash.c plugins/delegate_table.c plugins/emitted.c plugins/leaving.c \
  plugins/listener.c plugins/strangers.c plugins/handoff.c plugins/handoff.h \
  plugins/channel.c plugins/channel.h plugins/scratch.h
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
	  for p in $(LINKED_PLUGINS); do n=`basename $$p .la`; \
	    echo "extern const struct kith_plugin kith_plugin_v1_$$n;"; done; \
	  echo 'const struct kith_plugin *const kith_static_plugins[] = {'; \
	  for p in $(LINKED_PLUGINS); do n=`basename $$p .la`; echo "    &kith_plugin_v1_$$n,"; done; \
	  echo '    NULL,'; echo '};'; } > $@.tmp && mv $@.tmp $@
CLEANFILES += plugins/static.c

# The delegate that writes down what happens.
PLUGINS += plugins/delegates/log.la
plugins_delegates_log_la_SOURCES = plugins/delegates/log.c plugins/delegates/log_file.c \
  plugins/delegates/log_file.h plugins/delegates/log_line.c plugins/delegates/log_line.h
plugins_delegates_log_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
plugins_delegates_log_la_CFLAGS = $(AM_CFLAGS)
plugins_delegates_log_la_LDFLAGS = $(LINK_PLUGIN)

# YAML to checked settings; profiles; secrets; diagnostics.
noinst_LTLIBRARIES += config/libconfig.la
config_libconfig_la_SOURCES = config/config.h config/schema.h \
  config/arena.h config/arena.c \
  config/nearest.h config/nearest.c \
  config/units.h config/units.c \
  config/yaml_write.h config/yaml_write.c \
  config/secret.h config/secret.c config/secret_load.c \
  config/diag.h config/diag.c config/growth.h config/utf8.h config/utf8.c \
  config/tree.h config/tree.c \
  config/provenance.h config/provenance.c \
  config/param_types.h config/param_types.c \
  config/param.h config/param.c config/param_check.c \
  config/sections.c config/schema.c \
  config/entry.c config/entries.c config/key_sources.c config/meta.c config/tags.c config/seeds.c \
  config/node_types.c \
  config/chain.c config/chain_check.c config/entries_check.c config/consistency.c \
  config/file.c config/file.h config/load.c \
  config/scenario.h config/scenario_parts.h config/scenario_builtin.c config/scenario_tables.c \
  config/scenario_nodes.c config/scenario_event.c config/scenario_check.c config/scenario.c \
  config/show.h config/show.c config/setting.c config/diff.c config/json_schema.c config/manual.c \
  config/scenario_manual.c
config_libconfig_la_CPPFLAGS = $(INC_CONFIG)
config_libconfig_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) \
  $(MSGPACK_CFLAGS)
config_libconfig_la_LIBADD = $(YAML_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS) $(MSGPACK_LIBS)

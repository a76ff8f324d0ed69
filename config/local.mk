# YAML to checked settings; profiles; secrets; diagnostics.
noinst_LTLIBRARIES += config/libconfig.la
config_libconfig_la_SOURCES = config/config.h config/arena.h config/arena.c config/tree.h config/tree.c config/diag.h \
  config/diag.c config/values.h config/values.c config/schema.h config/schema.c config/settings.c config/special.c \
  config/entry.c config/entries.c config/keys.c config/secret.h config/secret.c config/chain.c config/check.c config/load.c config/show.h config/show.c config/diff.c \
  config/reference.c config/manual.c
config_libconfig_la_CPPFLAGS = $(INC_CONFIG)
config_libconfig_la_CFLAGS = $(AM_CFLAGS) $(YAML_CFLAGS) $(SODIUM_CFLAGS) $(JANSSON_CFLAGS) $(MSGPACK_CFLAGS)
config_libconfig_la_LIBADD = $(YAML_LIBS) $(SODIUM_LIBS) $(JANSSON_LIBS) $(MSGPACK_LIBS)

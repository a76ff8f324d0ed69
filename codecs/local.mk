PLUGINS += codecs/crc32.la
codecs_crc32_la_SOURCES = codecs/crc32.c
codecs_crc32_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_crc32_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
codecs_crc32_la_LDFLAGS = $(LINK_PLUGIN)
codecs_crc32_la_LIBADD = $(ZLIB_LIBS)

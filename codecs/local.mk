PLUGINS += codecs/crc32.la
codecs_crc32_la_SOURCES = codecs/crc32.c
codecs_crc32_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_crc32_la_CFLAGS = $(AM_CFLAGS) $(ZLIB_CFLAGS)
codecs_crc32_la_LDFLAGS = $(LINK_PLUGIN)
codecs_crc32_la_LIBADD = $(ZLIB_LIBS)

PLUGINS += codecs/lzw.la
codecs_lzw_la_SOURCES = codecs/lzw.c codecs/lzw.h codecs/lzw_encode.c codecs/lzw_decode.c
codecs_lzw_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_lzw_la_LDFLAGS = $(LINK_PLUGIN)

PLUGINS += codecs/aes_gcm.la
codecs_aes_gcm_la_SOURCES = codecs/aes_gcm.c codecs/nonce.h
codecs_aes_gcm_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_aes_gcm_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
codecs_aes_gcm_la_LDFLAGS = $(LINK_PLUGIN)
codecs_aes_gcm_la_LIBADD = $(CRYPTO_LIBS)

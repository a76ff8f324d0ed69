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
codecs_aes_gcm_la_SOURCES = codecs/aes_gcm.c
codecs_aes_gcm_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_aes_gcm_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS) $(SODIUM_CFLAGS)
codecs_aes_gcm_la_LDFLAGS = $(LINK_PLUGIN)
codecs_aes_gcm_la_LIBADD = $(CRYPTO_LIBS) $(SODIUM_LIBS)

PLUGINS += codecs/xchacha20poly1305.la
codecs_xchacha20poly1305_la_SOURCES = codecs/xchacha20poly1305.c codecs/keys.h
codecs_xchacha20poly1305_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_xchacha20poly1305_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
codecs_xchacha20poly1305_la_LDFLAGS = $(LINK_PLUGIN)
codecs_xchacha20poly1305_la_LIBADD = $(SODIUM_LIBS)

PLUGINS += codecs/blake2b.la
codecs_blake2b_la_SOURCES = codecs/blake2b.c codecs/keys.h
codecs_blake2b_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_blake2b_la_CFLAGS = $(AM_CFLAGS) $(SODIUM_CFLAGS)
codecs_blake2b_la_LDFLAGS = $(LINK_PLUGIN)
codecs_blake2b_la_LIBADD = $(SODIUM_LIBS)

PLUGINS += codecs/zstd.la
codecs_zstd_la_SOURCES = codecs/zstd.c
codecs_zstd_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_zstd_la_CFLAGS = $(AM_CFLAGS) $(ZSTD_CFLAGS)
codecs_zstd_la_LDFLAGS = $(LINK_PLUGIN)
codecs_zstd_la_LIBADD = $(ZSTD_LIBS)

PLUGINS += codecs/lz4.la
codecs_lz4_la_SOURCES = codecs/lz4.c
codecs_lz4_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
codecs_lz4_la_CFLAGS = $(AM_CFLAGS) $(LZ4_CFLAGS)
codecs_lz4_la_LDFLAGS = $(LINK_PLUGIN)
codecs_lz4_la_LIBADD = $(LZ4_LIBS)

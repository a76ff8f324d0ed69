# transports
PLUGINS += transports/udp_tcp.la
transports_udp_tcp_la_SOURCES = transports/udp_tcp/udp_tcp.c transports/udp_tcp/udp_tcp.h \
  transports/udp_tcp/address.c transports/udp_tcp/listen.c transports/udp_tcp/advertise.c \
  transports/udp_tcp/packets.c transports/udp_tcp/streams.c transports/udp_tcp/stream_io.c \
  transports/udp_tcp/connection.c transports/udp_tcp/connection.h
transports_udp_tcp_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
transports_udp_tcp_la_CFLAGS = $(AM_CFLAGS)
transports_udp_tcp_la_LDFLAGS = $(LINK_PLUGIN)

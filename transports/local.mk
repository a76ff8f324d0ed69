# transports
PLUGINS += transports/udp_tcp.la
transports_udp_tcp_la_SOURCES = transports/udp_tcp/address.c transports/udp_tcp/address_watch.c \
  transports/udp_tcp/advertise.c transports/udp_tcp/connection.c transports/udp_tcp/connection.h \
  transports/udp_tcp/connection_life.c transports/udp_tcp/datagrams.c transports/udp_tcp/later.c \
  transports/udp_tcp/listen.c transports/udp_tcp/stream_io.c transports/udp_tcp/udp_tcp.c \
  transports/udp_tcp/udp_tcp.h
transports_udp_tcp_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
transports_udp_tcp_la_CFLAGS = $(AM_CFLAGS)
transports_udp_tcp_la_LDFLAGS = $(LINK_PLUGIN)

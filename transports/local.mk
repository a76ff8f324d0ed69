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

# What a network does to what is sent through it; tests/sim has it, too.
noinst_LTLIBRARIES += transports/libnetwork.la
transports_libnetwork_la_SOURCES = transports/loopback/network.c transports/loopback/network.h \
  transports/loopback/network_parts.h transports/loopback/network_rules.c \
  transports/loopback/network_way.c
transports_libnetwork_la_CPPFLAGS = $(INC)
transports_libnetwork_la_CFLAGS = $(AM_CFLAGS)

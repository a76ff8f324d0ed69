# transports
PLUGINS += transports/udp_tcp.la
transports_udp_tcp_la_SOURCES = transports/udp_tcp/address.c transports/udp_tcp/address_watch.c \
  transports/udp_tcp/advertise.c transports/udp_tcp/calls.c transports/udp_tcp/connection.c \
  transports/udp_tcp/connection.h transports/udp_tcp/connection_life.c \
  transports/udp_tcp/datagrams.c transports/udp_tcp/failures.c transports/udp_tcp/later.c \
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

PLUGINS += transports/loopback.la
transports_loopback_la_SOURCES = transports/loopback/loopback.c transports/loopback/loopback.h \
  transports/loopback/loopback_answers.c transports/loopback/loopback_arrivals.c \
  transports/loopback/loopback_command.c transports/loopback/loopback_ends.c \
  transports/loopback/loopback_items.c transports/loopback/loopback_links.c \
  transports/loopback/loopback_mailbox.c transports/loopback/loopback_networks.c \
  transports/loopback/loopback_packets.c transports/loopback/loopback_pipes.c \
  transports/loopback/loopback_streams.c transports/loopback/loopback_values.c
transports_loopback_la_CPPFLAGS = $(INC) $(PLUGIN_DEFS)
transports_loopback_la_CFLAGS = $(AM_CFLAGS)
transports_loopback_la_LDFLAGS = $(LINK_PLUGIN)
transports_loopback_la_LIBADD = transports/libnetwork.la

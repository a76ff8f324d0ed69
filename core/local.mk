# The membership protocol. msgpack-c is used by its header templates only: nothing of it is linked.
noinst_LTLIBRARIES += core/libcore.la
core_libcore_la_SOURCES = core/core.h core/wire.h core/wire_fields.h core/wire_fields.c core/wire_read.c \
  core/wire_write.c core/compound.c core/broadcast.h core/broadcast.c \
  core/node.h core/stats.h core/core.c core/commands.c core/output.c core/packet.c core/members.c core/merge.c \
  core/suspicion.c core/awareness.c core/pending.c core/probe.c core/gossip.c core/sync.c core/stream.c core/alarms.c \
  core/random.c core/stats.c
core_libcore_la_LIBADD = -lm
core_libcore_la_CPPFLAGS = $(INC_CORE)
core_libcore_la_CFLAGS = $(AM_CFLAGS) $(MSGPACK_CFLAGS)

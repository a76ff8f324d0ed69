# The membership protocol. msgpack-c is used by its header templates only: nothing of it is linked.
# In the order in which the files stand on each other: none calls one further down.
noinst_LTLIBRARIES += core/libcore.la
core_libcore_la_SOURCES = core/core.h core/bounds.h core/compare.h core/peer.h \
  core/wire.h core/versions.h core/wire_fields.h core/wire_fields.c core/wire_read.c \
  core/wire_write.c \
  core/compound.c core/words.h core/words.c core/formulas.h core/formulas.c \
  core/random.h core/random.c core/hash.h core/hash.c core/alarms.h core/alarms.c \
  core/broadcast.h core/broadcast.c \
  core/counters.h core/counters.c core/scan.h core/scan.c core/record.h core/record.c \
  core/members.h core/members.c core/addresses.h core/addresses.c core/output.h core/output.c \
  core/state.h core/rounds.h core/rounds.c \
  core/core_log.h core/core_log.c core/allowed.h core/allowed.c \
  core/suspicion.h core/suspicion.c core/view.h core/view.c core/notify.h core/notify.c \
  core/awareness.h core/awareness.c core/choose.h core/choose.c core/kin.h core/kin.c \
  core/completion.h core/completion.c core/packet.h core/packet.c core/pending.h core/pending.c \
  core/known.h core/known.c core/crowd.h core/crowd.c core/cause.h core/cause.c \
  core/exchange.h core/exchange.c core/self.h core/self.c core/hearsay.h core/hearsay.c \
  core/remind.h core/remind.c core/former.h core/former.c \
  core/farewell.h core/farewell.c core/spread.h core/spread.c \
  core/merge.h core/merge.c core/moving.h core/moving.c \
  core/probe.h core/probe.c core/answer.h core/answer.c core/gossip.h core/gossip.c \
  core/frames.h core/frames.c core/post.h core/post.c core/active.h core/active.c \
  core/lives.h core/lives.c core/deliver.h core/deliver.c core/repair.h core/repair.c \
  core/digest.h core/digest.c core/push.h core/push.c core/relay.h core/relay.c \
  core/echo.h core/echo.c core/young.h core/young.c core/sync.h core/sync.c \
  core/joining.h core/joining.c core/stream.c core/receive.c core/requests.c core/inspect.c \
  core/core.c
core_libcore_la_LIBADD = -lm
core_libcore_la_CPPFLAGS = $(INC_CORE)
core_libcore_la_CFLAGS = $(AM_CFLAGS) $(MSGPACK_CFLAGS)

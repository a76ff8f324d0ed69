# Real peers, started by the tests. Not installed: a named skip, or a failure with
# KITH_INTEROP=require.

dist_check_SCRIPTS += tests/interop/serf.py tests/interop/alertmanager.py \
  tests/interop/memberlist.py tests/interop/mixed.py tests/interop/rolling.py
TESTS += tests/interop/memberlist.py tests/interop/serf.py tests/interop/alertmanager.py \
  tests/interop/rolling.py tests/interop/mixed.py
EXTRA_DIST += tests/interop/harness.py tests/interop/build-peers tests/interop/peer/main.go \
  tests/interop/peer/go.mod tests/interop/peer/modules/v0.1.5.mod \
  tests/interop/peer/modules/v0.1.5.sum tests/interop/peer/modules/v0.5.3.mod \
  tests/interop/peer/modules/v0.5.3.sum tests/interop/peer/modules/v0.7.0.mod \
  tests/interop/peer/modules/v0.7.0.sum

# A browser is a peer, too: what it shows of the page of `kith sim`.
dist_check_SCRIPTS += tests/interop/pictures.py
TESTS += tests/interop/pictures.py

check_LTLIBRARIES += tests/interop/big_state.la
tests_interop_big_state_la_SOURCES = tests/interop/big_state.c
tests_interop_big_state_la_CPPFLAGS = $(INC)
tests_interop_big_state_la_LDFLAGS = $(AM_LDFLAGS) -module -avoid-version -shared -rpath /nowhere

# The command line, as a person or a script meets it.
EXTRA_DIST += tests/cli/checks.py
dist_check_SCRIPTS += tests/cli/dissect.py
TESTS += tests/cli/dissect.py
dist_check_SCRIPTS += tests/cli/plugins.py
TESTS += tests/cli/plugins.py
dist_check_SCRIPTS += tests/cli/control.py
TESTS += tests/cli/control.py
dist_check_SCRIPTS += tests/cli/client.py
TESTS += tests/cli/client.py
dist_check_SCRIPTS += tests/cli/documents.py
TESTS += tests/cli/documents.py
dist_check_SCRIPTS += tests/cli/names.py
TESTS += tests/cli/names.py
dist_check_SCRIPTS += tests/cli/nodes.py
TESTS += tests/cli/nodes.py
dist_check_SCRIPTS += tests/cli/reasons.py
TESTS += tests/cli/reasons.py
dist_check_SCRIPTS += tests/cli/together.py
TESTS += tests/cli/together.py
dist_check_SCRIPTS += tests/cli/sim.py
TESTS += tests/cli/sim.py
dist_check_SCRIPTS += tests/cli/simulation.py
TESTS += tests/cli/simulation.py
dist_check_SCRIPTS += tests/cli/rotate.py
TESTS += tests/cli/rotate.py
dist_check_SCRIPTS += tests/cli/flood.py
TESTS += tests/cli/flood.py
dist_check_SCRIPTS += tests/cli/strangers.py
TESTS += tests/cli/strangers.py
# Runs a command without a system call that it expects.
check_PROGRAMS += tests/cli/deny
tests_cli_deny_SOURCES = tests/cli/deny.c
dist_check_SCRIPTS += tests/cli/waits.py
TESTS += tests/cli/waits.py
dist_check_SCRIPTS += tests/cli/denied.py
TESTS += tests/cli/denied.py
dist_check_SCRIPTS += tests/cli/addresses.py
TESTS += tests/cli/addresses.py

# The embedding example, linked with the public library as an embedder does.
check_PROGRAMS += examples/embed/watch
examples_embed_watch_SOURCES = examples/embed/watch.c
examples_embed_watch_CPPFLAGS = $(INC)
examples_embed_watch_LDADD = libkith.la
dist_check_SCRIPTS += tests/cli/embed.sh
TESTS += tests/cli/embed.sh
dist_check_SCRIPTS += tests/cli/bench.py
TESTS += tests/cli/bench.py

# Entries that are asked: a delegate that does what it is told, always a shared object.
check_LTLIBRARIES += tests/cli/oracle.la
tests_cli_oracle_la_SOURCES = tests/cli/oracle.c
tests_cli_oracle_la_CPPFLAGS = $(INC)
tests_cli_oracle_la_LDFLAGS = $(BRITTLE_LDFLAGS)
dist_check_SCRIPTS += tests/cli/entries.py
TESTS += tests/cli/entries.py

# What `kith sim` tells, of results made by hand.
check_PROGRAMS += tests/cli/reports
tests_cli_reports_SOURCES = tests/cli/reports.c
tests_cli_reports_CPPFLAGS = $(INC_REPORT)
tests_cli_reports_LDADD = $(REPORT_LIBS)
dist_check_SCRIPTS += tests/cli/reports.py
TESTS += tests/cli/reports.py
EXTRA_DIST += tests/data/report.txt tests/data/report.json

# The command line, as a person or a script meets it.
dist_check_SCRIPTS += tests/cli/dissect.py
TESTS += tests/cli/dissect.py
dist_check_SCRIPTS += tests/cli/nodes.py
TESTS += tests/cli/nodes.py
dist_check_SCRIPTS += tests/cli/rotate.py
TESTS += tests/cli/rotate.py
dist_check_SCRIPTS += tests/cli/flood.py
TESTS += tests/cli/flood.py

# tests/tree: what the source tree itself must look like.
dist_check_SCRIPTS += tests/tree/layers.py tests/tree/layers_test.py
TESTS += tests/tree/layers.py tests/tree/layers_test.py
EXTRA_DIST += tests/tree/style.py

.PHONY: check-style fix-style
check-style:
	$(TEST_ENV) $(srcdir)/tests/tree/style.py
fix-style:
	$(TEST_ENV) $(srcdir)/tests/tree/style.py --fix

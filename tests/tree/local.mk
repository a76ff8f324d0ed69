# tests/tree: what the source tree itself must look like.
TREE_TESTS = tests/tree/layers.py tests/tree/layers_test.py \
  tests/tree/map.py tests/tree/style.py tests/tree/installed.py
dist_check_SCRIPTS += $(TREE_TESTS)
TESTS += $(TREE_TESTS)

.PHONY: check-style fix-style
check-style:
	$(TEST_ENV) $(srcdir)/tests/tree/style.py
fix-style:
	$(TEST_ENV) $(srcdir)/tests/tree/style.py --fix

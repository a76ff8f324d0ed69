# examples
EXTRA_DIST += examples/plugin-codec/fletcher.c examples/plugin-codec/test.c examples/plugin-codec/Makefile \
  examples/plugin-codec/node.yaml examples/plugin-codec/README.md

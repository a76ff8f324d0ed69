# examples
EXTRA_DIST += examples/plugin-codec/fletcher.c examples/plugin-codec/test.c examples/plugin-codec/Makefile \
  examples/plugin-codec/node.yaml examples/plugin-codec/README.md
EXTRA_DIST += examples/three-nodes/ada.yaml examples/three-nodes/bob.yaml examples/three-nodes/cat.yaml

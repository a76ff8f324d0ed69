# examples
EXTRA_DIST += examples/plugin-codec/fletcher.c examples/plugin-codec/test.c \
  examples/plugin-codec/Makefile examples/plugin-codec/node.yaml examples/plugin-codec/README.md
EXTRA_DIST += examples/plugin-codec-cpp/rle.cc examples/plugin-codec-cpp/test.cc \
  examples/plugin-codec-cpp/Makefile examples/plugin-codec-cpp/README.md
EXTRA_DIST += examples/plugin-delegate/poll.c examples/plugin-delegate/test.c \
  examples/plugin-delegate/Makefile examples/plugin-delegate/README.md \
  examples/plugin-delegate/node.yaml examples/plugin-delegate/cluster.sh
EXTRA_DIST += examples/plugin-transport/unix_socket.c examples/plugin-transport/Makefile \
  examples/plugin-transport/README.md examples/plugin-transport/node.yaml \
  examples/plugin-transport/test.sh
EXTRA_DIST += examples/three-nodes/ada.yaml examples/three-nodes/bob.yaml \
  examples/three-nodes/cat.yaml
EXTRA_DIST += examples/rolling/0-before.yaml examples/rolling/1-learn.yaml \
  examples/rolling/2-switch.yaml examples/rolling/3-close.yaml examples/rolling/README.md

# Ready to run: the tests do so.
dist_check_SCRIPTS += examples/rolling/run.sh
TESTS += examples/rolling/run.sh

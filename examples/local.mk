# examples: installed beside the pages that name them, so that their links lead somewhere.
nobase_dist_doc_DATA += \
  examples/plugin-codec/fletcher.c examples/plugin-codec/test.c \
  examples/plugin-codec/Makefile examples/plugin-codec/node.yaml examples/plugin-codec/README.md \
  examples/plugin-codec-cpp/rle.cc examples/plugin-codec-cpp/test.cc \
  examples/plugin-codec-cpp/Makefile examples/plugin-codec-cpp/README.md \
  examples/plugin-delegate/poll.c examples/plugin-delegate/test.c \
  examples/plugin-delegate/Makefile examples/plugin-delegate/README.md \
  examples/plugin-delegate/node.yaml \
  examples/plugin-transport/unix_socket.c examples/plugin-transport/Makefile \
  examples/plugin-transport/README.md examples/plugin-transport/node.yaml \
  examples/embed/watch.c \
  examples/three-nodes/ada.yaml examples/three-nodes/bob.yaml examples/three-nodes/cat.yaml \
  examples/bad-network/ada.yaml examples/bad-network/bob.yaml examples/bad-network/cat.yaml \
  examples/sim/node.yaml examples/sim/two-sites.yaml examples/sim/rolling-restart.yaml \
  examples/sim/churn.yaml \
  examples/rolling/0-before.yaml examples/rolling/1-learn.yaml examples/rolling/2-switch.yaml \
  examples/rolling/3-close.yaml examples/rolling/README.md
nobase_dist_docscript_SCRIPTS += examples/plugin-delegate/cluster.sh \
  examples/plugin-transport/test.sh examples/bad-network/run.sh examples/rolling/run.sh

# Ready to run: the tests do so.
dist_check_SCRIPTS += examples/bad-network/run.sh examples/rolling/run.sh
TESTS += examples/bad-network/run.sh examples/rolling/run.sh

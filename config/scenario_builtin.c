/*
 * scenario_builtin.c - the scenario that runs when nobody names another: each thing that happens to
 * a cluster, one after the other, in times that fit any length. It is also an example.
 */
#include "scenario.h"

const char kith_scenario_builtin[] =
    "# A cluster comes up, and each kind of trouble comes to it once.\n"
    "links:\n"
    "  - { delay: 500us, jitter: 500us, loss: 0.1% }\n"
    "events:\n"
    "  - { at: 0s, join: all, over: 1% }\n"
    "  - { at: 20%, broadcast: 1, bytes: 128, every: 100ms, count: 20 }\n"
    "  - { at: 28%, meta: 1, value: changed }\n"
    "  - { at: 32%, kill: 1 }\n"
    "  - { at: 44%, stop: 1, for: 8s }\n"
    "  - { at: 56%, partition: 25%, for: 12% }\n"
    "  - { at: 82%, leave: 5%, over: 5% }\n"
    "  - { at: 90%, send: 1, to: 1, bytes: 128 }\n"
    "# After a cut of a minute or more a cluster stays split: each side has declared the other\n"
    "# dead, and who is dead hears nothing any more after gossip.to_the_dead_time. Then one that\n"
    "# joins one of the other side mends it, as in\n"
    "#   - { at: 80%, join: n30, to: n0 }\n";

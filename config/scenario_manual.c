/*
 * scenario_manual.c - the reference page of a scenario's keys, as POD, from the tables that check
 * it.
 */
#include "scenario_parts.h"

static const char head[] =
    "=encoding UTF-8\n"
    "\n"
    "=head1 NAME\n"
    "\n"
    "kith-scenario - what happens to the nodes of kith sim, in YAML\n"
    "\n"
    "=head1 SYNOPSIS\n"
    "\n"
    "  nodes: 200\n"
    "  time: 5m\n"
    "  groups: { eu: n0..n99, us: n100..n199 }\n"
    "  links:\n"
    "    - { delay: 1ms, jitter: 1ms, loss: 0.5% }\n"
    "    - { from: eu, to: us, both: true, delay: 80ms }\n"
    "  events:\n"
    "    - { at: 0s, join: all, over: 1s }\n"
    "    - { at: 60s, kill: n7 }\n"
    "    - { at: 90s, stop: 3, for: 8s }\n"
    "    - { at: 2m, partition: [ eu, us ], for: 1m }\n"
    "    - { at: 4m, leave: 10%, over: 5s }\n"
    "\n"
    "=head1 DESCRIPTION\n"
    "\n"
    "The file that C<kith sim --scenario> reads. Every key may be left out. C<kith sim\n"
    "--builtin> prints the scenario that runs when none is named. C<kith config check\n"
    "--scenario FILE> reports all that is wrong with one; C<kith config schema --scenario>\n"
    "prints a JSON Schema. This page is made from the tables that those commands use; kinds\n"
    "of values are those of L<kith.yaml(5)>.\n"
    "\n"
    "=head1 KEYS\n"
    "\n";

static const char nodes[] =
    "=head1 NODES\n"
    "\n"
    "Where a key says who is meant, it takes one of these, or a list of the first four, in\n"
    "brackets or with commas:\n"
    "\n"
    "=over\n"
    "\n"
    "=item C<n7>, C<n10..n19>\n"
    "\n"
    "A node; those from one to another.\n"
    "\n"
    "=item C<n1*>, C<n?>, C<all>\n"
    "\n"
    "Those whose names match: C<*> is any text, C<?> one character.\n"
    "\n"
    "=item C<eu>\n"
    "\n"
    "A group.\n"
    "\n"
    "=item C<!n3>\n"
    "\n"
    "Not these, which words before it meant; a list that begins so begins with all.\n"
    "\n"
    "=item C<3>, C<10%>\n"
    "\n"
    "So many, or this part, of those to whom it can be done at that time: of those that run;\n"
    "for C<join> and C<restart> of those that do not; for C<continue> of those that are\n"
    "stopped. They are drawn from the seed. A share is one node at least.\n"
    "\n"
    "=back\n"
    "\n"
    "=head1 LINKS\n"
    "\n"
    "An item of C<links> says between whom, and what it is like there; what it does not say\n"
    "stays as it was.\n"
    "\n";

static const char events[] =
    "=head1 EVENTS\n"
    "\n"
    "An item of C<events> has one deed, C<at>, and what else goes with the deed.\n"
    "\n";

static const char tail[] =
    "With C<for> each node is restored that long after it was done to it, so C<{ at: 1m, kill:\n"
    "all, over: 5m, for: 10s }> is a rolling restart; C<{ at: 1m, kill: 1, for: 30s, every: 20s\n"
    "}> is a cluster where there is always somebody on the way.\n"
    "\n"
    "What can't be done is said, and left out: to stop a node that an earlier lot has killed.\n"
    "What can't be done whatever is drawn is an error of the file.\n"
    "\n"
    "=head1 SEE ALSO\n"
    "\n"
    "L<kith(1)>, L<kith.yaml(5)>\n"
    "\n"
    "=cut\n";

/* Which deeds go with which key. */
static void table(FILE *out)
{
    struct kith_arena *temp = kith_arena_new();
    bool deeds = true;
    fputs("=head2 Which goes with which\n\n=over\n\n", out);
    for (const struct kith_param *p = kith_event_keys; p->name; p++) {
        deeds = deeds && strcmp(p->name, "at") != 0;
        const char *takers = kith_deeds_that_take(temp, p->name);
        if (!deeds && strcmp(takers, kith_deeds_that_take(temp, "at")) != 0)
            fprintf(out, "=item C<%s>\n\n%s.\n\n", p->name, takers);
    }
    fputs("=back\n\n", out);
    kith_arena_free(temp);
}

void kith_scenario_doc(FILE *out)
{
    fputs(head, out);
    kith_manual_params(kith_scenario_keys, "", out);
    fputs(nodes, out);
    kith_manual_params(kith_link_keys, "", out);
    kith_manual_params(kith_value_keys, "", out);
    fputs(events, out);
    kith_manual_params(kith_event_keys, "", out);
    table(out);
    fputs(tail, out);
}

/*
 * manual.c - the reference page of all keys, as POD, from the same tables as the checker.
 */
#include "schema.h"
#include <stdlib.h>

static const char head[] =
    "=encoding UTF-8\n"
    "\n"
    "=head1 NAME\n"
    "\n"
    "kith.yaml - a Kith node described in YAML\n"
    "\n"
    "=head1 SYNOPSIS\n"
    "\n"
    "  node:\n"
    "    name: web-1\n"
    "    label: prod\n"
    "  transport: { use: udp_tcp, bind: 0.0.0.0:7946 }\n"
    "  keyring: [ { file: /etc/kith/key } ]\n"
    "  join: [ 10.0.0.1:7946, { name: ada, address: seed.example.net } ]\n"
    "\n"
    "=head1 DESCRIPTION\n"
    "\n"
    "The file that C<kith run> reads. Every key may be left out. C<kith config check FILE>\n"
    "reports all that is wrong with a file; C<kith config show FILE> prints the values in\n"
    "force and where each came from; C<kith config schema> prints a JSON Schema for editors.\n"
    "This page is made from the tables that those commands use.\n"
    "\n"
    "It is YAML without anchors, aliases, tags and second documents. What a word means is\n"
    "decided by its key alone: C<no> is text where text is asked for.\n"
    "\n"
    "=over\n"
    "\n"
    "=item a duration\n"
    "\n"
    "Numbers with units: C<200ms>, C<5s>, C<1m30s>; units are C<ns us ms s m h>. C<0> needs\n"
    "none.\n"
    "\n"
    "=item a size\n"
    "\n"
    "Bytes, or a number with C<B>, C<KiB>, C<MiB> or C<GiB>: C<1400>, C<64KiB>.\n"
    "\n"
    "=item a list\n"
    "\n"
    "C<[ one, two ]>, or lines that begin with C<->. One text may stand for a list of one.\n"
    "\n"
    "=item a map\n"
    "\n"
    "C<{ key: value, other: value }>, or C<key: value> lines below it.\n"
    "\n"
    "=item a file name\n"
    "\n"
    "Relative to the folder of the config file.\n"
    "\n"
    "=item a source of keys\n"
    "\n"
    "C<{ file: PATH }>, C<{ env: NAME }>, C<{ fd: NUMBER }>, C<{ dir: PATH }> (every file in\n"
    "it), or the key itself. A key has 16, 24 or 32 bytes, in base64, in hex, or (not in the\n"
    "config itself) raw; a file may also be a Serf keyring, a JSON list of keys in base64.\n"
    "\n"
    "=back\n"
    "\n"
    "Defaults in brackets are those of the profiles lan, wan and local where these differ; in\n"
    "round brackets at the end is the name of the field of memberlist's Config.\n"
    "\n";

static const char tail[] =
    "=head1 THE PIPELINE\n"
    "\n"
    "C<pipeline.send> is what goes around everything that this node sends, in that order;\n"
    "C<accept> is what it opens; C<require> is what must have been taken off a message before\n"
    "it counts, so a sender can't leave it out. The four short forms are memberlist's own\n"
    "keys. They are expanded into the pipeline, and C<kith config show> prints the result; a\n"
    "short form beside the key that says the same is an error. Without any of them C<send> is\n"
    "lzw, crc32. A C<keyring> without C<pipeline.send> adds aes_gcm, because in memberlist a\n"
    "ring that holds a key turns encryption on.\n"
    "\n"
    "=head1 ENTRIES\n"
    "\n"
    "The transport, each codec and each delegate is an entry: C<use> names its plugin, and the\n"
    "other keys are that plugin's own. An entry is called like its plugin, or what C<as> says:\n"
    "two delegates of one plugin need two names. C<kith command>, metrics, the log and the\n"
    "report of a reload use that name.\n"
    "\n"
    "An entry whose plugin uses keys takes them from C<keyring>, or from C<keys> of its own. A\n"
    "delegate can read and change the keyring only where its entry says C<allow: [ keys ]>.\n"
    "\n"
    "=head1 JOINING\n"
    "\n"
    "An item of C<join> is an address as the transport takes it, or C<NAME/ADDRESS>, which\n"
    "asks that the member NAME is who answers. Where an address may hold a slash itself,\n"
    "write C<{ name: NAME, address: ADDRESS }>.\n"
    "\n"
    "=head1 EXIT STATUS\n"
    "\n"
    "A file with errors makes kith exit with 2 before anything was started.\n"
    "\n"
    "=head1 SEE ALSO\n"
    "\n"
    "L<kith(1)>\n"
    "\n"
    "=cut\n";

/* Outside of formatting codes only < and > after a capital could be taken for one. */
static void text(const char *s, FILE *out)
{
    for (; s && *s; s++) {
        if (*s == '<')
            fputs("E<lt>", out);
        else if (*s == '>')
            fputs("E<gt>", out);
        else
            fputc(*s, out);
    }
}

static void bold(const char *s, FILE *out)
{
    fputs("B<", out);
    text(s, out);
    fputs(">", out);
}

static const char *own_type(const struct kith_param *p)
{
    switch (p->type) {
    case KITH_TYPE_CIDRS: return "a list of networks, as 10.0.0.0/8 or fd00::/8";
    case KITH_TYPE_META: return "text, or one of the forms below";
    case KITH_TYPE_KEYS: return "a list of sources of keys";
    case KITH_TYPE_KEY: return "a source of keys";
    case KITH_TYPE_TRANSPORT: return "a map: see TRANSPORTS";
    case KITH_TYPE_CODECS: return "a list of maps: see CODECS";
    case KITH_TYPE_DELEGATES: return "a list of maps: see DELEGATES";
    case KITH_TYPE_COUNT: return "a number, or C<all>";
    case KITH_TYPE_LAYER_BYTE: return "a number";
    case KITH_TYPE_SEEDS: return "a list of addresses, or of maps with C<name> and C<address>";
    case KITH_TYPE_GROUPS: return "a map of names to nodes";
    case KITH_TYPE_LINKS: return "a list of maps: see LINKS";
    case KITH_TYPE_EVENTS: return "a list of maps: see EVENTS";
    case KITH_TYPE_NODES: return "nodes";
    case KITH_TYPE_NODE_SETS: return "a list of nodes";
    case KITH_TYPE_WHEN: return "a duration, or a part of C<time>, as C<20%>";
    case KITH_TYPE_PART: return "a part, as C<0.05> or C<5%>";
    default: return "a value";
    }
}

static void choices(const char *const *words, FILE *out)
{
    for (size_t i = 0; words[i]; i++) {
        const char *before = !i ? "" : words[i + 1] ? ", " : " or ";
        fprintf(out, "%sC<%s>", before, words[i]);
    }
}

static void limits(const struct kith_param *p, const struct kith_value_type *type, FILE *out)
{
    char range[100];
    if (type->text && !p->max) return; /* that it is not empty goes without saying */
    kith_param_range(p, range, sizeof range);
    if (*range) fprintf(out, ", %s", range);
}

static void defaults(const struct kith_param *p, FILE *out)
{
    if (!p->def || !*p->def) return;
    fputs(" [default C<", out);
    text(p->def, out);
    if (p->def_wan) fprintf(out, ">, wan C<%s", p->def_wan);
    if (p->def_local) fprintf(out, ">, local C<%s", p->def_local);
    fputs(">]", out);
}

static void param(const struct kith_param *p, const char *section, FILE *out)
{
    const struct kith_value_type *type = kith_value_type_of(p);
    fputs("=item ", out);
    if (*section) {
        fputs("B<", out);
        text(section, out);
        fputs(".>", out);
    }
    bold(p->name, out);
    fputs("\n\n", out);
    if (p->type == KITH_TYPE_WORDS) fputs("words of a list: ", out);
    if (p->choices)
        choices(p->choices, out);
    else
        fputs(type ? type->words : own_type(p), out);
    if (type) limits(p, type, out);
    defaults(p, out);
    if (p->flags & KITH_PARAM_REQUIRED) fputs(" [must be given]", out);
    fputs("\n\n", out);
    if (p->doc) {
        text(p->doc, out);
        fputs(".\n\n", out);
    }
}

void kith_manual_params(const struct kith_param *list, const char *section, FILE *out)
{
    bool open = false;
    for (const struct kith_param *p = list; p && p->name; p++) {
        if (p->type == KITH_TYPE_SECTION) continue;
        if (!open) fputs("=over\n\n", out);
        open = true;
        param(p, section, out);
    }
    if (open) fputs("=back\n\n", out);
}

static void sections(FILE *out)
{
    for (const struct kith_section *s = kith_sections; s->path; s++) {
        fprintf(out, "=head2 %s: %s\n\n",
                *s->path         ? s->path
                : s->short_forms ? "Short forms"
                                 : "At the left margin",
                s->doc);
        kith_manual_params(s->params, s->path, out);
    }
}

static void plugins(const struct kith_config_finder *finder, uint32_t kind, const char *title,
                    FILE *out)
{
    fprintf(out, "=head1 %s\n\n", title);
    kith_manual_params(kith_entry_keys(kind), "", out);
    const char *const *names = finder && finder->names ? finder->names(finder->ctx, kind) : NULL;
    for (size_t i = 0; names && names[i]; i++) {
        struct kith_error err = {.size = sizeof err};
        const struct kith_plugin *p = finder->find(finder->ctx, kind, names[i], &err);
        if (!p) continue;
        fprintf(out, "=head2 %s\n\n", p->name);
        text(p->summary, out);
        fputs(".\n\n", out);
        kith_manual_params(p->params, "", out);
    }
}

void kith_config_doc(const struct kith_config_finder *finder, FILE *out)
{
    fputs(head, out);
    fputs("=head1 KEYS\n\n", out);
    sections(out);
    plugins(finder, KITH_TRANSPORT, "TRANSPORTS", out);
    plugins(finder, KITH_CODEC, "CODECS", out);
    plugins(finder, KITH_DELEGATE, "DELEGATES", out);
    fputs(tail, out);
}

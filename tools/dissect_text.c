/*
 * dissect_text.c - layers and messages as one line for people. Names and labels are others' words:
 * no control character of theirs reaches the terminal.
 */
#include "dissect.h"
#include "screen.h"

static void write_layer(FILE *out, const json_t *layer)
{
    static const struct {
        const char *key, *before;
    } numbers[] = {{"version", "v"}, {"key", "key "}, {"parts", ""}, {"in", ""}};
    const json_t *v = json_object_get(layer, "label");
    fputs(json_string_value(json_object_get(layer, "layer")), out);
    if (v) fprintf(out, " %s", json_string_value(v));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if ((v = json_object_get(layer, numbers[i].key)))
            fprintf(out, " %s%" JSON_INTEGER_FORMAT, numbers[i].before, json_integer_value(v));
    if ((v = json_object_get(layer, "out")))
        fprintf(out, ">%" JSON_INTEGER_FORMAT, json_integer_value(v));
}

static void write_message(FILE *out, const json_t *m)
{
    const char *node = kith_tool_text(json_object_get(m, "node"));
    const json_t *nodes = json_object_get(m, "nodes");
    fputs(json_string_value(json_object_get(m, "type")), out);
    if (node && *node) fprintf(out, "(%s)", node);
    if (nodes) fprintf(out, "(%zu nodes)", json_array_size(nodes));
}

char *kith_dissect_line(const json_t *result)
{
    const json_t *layers = json_object_get(result, "layers"), *one;
    const json_t *messages = json_object_get(result, "messages");
    char *line = NULL;
    size_t len, i;
    FILE *out = open_memstream(&line, &len);
    if (!out) return NULL;
    json_array_foreach(layers, i, one)
    {
        write_layer(out, one);
        fputs(" | ", out);
    }
    json_array_foreach(messages, i, one)
    {
        if (i) fputc(' ', out);
        write_message(out, one);
    }
    fclose(out);
    return kith_tool_clean(line);
}

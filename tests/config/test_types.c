/*
 * test_types.c - no type of parameter lacks anything: one plugin with a parameter of each goes
 * through all that is done with parameters.
 */
#include "fake_finder.h"
#include "param.h"
#include "test.h"
#include <jansson.h>

struct all {
    bool is_bool;
    int32_t is_int;
    uint32_t is_uint, is_enum;
    uint64_t is_size, is_duration;
    double is_float;
    const char *is_string, *is_path;
    struct kith_list is_list;
    struct kith_map is_map;
};

static const char *const words[] = {"one", "two", NULL};

/* A parameter, two values as they are printed, and one that is refused. */
static const struct {
    struct kith_param p;
    const char *one, *other, *wrong;
} rows[] = {
    {KITH_PARAM(struct all, is_bool, BOOL, 0, "true", NULL, NULL, "a bool"), "true", "false",
     "maybe"},
    {KITH_PARAM(struct all, is_int, INT, 0, "-4", "-5", "5", "an int"), "-5", "5", "6"},
    {KITH_PARAM(struct all, is_uint, UINT, 0, "4", "1", "5", "a uint"), "1", "5", "0"},
    {KITH_PARAM(struct all, is_size, SIZE, 0, "2KiB", "1KiB", "1MiB", "a size"), "1KiB", "1MiB",
     "2MiB"},
    {KITH_PARAM(struct all, is_duration, DURATION, 0, "5s", "1s", "1m", "a duration"), "1s", "1m",
     "2m"},
    {KITH_PARAM(struct all, is_float, FLOAT, 0, "0.5", "-1.5", "1.5", "a float"), "-1.5", "1.25",
     "1.6"},
    {KITH_PARAM(struct all, is_string, STRING, 0, "abc", "1", "3", "a string"), "a", "bc", "abcd"},
    {KITH_PARAM(struct all, is_path, PATH, 0, "/ab", "1", "3", "a path"), "/a", "/b", "/abc"},
    {KITH_PARAM_CHOICE(struct all, is_enum, 0, "two", words, "an enum"), "one", "two", "three"},
    {KITH_PARAM(struct all, is_list, LIST, 0, "[x, y]", "1", "3", "a list"), "[a, b]", "[]",
     "[abcd]"},
    {KITH_PARAM(struct all, is_map, MAP, 0, "{x: y}", "1", "3", "a map"), "{a: b, c: d}", "{}",
     "{a: abcd}"},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* A type that is added to the header does not compile here until it has its row above. */
static size_t row_of(enum kith_param_type type)
{
    switch (type) {
    case KITH_PARAM_BOOL:
    case KITH_PARAM_INT:
    case KITH_PARAM_UINT:
    case KITH_PARAM_SIZE:
    case KITH_PARAM_DURATION:
    case KITH_PARAM_FLOAT:
    case KITH_PARAM_STRING:
    case KITH_PARAM_PATH:
    case KITH_PARAM_ENUM:
    case KITH_PARAM_LIST:
    case KITH_PARAM_MAP: break;
    }
    return (size_t)type - 1;
}

static struct kith_param table[ROWS + 1];
static const struct kith_transport_ops ops = {.size = sizeof ops};
static const struct kith_plugin plugin = {KITH_HEADER(TRANSPORT),
                                          .name = "every",
                                          .version = "1.0",
                                          .summary = "a parameter of every type",
                                          .instance_size = sizeof(struct all),
                                          .params = table,
                                          .ops = &ops};

static const struct kith_plugin *find(void *ctx, enum kith_kind kind, const char *name,
                                      struct kith_error *err)
{
    if (kind == KITH_TRANSPORT) return &plugin;
    return fake_finder.find(NULL, kind, name, err);
}

static const char *const *names(void *ctx, enum kith_kind kind)
{
    static const char *const every[] = {"every", NULL}, *const none[] = {NULL};
    return kind == KITH_TRANSPORT ? every : none;
}

static const struct kith_config_finder finder = {.find = find, .names = names};

static void fill_table(void)
{
    for (size_t i = 0; i < ROWS; i++) table[i] = rows[i].p;
}

/* A file that gives one parameter. */
static struct kith_config *parse(const char *name, const char *value, char **problems)
{
    char file[300];
    struct kith_diag *diag = kith_diag_new();
    snprintf(file, sizeof file, "transport: { use: every, %s: %s }", name, value);
    struct kith_config *c = kith_config_parse("", file, strlen(file), &finder, diag);
    if (problems)
        *problems = kith_diag_text(diag);
    else if (!c)
        kith_diag_print(diag, stdout);
    kith_diag_free(diag);
    return c;
}

static char *shown(const struct kith_config *c)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    kith_config_show(c, f);
    fclose(f);
    return text;
}

static void test_every_type_has_a_row(void)
{
    size_t n = 0;
    fill_table();
    const struct kith_value_type *t;
    for (; (t = kith_value_type_of(&(struct kith_param){.type = (uint32_t)n + 1})); n++) {
        CU_ASSERT_EQUAL_FATAL(row_of((enum kith_param_type)t->type), n);
        CU_ASSERT_EQUAL(rows[n].p.type, t->type);
        CU_ASSERT_EQUAL(rows[n].p.width, t->size);
        CU_ASSERT(t->read && t->print && t->words && t->align);
        CU_ASSERT_EQUAL(t->copy != NULL, t->text); /* who points to something copies it */
    }
    CU_ASSERT_EQUAL(n, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        CU_ASSERT_EQUAL(kith_param_check(&rows[i].p, sizeof(struct all), NULL), 0);
}

static void differs(void *arg, const char *key, const char *was, const char *now, bool restart)
{
    snprintf(arg, 200, "%s: %s -> %s", key, was, now);
}

/* Read, printed, shown, read back, compared, hashed. */
static void test_values(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct kith_param *p = &rows[i].p;
        struct kith_config *a = parse(p->name, rows[i].one, NULL),
                           *b = parse(p->name, rows[i].other, NULL);
        char line[200], said[200] = "", want[200];
        CU_ASSERT_PTR_NOT_NULL_FATAL(a);
        CU_ASSERT_PTR_NOT_NULL_FATAL(b);
        char *text = shown(a);
        snprintf(line, sizeof line, "  %s: %s ", p->name, rows[i].one);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
        struct kith_diag *diag = kith_diag_new();
        struct kith_config *again = kith_config_parse("", text, strlen(text), &finder, diag);
        CU_ASSERT_PTR_NOT_NULL_FATAL(again);
        CU_ASSERT_EQUAL(memcmp(a->transport.digest, again->transport.digest, 32), 0);
        CU_ASSERT_NOT_EQUAL(memcmp(a->transport.digest, b->transport.digest, 32), 0);
        kith_config_diff(a, again, differs, said);
        CU_ASSERT_STRING_EQUAL(said, "");
        kith_config_diff(a, b, differs, said);
        snprintf(want, sizeof want, "transport.%s: %s -> %s", p->name, rows[i].one, rows[i].other);
        CU_ASSERT_STRING_EQUAL(said, want);
        free(text);
        kith_diag_free(diag);
        kith_config_free(a);
        kith_config_free(b);
        kith_config_free(again);
    }
}

static void test_refusals(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        char *problems, range[100];
        CU_ASSERT_PTR_NULL(parse(rows[i].p.name, rows[i].wrong, &problems));
        kith_param_range(&rows[i].p, range, sizeof range);
        CU_ASSERT_PTR_NOT_NULL(strstr(problems, range));
        CU_ASSERT_PTR_NOT_NULL(strstr(problems, rows[i].p.name));
        CU_ASSERT(*range || rows[i].p.type == KITH_PARAM_BOOL || rows[i].p.type == KITH_PARAM_ENUM);
        free(problems);
    }
}

/* A secret of any type is nowhere to be read: not shown, not in a report, not in an error. */
static void test_secrets(void)
{
    for (size_t i = 0; i < ROWS; i++) {
        table[i].flags = KITH_PARAM_SECRET;
        char *problems, line[100], said[200] = "";
        struct kith_config *a = parse(rows[i].p.name, rows[i].one, NULL),
                           *b = parse(rows[i].p.name, rows[i].other, NULL);
        char *text = shown(a);
        snprintf(line, sizeof line, "  %s: \"***\" ", rows[i].p.name);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, line));
        kith_config_diff(a, b, differs, said);
        snprintf(line, sizeof line, "transport.%s: *** (", rows[i].p.name);
        CU_ASSERT_EQUAL(strncmp(said, line, strlen(line)), 0);
        CU_ASSERT_PTR_NULL(parse(rows[i].p.name, rows[i].wrong, &problems));
        CU_ASSERT_PTR_NOT_NULL(strstr(problems, "| transport: { use: every, is_"));
        snprintf(line, sizeof line, ": %s }", rows[i].wrong);
        CU_ASSERT_PTR_NULL(strstr(problems, line));
        snprintf(line, sizeof line, "not '%s'", rows[i].wrong);
        CU_ASSERT_PTR_NULL(strstr(problems, line));
        snprintf(line, sizeof line, ": %s is out", rows[i].wrong);
        CU_ASSERT_PTR_NULL(strstr(problems, line));
        free(text);
        free(problems);
        kith_config_free(a);
        kith_config_free(b);
        table[i].flags = 0;
    }
}

/* The defaults, copied, outlive what they were copied from. */
static void test_copies(void)
{
    static const char *const printed[ROWS] = {"true", "-4",  "4",   "2KiB",   "5s",    "0.5",
                                              "abc",  "/ab", "two", "[x, y]", "{x: y}"};
    struct kith_config *c = parse("is_uint", "4", NULL);
    struct all copy;
    void *memory;
    CU_ASSERT_EQUAL_FATAL(kith_params_copy(table, c->transport.params, &copy, &memory), 0);
    kith_config_free(c); /* wipes */
    for (size_t i = 0; i < ROWS; i++) {
        char *text = kith_param_text(&table[i], (const char *)&copy + table[i].offset);
        CU_ASSERT_STRING_EQUAL(text, printed[i]);
        free(text);
    }
    kith_params_free(memory);
}

static char *written(void (*write)(const struct kith_config_finder *, FILE *))
{
    static char *text;
    static size_t len;
    FILE *f = open_memstream(&text, &len);
    write(&finder, f);
    fclose(f);
    return text;
}

static void test_schema(void)
{
    char *text = written(kith_config_schema);
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL), *entry;
    CU_ASSERT_PTR_NOT_NULL_FATAL(schema);
    entry = json_object_get(json_object_get(schema, "properties"), "transport");
    entry = json_array_get(json_object_get(entry, "anyOf"), 0);
    for (size_t i = 0; i < ROWS; i++) {
        json_t *p = json_object_get(json_object_get(entry, "properties"), rows[i].p.name);
        CU_ASSERT_PTR_NOT_NULL(json_object_get(p, "description"));
        CU_ASSERT_PTR_NOT_NULL(json_object_get(p, "default"));
        CU_ASSERT(json_object_get(p, "type") || json_object_get(p, "anyOf") ||
                  json_object_get(p, "enum"));
    }
    json_t *map = json_object_get(json_object_get(entry, "properties"), "is_map");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(map, "type")), "object");
    CU_ASSERT(json_is_object(json_object_get(map, "default")));
    json_t *number = json_object_get(json_object_get(entry, "properties"), "is_int");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(number, "minimum")), -5);
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(number, "default")), -4);
    json_decref(schema);
    free(text);
}

/* The line below an item of the reference page. */
static char *line_of(const char *page, const char *name)
{
    char item[100];
    snprintf(item, sizeof item, "=item B<%s>\n\n", name);
    const char *at = strstr(page, item);
    if (!at) return strdup("");
    at += strlen(item);
    return strndup(at, strcspn(at, "\n"));
}

static void test_manual(void)
{
    char *text = written(kith_config_doc), range[100];
    for (size_t i = 0; i < ROWS; i++) {
        const struct kith_param *p = &rows[i].p;
        char *line = line_of(text, p->name);
        kith_param_range(p, range, sizeof range);
        CU_ASSERT_PTR_NOT_NULL(strstr(line, range));
        CU_ASSERT_PTR_NOT_NULL(strstr(line, " [default C<"));
        CU_ASSERT_PTR_NOT_NULL(
            strstr(line, p->choices ? "C<one> or C<two>" : kith_value_type_of(p)->words));
        free(line);
    }
    free(text);
}

KITH_TESTS("config/types", {"every type has a row", test_every_type_has_a_row},
           {"values", test_values}, {"refusals say what is possible", test_refusals},
           {"secrets", test_secrets}, {"copies", test_copies}, {"schema", test_schema},
           {"manual", test_manual})

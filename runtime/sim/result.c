/*
 * result.c - see result.h.
 */
#include "result.h"
#include <stdlib.h>
#include <string.h>

static void free_happenings(struct kith_result *r)
{
    for (size_t i = 0; i < r->happening_count; i++) {
        free(r->happenings[i].text);
        free(r->happenings[i].kind);
        free(r->happenings[i].noticed.values);
        free(r->happenings[i].told.values);
    }
    free(r->happenings);
}

static void free_messages(struct kith_result *r)
{
    for (size_t i = 0; i < r->message_count; i++) {
        free(r->messages[i].text);
        free(r->messages[i].got.values);
    }
    free(r->messages);
}

void kith_result_free(struct kith_result *r)
{
    free_happenings(r);
    free_messages(r);
    for (size_t i = 0; i < r->left_out_count; i++) {
        free(r->left_out[i].what);
        free(r->left_out[i].why);
    }
    for (size_t i = 0; i < r->traffic_count; i++) free(r->traffic[i].message);
    for (size_t i = 0; i < r->curve_count; i++) free(r->curves[i].values);
    free(r->left_out);
    free(r->traffic);
    free(r->curves);
    free(r->full_view.values);
    free(r->file);
    free(r->scenario);
    free(r->profile);
    free(r->send);
    memset(r, 0, sizeof *r);
}

const struct kith_curve *kith_result_curve(const struct kith_result *r, const char *name)
{
    for (size_t i = 0; i < r->curve_count; i++)
        if (strcmp(r->curves[i].name, name) == 0) return &r->curves[i];
    return NULL;
}

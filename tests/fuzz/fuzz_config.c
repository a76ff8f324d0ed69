/*
 * fuzz_config.c - a YAML file. Whatever is in it, there is a config or there are errors, and the
 * errors can be printed.
 */
#include "fuzz.h"

#include "config.h"
#include "fake_finder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static FILE *nowhere;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    if (!nowhere) exit(2);
    struct kith_diag *diag = kith_diag_new();
    struct kith_config *config =
        kith_config_parse("fuzz.yaml", (const char *)data, len, &fake_finder, diag);
    FUZZ_CHECK((config != NULL) == (kith_diag_errors(diag) == 0));
    kith_diag_print(diag, nowhere);
    kith_config_free(config);
    kith_diag_free(diag);
    return 0;
}

/*
 * codes.c - KITH_E codes as names for programs and as words for people.
 */
#include "codes.h"

#include <kith/plugin.h>

static const struct {
    const char *name, *text;
} codes[] = {
    [KITH_OK] = {"ok", "done"},
    [KITH_EINVAL] = {"invalid", "wrong argument"},
    [KITH_ENOMEM] = {"no_memory", "out of memory"},
    [KITH_ETOOBIG] = {"too_big", "too big"},
    [KITH_EMALFORMED] = {"malformed", "malformed data"},
    [KITH_EAUTH] = {"auth", "no key opens it"},
    [KITH_ECHECKSUM] = {"checksum", "checksum differs"},
    [KITH_EPOLICY] = {"policy", "a required layer is missing"},
    [KITH_EUNSUPPORTED] = {"unsupported", "not supported"},
    [KITH_EADDRINUSE] = {"address_in_use", "address in use"},
    [KITH_EACCES] = {"access", "not allowed"},
    [KITH_ENOTFOUND] = {"not_found", "not found"},
    [KITH_EEXIST] = {"exists", "exists already"},
    [KITH_EAGAIN] = {"busy", "a queue is full, try later"},
    [KITH_ETIMEOUT] = {"timeout", "timed out"},
    [KITH_EREFUSED] = {"refused", "refused"},
    [KITH_ECLOSED] = {"closed", "closed"},
    [KITH_EIO] = {"io", "input or output failed"},
    [KITH_EUNREACHABLE] = {"unreachable", "unreachable"},
    [KITH_ENAME] = {"name", "a name that can't be resolved"},
};

static unsigned index_of(int code)
{
    unsigned i = code < 0 ? (unsigned)-code : (unsigned)code;
    return i < sizeof codes / sizeof *codes ? i : KITH_EIO;
}

const char *kith_code_name(int code) { return codes[index_of(code)].name; }

const char *kith_code_text(int code) { return codes[index_of(code)].text; }

/*
 * codes.h - what the KITH_E codes are called. Any number will do: one that is none counts as
 * KITH_EIO.
 */
#ifndef KITH_CODES_H
#define KITH_CODES_H

const char *kith_code_name(int code); /* "timeout" */
const char *kith_code_text(int code); /* "timed out" */

#endif

/*
 * yaml_write.h - a text as YAML that reads back as the same text.
 */
#ifndef KITH_CONFIG_YAML_WRITE_H
#define KITH_CONFIG_YAML_WRITE_H

#include <stdio.h>

/* Bare where that is safe, else in double quotes. */
void kith_yaml_write(const char *text, FILE *out);

#endif

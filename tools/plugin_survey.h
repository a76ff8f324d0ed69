/*
 * plugin_survey.h - private to tools/: looking at plugins without being harmed by them.
 */
#ifndef KITH_TOOLS_PLUGIN_SURVEY_H
#define KITH_TOOLS_PLUGIN_SURVEY_H

#include "registry.h"
#include <jansson.h>

/* What one file says of itself, as plugin_describe.h has it; or { "file", "error" }, where the
 * error names the file. NULL: no memory. */
json_t *kith_survey_file(const char *path);
/* All that are linked in or lie in the folders (NULL: the usual ones), by kind and name; those that
 * can't be used last, by file. */
json_t *kith_survey(const char *dirs);
/* How many of the folders there are; those that are not are said on stderr, in the name of a
 * tool. */
size_t kith_survey_folders(const char *dirs, const char *tool);
/* Load what lies in the registry's folders and does no harm when it is loaded; say on stderr, in
 * the name of a tool, which files are left out and why. */
void kith_survey_load(struct kith_registry *, const char *tool);

#endif

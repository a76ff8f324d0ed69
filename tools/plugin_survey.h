/*
 * plugin_survey.h - private to `kith plugin`: looking at plugins without being harmed by them.
 */
#ifndef KITH_TOOLS_PLUGIN_SURVEY_H
#define KITH_TOOLS_PLUGIN_SURVEY_H

#include <jansson.h>

/* What one file says of itself, as plugin_describe.h has it; or { "file", "error" }, where the
 * error names the file. NULL: no memory. */
json_t *kith_survey_file(const char *path);
/* All that are linked in or lie in the folders (NULL: the usual ones), by kind and name; those that
 * can't be used last, by file. */
json_t *kith_survey(const char *dirs);

#endif

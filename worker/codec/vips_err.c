// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/vips_err.h"

#include <vips/vips.h>

/* The words of libvips, libjpeg, libpng and lcms for the same thing. */
static bool tells_of_memory(const char *text)
{
    static const char *const words[] = {"out of memory", "Out of memory", "nsufficient memory",
                                        "annot allocate", "unable to allocate"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(text, words[i]) != NULL) {
            return true;
        }
    }
    return false;
}

int vips_err_take(struct err *err, enum err_code code, const char *what)
{
    char *text = vips_error_buffer_copy();
    for (char *at = text; *at != '\0'; at++) {
        if (*at == '\n') {
            *at = at[1] == '\0' ? '\0' : ';';
        }
    }
    err_set(err, tells_of_memory(text) ? ERR_OUT_OF_MEMORY : code, "%s: %.160s", what,
            text[0] != '\0' ? text : "no reason given");
    g_free(text);
    return -1;
}

void vips_err_clear(void)
{
    vips_error_clear();
}

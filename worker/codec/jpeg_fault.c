// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/jpeg_fault.h"

/* jerror.h's list of messages without its macros, which call functions that are banned here. */
#define JERROR_H
#define JMESSAGE(code, string) code,
enum jpeg_message {
#include <jerror.h>
};

/* libjpeg ends a failed call by this, which may not return. */
static void on_error(j_common_ptr codec)
{
    struct jpeg_fault *fault = (struct jpeg_fault *)codec->err;
    codec->err->format_message(codec, fault->text);
    if (codec->err->msg_code == JERR_OUT_OF_MEMORY) {
        fault->code = ERR_OUT_OF_MEMORY;
    }
    longjmp(fault->back, 1);
}

/* Warnings are counted, not printed. */
static void on_message(j_common_ptr codec)
{
    (void)codec;
}

struct jpeg_error_mgr *jpeg_fault_init(struct jpeg_fault *fault)
{
    struct jpeg_error_mgr *manager = jpeg_std_error(&fault->manager);
    fault->code = ERR_NONE;
    fault->text[0] = '\0';
    manager->error_exit = on_error;
    manager->output_message = on_message;
    return manager;
}

void jpeg_fault_raise(j_common_ptr codec, enum err_code code, const char *text)
{
    struct jpeg_fault *fault = (struct jpeg_fault *)codec->err;
    fault->code = code;
    snprintf(fault->text, sizeof fault->text, "%s", text);
    longjmp(fault->back, 1);
}

int jpeg_fault_err(const struct jpeg_fault *fault, enum err_code code, const char *what, struct err *err)
{
    return err_set(err, fault->code != ERR_NONE ? fault->code : code, "%s: %.150s", what, fault->text);
}

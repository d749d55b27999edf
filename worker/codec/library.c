// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/library.h"
#include "common/base/log.h"
#include "worker/codec/vips_err.h"

#include <malloc.h>
#include <vips/vips.h>

#include <vips/vector.h>

/* What GLib and libvips want to tell is for developers; a fatal message is the last line before an abort. */
static void on_glib_log(const char *domain, GLogLevelFlags level, const char *message, void *owner)
{
    (void)owner;
    if ((level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_ERROR)) != 0) {
        log_error("a library gives up", log_text("domain", domain), log_text("text", message));
    } else if ((level & (G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) != 0) {
        log_debug("a library says", log_text("domain", domain), log_text("text", message));
    }
}

/* The last is the PNG saver of a libvips that was built with libspng. */
static const char *const used[] = {"VipsForeignLoadJpegBuffer", "VipsForeignLoadPngBuffer",
                                   "VipsForeignLoadWebpBuffer", "VipsForeignSavePngBuffer",
                                   "VipsForeignSaveSpngBuffer"};

static bool is_used(const char *kind)
{
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        if (strcmp(kind, used[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void allow_only_what_is_used(void)
{
    vips_block_untrusted_set(TRUE);
    vips_operation_block_set("VipsForeignLoad", TRUE);
    vips_operation_block_set("VipsForeignSave", TRUE);
    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++) {
        vips_operation_block_set(used[i], FALSE);
    }
}

int library_start(struct err *err)
{
    g_log_set_default_handler(on_glib_log, NULL);
    mallopt(M_ARENA_MAX, 1);
    /*
     * libvips looks for plug-ins (other formats, with large libraries behind them) below this folder. Orc, which writes machine code
     * at run time into memory that is writable and executable, is asked by libvips in places even where vectors are off.
     */
    if (setenv("VIPSHOME", "/nonexistent", 1) != 0 || setenv("ORC_CODE", "emulate", 1) != 0 ||
        vips_init("pixmill-codec") != 0) {
        return vips_err_take(err, ERR_INTERNAL, "can not start libvips");
    }
    vips_vector_set_enabled(FALSE);
    vips_concurrency_set(1);
    vips_cache_set_max(0);
    allow_only_what_is_used();
    return 0;
}

/* Called by libvips for each kind of loader; *owner takes the name of one that is open and should not be. */
static void *on_loader(GType type, void *owner)
{
    const char **open = owner;
    VipsOperationClass *kind = VIPS_OPERATION_CLASS(g_type_class_ref(type));
    if (!G_TYPE_IS_ABSTRACT(type) && (kind->flags & VIPS_OPERATION_BLOCKED) == 0 &&
        !is_used(g_type_name(type))) {
        *open = g_type_name(type);
    }
    g_type_class_unref(kind);
    return NULL;
}

int library_prove(struct err *err)
{
    const char *open = NULL;
    (void)vips_type_map_all(g_type_from_name("VipsForeignLoad"), on_loader, &open);
    (void)vips_type_map_all(g_type_from_name("VipsForeignSave"), on_loader, &open);
    if (open != NULL) {
        return err_set(err, ERR_INTERNAL, "the loader or saver %s can be reached", open);
    }
    return 0;
}

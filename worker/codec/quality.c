// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/quality.h"
#include "common/base/log.h"
#include "worker/codec/colour.h"
#include "worker/codec/ssim.h"
#include "worker/codec/vips_err.h"

#include <stdlib.h>

enum { MOST_RAISES = 3, RAISE = 5, MOST_QUALITY = 100 };

static VipsImage *load(enum image_format format, const struct encode_bytes *bytes)
{
    VipsImage *image = NULL;
    if (format == IMAGE_WEBP) {
        (void)vips_webpload_buffer(bytes->data, bytes->bytes, &image, NULL);
    } else {
        (void)vips_jpegload_buffer(bytes->data, bytes->bytes, &image, NULL);
    }
    return image;
}

/* The luma of an image as it is seen on the variant's background; the caller frees it. NULL with *err. */
static unsigned char *luma_of(VipsImage *image, const struct profile_variant *variant, struct err *err)
{
    VipsImage *flat = NULL;
    if (image->Bands == 4 && colour_flatten(image, variant->background, &flat, err) != 0) {
        return NULL;
    }
    VipsImage *pixels = vips_image_copy_memory(flat != NULL ? flat : image);
    VIPS_UNREF(flat);
    if (pixels == NULL) {
        vips_err_take(err, ERR_INTERNAL, "can not read what was encoded");
        return NULL;
    }
    size_t count = (size_t)pixels->Xsize * (size_t)pixels->Ysize;
    const unsigned char *rgb = vips_image_get_data(pixels);
    unsigned char *luma = malloc(count);
    if (luma == NULL) {
        err_set(err, ERR_OUT_OF_MEMORY, "no memory to compare what was encoded");
    }
    for (size_t i = 0; luma != NULL && i < count; i++, rgb += 3) {
        luma[i] = (unsigned char)((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
    }
    g_object_unref(pixels);
    return luma;
}

/* How alike encoded bytes are to the image they were made of. */
static int compare(VipsImage *image, const struct profile_variant *variant, const struct encode_bytes *bytes,
                   double *similarity, struct err *err)
{
    VipsImage *decoded = load(variant->format, bytes);
    if (decoded == NULL) {
        return vips_err_take(err, ERR_INTERNAL, "can not decode what was encoded");
    }
    unsigned char *wanted = luma_of(image, variant, err);
    unsigned char *found = wanted != NULL ? luma_of(decoded, variant, err) : NULL;
    if (found != NULL) {
        *similarity = ssim_of_luma(wanted, found, image->Xsize, image->Ysize);
    }
    int rc = found != NULL ? 0 : -1;
    free(wanted);
    free(found);
    g_object_unref(decoded);
    return rc;
}

int quality_encode(VipsImage *image, const struct profile_variant *variant, struct encode_bytes *out,
                   struct err *err)
{
    struct profile_variant tried = *variant;
    for (int raises = 0;; raises++) {
        double similarity = 0;
        if (encode_image(image, &tried, out, err) != 0) {
            return -1;
        }
        if (variant->min_ssim == 0 || raises == MOST_RAISES || tried.quality == MOST_QUALITY) {
            return 0;
        }
        if (compare(image, &tried, out, &similarity, err) != 0) {
            encode_bytes_release(out);
            return -1;
        }
        if (similarity * PROFILE_SIMILARITY_ONE >= variant->min_ssim) {
            return 0;
        }
        encode_bytes_release(out);
        tried.quality = tried.quality + RAISE < MOST_QUALITY ? tried.quality + RAISE : MOST_QUALITY;
        log_debug("a variant is encoded again, to be more alike", log_text("variant", variant->name),
                  log_int("similarity", (int64_t)(similarity * PROFILE_SIMILARITY_ONE)),
                  log_int("quality", tried.quality));
    }
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Alpha is set aside while colours are converted, and joined again after: libvips' ICC code is not made for it, and the
 * background on which it is flattened is sRGB.
 */
#include "worker/codec/colour.h"
#include "common/base/log.h"
#include "worker/codec/vips_err.h"

/* ICC.1:2010 7.2: where a profile's header has what is looked at here */
enum { ICC_CLASS_AT = 12, ICC_SPACE_AT = 16, ICC_SIGNATURE_AT = 36, ICC_HEADER_BYTES = 128 };

static bool is_word(const unsigned char *profile, size_t at, const char *word)
{
    return memcmp(profile + at, word, 4) == 0;
}

/* True where the header says that the profile describes pixels of so many colour bands. */
static bool fits(const unsigned char *profile, size_t bytes, int bands)
{
    const char *space = bands == 1 ? "GRAY" : bands == 3 ? "RGB " : "CMYK";
    if (bytes < ICC_HEADER_BYTES || !is_word(profile, ICC_SIGNATURE_AT, "acsp") ||
        !is_word(profile, ICC_SPACE_AT, space)) {
        return false;
    }
    return is_word(profile, ICC_CLASS_AT, "mntr") || is_word(profile, ICC_CLASS_AT, "scnr") ||
           is_word(profile, ICC_CLASS_AT, "prtr") || is_word(profile, ICC_CLASS_AT, "spac");
}

/* Converts by the embedded profile. NULL where there is none, or none that can be used. */
static VipsImage *by_profile(VipsImage *in)
{
    const void *profile = NULL;
    size_t bytes = 0;
    VipsImage *out = NULL;
    if (vips_image_get_typeof(in, VIPS_META_ICC_NAME) == 0 ||
        vips_image_get_blob(in, VIPS_META_ICC_NAME, &profile, &bytes) != 0) {
        vips_err_clear();
        return NULL;
    }
    if (!fits(profile, bytes, in->Bands)) {
        log_info("an ICC profile does not fit its image and is ignored", log_int("bands", in->Bands));
        return NULL;
    }
    if (vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "intent", VIPS_INTENT_RELATIVE, "depth", 8,
                           NULL) != 0) {
        vips_err_clear();
        log_info("an ICC profile is broken and is ignored", log_int("bytes", (int64_t)bytes));
        return NULL;
    }
    return out;
}

static int convert(VipsImage *in, VipsImage **out, struct err *err)
{
    VipsImage *srgb = by_profile(in);
    if (srgb == NULL && vips_colourspace(in, &srgb, VIPS_INTERPRETATION_sRGB, NULL) != 0) {
        return vips_err_take(err, ERR_CORRUPT_IMAGE, "can not convert the colours");
    }
    int rc = vips_cast_uchar(srgb, out, NULL);
    g_object_unref(srgb);
    if (rc != 0) {
        return vips_err_take(err, ERR_CORRUPT_IMAGE, "can not bring the colours to 8 bits");
    }
    if ((*out)->Bands != 3) {
        g_object_unref(*out);
        return err_set(err, ERR_CORRUPT_IMAGE, "an image of %d bands", in->Bands);
    }
    return 0;
}

/* 8-bit alpha of 8 or 16-bit alpha. */
static int convert_alpha(VipsImage *in, VipsImage **out)
{
    return in->BandFmt == VIPS_FORMAT_USHORT ? vips_msb(in, out, NULL) : vips_cast_uchar(in, out, NULL);
}

static int convert_with_alpha(VipsImage *in, VipsImage **out, struct err *err)
{
    VipsImage *colours = NULL;
    VipsImage *srgb = NULL;
    VipsImage *alpha = NULL;
    VipsImage *alpha_8 = NULL;
    int rc = -1;
    if (vips_extract_band(in, &colours, 0, "n", in->Bands - 1, NULL) != 0 ||
        vips_extract_band(in, &alpha, in->Bands - 1, NULL) != 0 || convert_alpha(alpha, &alpha_8) != 0) {
        vips_err_take(err, ERR_CORRUPT_IMAGE, "can not set the alpha aside");
        goto out;
    }
    rc = convert(colours, &srgb, err);
    if (rc == 0 && vips_bandjoin2(srgb, alpha_8, out, NULL) != 0) {
        rc = vips_err_take(err, ERR_CORRUPT_IMAGE, "can not join the alpha");
    }
out:
    VIPS_UNREF(colours);
    VIPS_UNREF(srgb);
    VIPS_UNREF(alpha);
    VIPS_UNREF(alpha_8);
    return rc;
}

int colour_to_srgb(VipsImage *in, VipsImage **out, struct err *err)
{
    return vips_image_hasalpha(in) ? convert_with_alpha(in, out, err) : convert(in, out, err);
}

int colour_flatten(VipsImage *in, const unsigned char background[3], VipsImage **out, struct err *err)
{
    VipsArrayDouble *colour =
        vips_array_double_newv(3, (double)background[0], (double)background[1], (double)background[2]);
    int rc = vips_flatten(in, out, "background", colour, NULL);
    vips_area_unref(VIPS_AREA(colour));
    return rc == 0 ? 0 : vips_err_take(err, ERR_CORRUPT_IMAGE, "can not flatten the alpha");
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Alpha is set aside while colours are converted, and joined again after: libvips' ICC code is not made for it, and the
 * background on which it is flattened is sRGB.
 */
#include "worker/codec/colour.h"
#include "common/base/log.h"
#include "worker/codec/vips_err.h"

#include <lcms2.h>

/* The colour space that lcms names for so many bands. */
static cmsColorSpaceSignature space_of(int bands)
{
    return bands == 1 ? cmsSigGrayData : bands == 3 ? cmsSigRgbData : cmsSigCmykData;
}

/*
 * Finds the intent by which a profile can bring an image of so many bands to sRGB: the relative one, or the perceptual one
 * where the profile has no other table. Returns false where the profile can not: libvips would then quietly take another.
 */
static bool find_intent(const void *data, size_t bytes, int bands, VipsIntent *intent)
{
    cmsHPROFILE profile = bytes > UINT32_MAX ? NULL : cmsOpenProfileFromMem(data, (cmsUInt32Number)bytes);
    if (profile == NULL) {
        return false;
    }
    bool is_usable = false;
    if (cmsGetColorSpace(profile) == space_of(bands)) {
        if (cmsIsIntentSupported(profile, INTENT_RELATIVE_COLORIMETRIC, LCMS_USED_AS_INPUT)) {
            *intent = VIPS_INTENT_RELATIVE;
            is_usable = true;
        } else if (cmsIsIntentSupported(profile, INTENT_PERCEPTUAL, LCMS_USED_AS_INPUT)) {
            *intent = VIPS_INTENT_PERCEPTUAL;
            is_usable = true;
        }
    }
    cmsCloseProfile(profile);
    return is_usable;
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
    VipsIntent intent;
    if (!find_intent(profile, bytes, in->Bands, &intent)) {
        log_info("an ICC profile is broken or of another colour space and is ignored",
                 log_int("bands", in->Bands), log_int("bytes", (int64_t)bytes));
        return NULL;
    }
    if (vips_icc_transform(in, &out, "srgb", "embedded", TRUE, "intent", intent, "depth", 8, NULL) != 0) {
        vips_err_clear();
        log_info("an ICC profile can not be applied and is ignored", log_int("bytes", (int64_t)bytes));
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

// SPDX-License-Identifier: Apache-2.0
/*
 * How alike two pictures are: the structural similarity index (Wang et al., 2004) of their luma, over windows of 8 x 8 px that overlap by
 * half. Pure computing.
 */
#ifndef PIXMILL_CODEC_SSIM_H
#define PIXMILL_CODEC_SSIM_H

/* Two pictures of the same sides, one byte of luma a pixel, row after row. Returns at most 1, which is: the same. */
double ssim_of_luma(const unsigned char *a, const unsigned char *b, int width_px, int height_px);

#endif

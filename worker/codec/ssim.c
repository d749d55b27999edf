// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/ssim.h"

#include <stddef.h>

enum { WINDOW_PX = 8, STEP_PX = 4 };

/* (0.01 * 255)^2 and (0.03 * 255)^2, as the paper has them */
static const double steady_mean = 6.5025;
static const double steady_variance = 58.5225;

struct window {
    const unsigned char *a;
    const unsigned char *b;
    size_t stride;
    int width_px;
    int height_px;
};

static double ssim_of_window(const struct window *window)
{
    long sum_a = 0;
    long sum_b = 0;
    long squares = 0;
    long products = 0;
    for (int y = 0; y < window->height_px; y++) {
        const unsigned char *a = window->a + (size_t)y * window->stride;
        const unsigned char *b = window->b + (size_t)y * window->stride;
        for (int x = 0; x < window->width_px; x++) {
            sum_a += a[x];
            sum_b += b[x];
            squares += (long)a[x] * a[x] + (long)b[x] * b[x];
            products += (long)a[x] * b[x];
        }
    }
    double count = (double)window->width_px * window->height_px;
    double mean_a = (double)sum_a / count;
    double mean_b = (double)sum_b / count;
    double variances = (double)squares / count - mean_a * mean_a - mean_b * mean_b;
    double covariance = (double)products / count - mean_a * mean_b;
    return (2 * mean_a * mean_b + steady_mean) * (2 * covariance + steady_variance) /
           ((mean_a * mean_a + mean_b * mean_b + steady_mean) * (variances + steady_variance));
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

double ssim_of_luma(const unsigned char *a, const unsigned char *b, int width_px, int height_px)
{
    double sum = 0;
    long count = 0;
    struct window window = {.stride = (size_t)width_px,
                            .width_px = least(WINDOW_PX, width_px),
                            .height_px = least(WINDOW_PX, height_px)};
    for (int y = 0; y + window.height_px <= height_px; y += STEP_PX) {
        for (int x = 0; x + window.width_px <= width_px; x += STEP_PX) {
            size_t at = (size_t)y * window.stride + (size_t)x;
            window.a = a + at;
            window.b = b + at;
            sum += ssim_of_window(&window);
            count++;
        }
    }
    return sum / (double)count;
}

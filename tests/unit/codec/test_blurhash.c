// SPDX-License-Identifier: Apache-2.0
#include "worker/codec/blurhash.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WIDTH = 96, HEIGHT = 72, ACROSS = 4, DOWN = 3 };

static const double pi = 3.14159265358979323846;

struct picture {
    unsigned char data[WIDTH * HEIGHT * 4];
    struct blurhash_pixels pixels;
};

typedef void (*colour_fn)(int x, int y, unsigned char pixel[4]);

static void draw(struct picture *picture, int bands, colour_fn colour)
{
    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        unsigned char pixel[4] = {0, 0, 0, 255};
        colour(i % WIDTH, i / WIDTH, pixel);
        memcpy(picture->data + i * bands, pixel, (size_t)bands);
    }
    picture->pixels = (struct blurhash_pixels){.data = picture->data,
                                               .width_px = WIDTH,
                                               .height_px = HEIGHT,
                                               .bands = bands,
                                               .stride = (size_t)(WIDTH * bands),
                                               .background = {255, 255, 255}};
}

/* The specification read from its other side: from digits to a colour at a place. */
static unsigned number(const char *text, int digits)
{
    unsigned value = 0;
    for (int i = 0; i < digits; i++) {
        const char *at = strchr(wire_base83, text[i]);
        assert_true(at != NULL && *at != '\0');
        value = value * WIRE_BASE + (unsigned)(at - wire_base83);
    }
    return value;
}

static double linear_of(unsigned value)
{
    double level = value / 255.0;
    return level <= 0.04045 ? level / 12.92 : pow((level + 0.055) / 1.055, 2.4);
}

static double srgb_of(double level)
{
    level = fmin(fmax(level, 0), 1);
    return 255 * (level <= 0.0031308 ? level * 12.92 : 1.055 * pow(level, 1 / 2.4) - 0.055);
}

static double signed_square(unsigned digit)
{
    double value = ((double)digit - 9) / 9;
    return copysign(value * value, value);
}

static void decode_at(const char *hash, double x, double y, double out[3])
{
    double most = (number(hash + 1, 1) + 1) / 166.0;
    unsigned mean = number(hash + 2, 4);
    double sums[3] = {linear_of(mean >> 16), linear_of(mean >> 8 & 255), linear_of(mean & 255)};
    for (int i = 1; i < ACROSS * DOWN; i++) {
        unsigned value = number(hash + 4 + 2 * i, 2);
        double weight = most * cos(pi * x * (i % ACROSS)) * cos(pi * y * (i / ACROSS));
        sums[0] += weight * signed_square(value / 361);
        sums[1] += weight * signed_square(value / 19 % 19);
        sums[2] += weight * signed_square(value % 19);
    }
    for (int c = 0; c < 3; c++) {
        out[c] = srgb_of(sums[c]);
    }
}

static void expect_at(const char *hash, double x, double y, const int wanted[3], double tolerance)
{
    double found[3];
    decode_at(hash, x, y, found);
    for (int c = 0; c < 3; c++) {
        assert_true(fabs(found[c] - wanted[c]) <= tolerance);
    }
}

static void white(int x, int y, unsigned char pixel[4])
{
    (void)x;
    (void)y;
    memset(pixel, 255, 3);
}

static void red_left_of_blue(int x, int y, unsigned char pixel[4])
{
    (void)y;
    pixel[x < WIDTH / 2 ? 0 : 2] = 200;
}

static void green_above_black(int x, int y, unsigned char pixel[4])
{
    (void)x;
    pixel[1] = y < HEIGHT / 2 ? 180 : 0;
}

static void clear_black(int x, int y, unsigned char pixel[4])
{
    (void)x;
    (void)y;
    pixel[3] = 0;
}

/* Two thirds of it are within a few levels of a colour, on both sides of a border of the cube. */
static void mostly_teal(int x, int y, unsigned char pixel[4])
{
    bool is_other = x % 3 == 0;
    pixel[0] = (unsigned char)(is_other ? x * 2 : 16);
    pixel[1] = (unsigned char)(is_other ? y * 3 : 126 + (x + y) % 5);
    pixel[2] = (unsigned char)(is_other ? x + y : 126 + (x * y) % 5);
}

static void has_the_form_of_the_specification(void **state)
{
    (void)state;
    static struct picture picture;
    char hash[WIRE_BLURHASH_CHARACTERS + 1];
    draw(&picture, 3, white);
    blurhash_encode(&picture.pixels, hash);
    assert_int_equal(strlen(hash), WIRE_BLURHASH_CHARACTERS);
    assert_int_equal(strspn(hash, wire_base83), WIRE_BLURHASH_CHARACTERS);
    assert_int_equal(hash[0], 'L');           /* 4 x 3 */
    assert_memory_equal(hash + 2, "TSUA", 4); /* 0xffffff in base 83 */
}

static void decodes_to_the_picture(void **state)
{
    (void)state;
    static struct picture picture;
    char hash[WIRE_BLURHASH_CHARACTERS + 1];
    draw(&picture, 3, red_left_of_blue);
    blurhash_encode(&picture.pixels, hash);
    expect_at(hash, 0.2, 0.5, (const int[]){200, 0, 0}, 45);
    expect_at(hash, 0.8, 0.5, (const int[]){0, 0, 200}, 45);
    draw(&picture, 3, green_above_black);
    blurhash_encode(&picture.pixels, hash);
    expect_at(hash, 0.5, 0.15, (const int[]){0, 180, 0}, 45);
    expect_at(hash, 0.5, 0.9, (const int[]){0, 0, 0}, 60);
}

static void what_is_clear_shows_the_background(void **state)
{
    (void)state;
    static struct picture picture;
    char clear[WIRE_BLURHASH_CHARACTERS + 1];
    char solid[WIRE_BLURHASH_CHARACTERS + 1];
    unsigned char colour[3];
    draw(&picture, 4, clear_black);
    blurhash_encode(&picture.pixels, clear);
    blurhash_dominant_colour(&picture.pixels, colour);
    assert_memory_equal(colour, "\xff\xff\xff", 3);
    draw(&picture, 3, white);
    blurhash_encode(&picture.pixels, solid);
    assert_string_equal(clear, solid);
}

static void one_pixel_is_enough(void **state)
{
    (void)state;
    static const unsigned char pixel[] = {1, 2, 3};
    struct blurhash_pixels pixels = {.data = pixel, .width_px = 1, .height_px = 1, .bands = 3, .stride = 3};
    char hash[WIRE_BLURHASH_CHARACTERS + 1];
    unsigned char colour[3];
    blurhash_encode(&pixels, hash);
    assert_int_equal(strlen(hash), WIRE_BLURHASH_CHARACTERS);
    blurhash_dominant_colour(&pixels, colour);
    assert_memory_equal(colour, pixel, 3);
}

static void the_dominant_colour_is_what_most_pixels_are_near(void **state)
{
    (void)state;
    static struct picture picture;
    unsigned char colour[3];
    draw(&picture, 3, mostly_teal);
    blurhash_dominant_colour(&picture.pixels, colour);
    assert_in_range(colour[0], 14, 20);
    assert_in_range(colour[1], 122, 134);
    assert_in_range(colour[2], 122, 134);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_form_of_the_specification),
        cmocka_unit_test(decodes_to_the_picture),
        cmocka_unit_test(what_is_clear_shows_the_background),
        cmocka_unit_test(one_pixel_is_enough),
        cmocka_unit_test(the_dominant_colour_is_what_most_pixels_are_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Clocks. Deadlines and durations use the monotonic clock; times that people or rows see use the wall clock.
 */
#ifndef PIXMILL_BASE_CLOCK_H
#define PIXMILL_BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_BYTES = 32 };

/* Microseconds since some fixed moment; never goes back (CLOCK_MONOTONIC). */
uint64_t clock_monotonic_us(void);

/* Microseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME). */
int64_t clock_wall_us(void);

/* Writes a wall time as RFC 3339 UTC with microseconds ("2026-01-31T12:00:00.000000Z") into text. */
void clock_text(int64_t wall_us, char text[CLOCK_TEXT_BYTES]);

/* Writes a wall time as an HTTP date ("Sat, 31 Jan 2026 12:00:00 GMT", RFC 9110 5.6.7) into text. */
void clock_http_date(int64_t wall_us, char text[CLOCK_TEXT_BYTES]);

/* Reads an HTTP date (IMF-fixdate only). Returns seconds since 1970, or -1 where it is not one. */
int64_t clock_of_http_date(const char *text);

#endif

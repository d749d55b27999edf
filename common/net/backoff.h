// SPDX-License-Identifier: Apache-2.0
/*
 * How long to wait before trying again: exponential back-off with full jitter, so that many clients of one
 * server that went away do not come back at one moment. Pure.
 */
#ifndef PIXMILL_NET_BACKOFF_H
#define PIXMILL_NET_BACKOFF_H

#include <stdint.h>

/*
 * The wait in ms after `failures` failures in a row (0 for the first): random % (top + 1), where top is the
 * lesser of first_ms * 2^failures and most_ms. random is any 64-bit number, each as likely as the others.
 */
uint64_t backoff_ms(uint64_t first_ms, uint64_t most_ms, unsigned failures, uint64_t random);

#endif

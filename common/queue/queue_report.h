// SPDX-License-Identifier: Apache-2.0
/*
 * What a worker tells of itself, as it lies in Redis: one msgpack map with string keys, {v, state, codecs, busy, in_hand, taken,
 * codec_us, started_at, jobs}, of which jobs is one string of names with a space between them. Pure. Inside queue only.
 * To change it: add a key, which older readers pass over, and take it as 0 or "" where it is missing; or raise the version, and
 * workers of the other version are not listed until all are of one.
 */
#ifndef PIXMILL_QUEUE_QUEUE_REPORT_H
#define PIXMILL_QUEUE_QUEUE_REPORT_H

#include "common/queue/queue.h"

enum { QUEUE_REPORT_VERSION = 1, QUEUE_REPORT_BYTES = 1280 };

/* Encodes all but holder and age. Returns the length in bytes, at most QUEUE_REPORT_BYTES. */
size_t queue_report_encode(const struct queue_worker *worker, unsigned char out[QUEUE_REPORT_BYTES]);

/* Decodes bytes of any origin; holder and age are left "" and 0. Returns 0, or -1 where they are no report. */
int queue_report_decode(const unsigned char *data, size_t bytes, struct queue_worker *worker) MUST_CHECK;

#endif

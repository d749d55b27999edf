// SPDX-License-Identifier: Apache-2.0
/*
 * Frames between the dispatcher and a codec process: one frame is one message on a SOCK_SEQPACKET socketpair, at most
 * WIRE_MAX_BYTES, little-endian, first byte WIRE_VERSION, second the type. Both ends are of the same release, so a version that
 * differs is an error. The dispatcher treats a codec's frames as hostile: wire_decode checks every length, enum and range, and
 * a frame is good only as a whole (trailing bytes are an error).
 *
 *     codec                       dispatcher
 *     READY            ───────►                 the cage stands, libraries are warm
 *                      ◄───────   JOB + fds     the original, then one memfd for each variant
 *     HEAD             ───────►                 the header was read: sizes, stored and upright
 *     VARIANT (each)   ───────►                 bytes are in its memfd, or it is left out
 *     DONE or FAILED   ───────►                 ready for the next JOB
 *
 * To change a frame: raise WIRE_VERSION.
 */
#ifndef PIXMILL_WORKER_WIRE_WIRE_H
#define PIXMILL_WORKER_WIRE_WIRE_H

#include "common/base/err.h"
#include "common/image/limits.h"
#include "common/image/profile.h"

#include <stddef.h>
#include <stdint.h>

enum { WIRE_VERSION = 2, WIRE_MAX_BYTES = 2048, WIRE_MAX_FDS = 1 + PROFILE_MAX_VARIANTS, WIRE_SOCKET_FD = 3 };

/* A BlurHash of 4 x 3 components, in the digits of base 83 (github.com/woltapp/blurhash, Algorithm.md). */
enum { WIRE_BLURHASH_CHARACTERS = 28, WIRE_BASE = 83 };

extern const char wire_base83[WIRE_BASE + 1];

/* How pixmill-codec exits: 0 where the dispatcher closed the socket, else one of these, or by a signal. */
enum {
    WIRE_EXIT_USAGE = 64, /* wrong arguments */
    WIRE_EXIT_CAGE = 71,  /* the sandbox or the libraries do not stand: a new one would not either */
    WIRE_EXIT_WIRE = 74   /* the socket failed, or a frame was not understood */
};

enum wire_type { WIRE_READY = 1, WIRE_JOB, WIRE_HEAD, WIRE_VARIANT, WIRE_DONE, WIRE_FAILED };
enum wire_fail_on { WIRE_FAIL_ON_ERROR, WIRE_FAIL_ON_TRUNCATED, WIRE_FAIL_ON_WARNING };

struct wire_job {
    int64_t input_bytes;
    enum image_format format; /* as sniffed at the upload; the codec sniffs again and refuses another */
    enum wire_fail_on fail_on;
    struct image_limits limits;
    struct profile profile;
};

struct wire_head {
    int width_px; /* as stored */
    int height_px;
    int upright_width_px; /* after EXIF orientation */
    int upright_height_px;
};

struct wire_variant {
    unsigned index; /* into the profile's variants and the JOB's fds */
    int width_px;
    int height_px;
    int64_t bytes;   /* 0: left out, since it would be larger than the original */
    int64_t make_us; /* that resizing and encoding it took */
};

struct wire_done {
    int width_px; /* after EXIF orientation */
    int height_px;
    int64_t decode_us;
    int64_t encode_us;
    int64_t peak_bytes; /* most resident memory of the process so far */
    char blurhash[WIRE_BLURHASH_CHARACTERS + 1];
    unsigned char dominant_colour[3]; /* sRGB */
};

struct wire_failed {
    enum err_code code; /* ERR_CORRUPT_IMAGE, ERR_TOO_LARGE, ERR_OUT_OF_MEMORY... */
    char sentence[160]; /* for our log */
};

struct wire_frame {
    enum wire_type type;
    uint64_t ticket; /* the dispatcher's number for a job, repeated in its answers; 0 in READY */
    union {
        struct wire_job job;
        struct wire_head head;
        struct wire_variant variant;
        struct wire_done done;
        struct wire_failed failed;
    };
};

/* Encodes a frame; returns its length, at most WIRE_MAX_BYTES. */
size_t wire_encode(const struct wire_frame *frame, unsigned char out[WIRE_MAX_BYTES]);

/* Decodes bytes of any origin. Returns 0, or -1 with ERR_INTERNAL; *frame is then untouched. */
int wire_decode(const unsigned char *data, size_t bytes, struct wire_frame *frame,
                struct err *err) MUST_CHECK;

/* Sends a frame with descriptors (SCM_RIGHTS; they stay the caller's). Returns 0, or -1 with *err; never raises SIGPIPE. */
int wire_send(int socket, const struct wire_frame *frame, const int *fds, size_t fd_count,
              struct err *err) MUST_CHECK;

enum wire_got { WIRE_GOT_FRAME, WIRE_GOT_NOTHING, WIRE_GOT_END, WIRE_GOT_ERROR };

/*
 * Receives a frame. fds has room for WIRE_MAX_FDS; *fd_count is how many came (close-on-exec; the receiver closes them).
 * NOTHING: non-blocking and none there. END: the peer is gone. ERROR: *err is set, and descriptors that came were closed.
 */
enum wire_got wire_receive(int socket, struct wire_frame *frame, int *fds, size_t *fd_count, struct err *err);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Images and their variants. A row's status and generation say what is owed:
 *
 *     pending ──begin──► processing ──ready──► ready
 *        ▲                │ ▲ │  └─────failed─► failed
 *        └─────again──────┘ └─┘ show
 *
 * An update carries the generation that it was made for and changes nothing where the row has moved on (*is_current false).
 */
#ifndef PIXMILL_DB_DB_IMAGE_H
#define PIXMILL_DB_DB_IMAGE_H

#include "common/base/digest.h"
#include "common/base/err.h"
#include "common/image/image_format.h"
#include "common/job/job.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct db;

struct db_variant {
    const char *name; /* of the profile: "thumbnail" */
    const char *stored_name;
    enum image_format format;
    int width_px;
    int height_px;
    int64_t bytes;
};

struct db_image {
    int64_t id;
    int64_t product;          /* 0: none */
    const char *product_slug; /* NULL where there is none */
    const char *stored_name;
    const char *alt_text;
    const char *caption;
    bool is_primary;
    int64_t order;
    const char *uploaded_at; /* RFC 3339 UTC */
    const char *status;      /* pending, processing, ready, failed */
    enum err_code error;     /* ERR_NONE, or why it failed */
    enum image_format format;
    int width_px; /* after orientation; 0 while unknown */
    int height_px;
    int64_t bytes;
    const char *sha256;       /* hexadecimal */
    const char *blurhash;     /* NULL while unknown */
    const char *profile;      /* identity of the profile that made the variants; NULL while none did */
    bool to_refine;           /* made in a hurry */
    const char *processed_at; /* NULL while not */
    int attempts;
    int64_t generation;
    const struct db_variant *variants;
    size_t variant_count;
};

struct db_image_new {
    const char *product_slug; /* NULL: no product */
    int64_t key;              /* API key that uploads; 0: none */
    const char *stored_name;
    enum image_format format;
    int64_t bytes;
    unsigned char sha256[DIGEST_BYTES];
    const char *alt_text;
    const char *caption;
    bool is_primary;
    int64_t order;
};

/*
 * Inserts a pending image of generation 1 and fills *out. A new primary takes the mark from the old one in the
 * same transaction (one primary a product, also under concurrent calls); without a product there is no mark.
 * ERR_NOT_FOUND where the product does not exist, ERR_INVALID where a text is too long.
 */
void db_image_insert(struct db *db, struct arena *arena, const struct db_image_new *wanted,
                     struct db_image *out, done_fn done, void *owner);

/* Fills *out by id, with variants. slug not NULL: only where the image is of that product. ERR_NOT_FOUND. */
void db_image_get(struct db *db, struct arena *arena, int64_t id, const char *slug, struct db_image *out,
                  done_fn done, void *owner);

struct db_image_page {
    const char *slug; /* of the product */
    bool has_place;   /* false: from the start of the list */
    bool is_backward; /* the last `limit` rows before the place, instead of the first after it */
    int64_t order;    /* the place: of an image, which is not in the page; so are the next two */
    const char *uploaded_at;
    int64_t id;
    size_t limit;
};

/*
 * Fills a page of a product's images by order, uploaded_at, id, in that order also where it is asked for backward, with
 * variants; *out is an array in the arena.
 */
void db_image_list(struct db *db, struct arena *arena, const struct db_image_page *page,
                   struct db_image **out, size_t *count, done_fn done, void *owner);

/* What is shown of a product's images. */
struct db_gallery {
    int64_t product;             /* its id; the caller's */
    const struct db_image *list; /* the first by order, uploaded_at, id */
    size_t count;
    const struct db_image *primary; /* wherever it stands in the order; NULL where there is none */
};

/*
 * Fills `count` galleries with at most `limit` images each, with variants, by one question. Their products differ, and they
 * live until done; what they point at is in the arena. A product that there is not has no images.
 */
void db_image_list_galleries(struct db *db, struct arena *arena, struct db_gallery *galleries, size_t count,
                             size_t limit, done_fn done, void *owner);

/* What a worker needs to know before it starts. */
struct db_image_work {
    bool is_owed; /* false: the row is gone, has moved on, or is done; nothing else is filled */
    const char *stored_name;
    enum image_format format;
    int64_t bytes;
    int attempts;             /* with this one, over all generations */
    const char *profile_json; /* the profile that is wanted; NULL: the worker's own */
};

/*
 * Marks image+generation as processing where it is owed, counts one attempt, and fills *out. fence: of the lease; the row is that lease's
 * from now on, whatever it was before: db_image_again and db_image_failed of an older one change nothing.
 */
void db_image_begin(struct db *db, struct arena *arena, int64_t id, int64_t generation, uint64_t fence,
                    struct db_image_work *out, done_fn done, void *owner);

struct db_image_result {
    int64_t id;
    int64_t generation;
    int width_px; /* after orientation */
    int height_px;
    const char *profile;         /* name of the profile that made the variants */
    const char *blurhash;        /* NULL: none */
    const char *dominant_colour; /* "#rrggbb"; NULL: none */
    bool to_refine;              /* it was made in a hurry */
    const struct db_variant *variants;
    size_t variant_count;
    const char *const
        *unused; /* names under which earlier attempts may have stored files; they get tombstones */
    size_t unused_count;
};

/*
 * Shows the variants that are stored while the rest of the same generation is still made: the row has them, and its width and
 * height, and stays `processing`; what result has beside them is not looked at. What the row has under the same name, most likely of an older generation,
 * stays until the switch. May be repeated. *is_current false: nothing was changed.
 */
void db_image_show(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                   void *owner);

/*
 * Switches the row to ready with its variants in one transaction; the names of variants that this replaces get
 * tombstones. *is_current false: nothing was switched, and those of the new files that no row refers to got
 * tombstones. The caller removes no file itself: where another worker was first with the same generation, the
 * row refers to the same names.
 */
void db_image_ready(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                    void *owner);

enum { DB_IMAGE_READY_MAX = 32 };

/*
 * The same for up to DB_IMAGE_READY_MAX images, all different, in one transaction: is_current[i] is that of results[i]. On an
 * error none was switched.
 */
void db_image_ready_many(struct db *db, const struct db_image_result *const *results, size_t count,
                         bool *is_current, done_fn done, void *owner);

/* An image that is asked for again. */
struct db_image_wish {
    int64_t id;
    const char *profile;      /* identity of the profile that is wanted; NULL: whatever the worker has */
    const char *profile_json; /* its text, kept under that identity; NULL with profile */
    enum job_class class;     /* how urgent it is */
};

/*
 * Makes an image pending, of the next generation; what it has is shown until it is ready again, and its dead letters go. *out is the
 * row then. ERR_NOT_FOUND. ERR_INVALID where the profile's text is empty or longer than 65,536 bytes.
 */
void db_image_reprocess(struct db *db, struct arena *arena, const struct db_image_wish *wish,
                        struct db_image *out, done_fn done, void *owner);

/*
 * Of these stored names (at most 1,000), is_named[i] tells which a row or a tombstone refers to, or may yet: a variant whose image is
 * owed its generation is stored before the row is switched.
 */
void db_image_name_check(struct db *db, const char *const *names, size_t count, bool *is_named, done_fn done,
                         void *owner);

/*
 * Switches a ready row that is to be refined to the variants of result, which replace those of the same name, whose names get
 * tombstones; the other variants stay. The refinement is owed no more then, with no variant in result too. Blurhash, colour, profile
 * and to_refine of result are not looked at. *is_current false: as in db_image_ready.
 */
void db_image_refined(struct db *db, const struct db_image_result *result, bool *is_current, done_fn done,
                      void *owner);

struct db_image_failure {
    const struct job *job; /* the image's, with the counts of its failures */
    uint64_t fence;        /* of its lease */
    enum err_code code;
    const char *sentence; /* for the operator */
    bool is_buried;       /* a dead letter is written (db_dead.h) */
};

/*
 * Switches the row to failed, and writes the letter where one is wanted. Variants of this generation that were shown are shown no more,
 * and their names get tombstones. *is_current false: nothing was changed; the row has moved on, or a newer lease has begun on it.
 */
void db_image_failed(struct db *db, const struct db_image_failure *failure, bool *is_current, done_fn done,
                     void *owner);

/*
 * The refinement of a ready row is owed no more; what the row has stays, and a letter is written where one is wanted. *is_current as of
 * db_image_refined; the fence is not looked at, since a refinement is not begun.
 */
void db_image_unrefined(struct db *db, const struct db_image_failure *failure, bool *is_current, done_fn done,
                        void *owner);

/* Switches a processing row back to pending: the job waits for another attempt. *is_current as of db_image_failed. */
void db_image_again(struct db *db, int64_t id, int64_t generation, uint64_t fence, bool *is_current,
                    done_fn done, void *owner);

/* Fills *json with the text that is kept under a profile's identity; NULL where none is. */
void db_image_profile(struct db *db, struct arena *arena, const char *identity, const char **json,
                      done_fn done, void *owner);

struct db_image_owed {
    int64_t id;
    bool is_refinement; /* it is ready, and to be refined */
    int64_t generation;
    int64_t key;
    enum job_class class; /* how urgent it is; of a refinement, how urgent the image was */
    int64_t age_ms;       /* since the row was last changed */
};

/*
 * Fills up to `limit` images of id > after_id that are pending or processing, or ready and to be refined, and were last changed over idle_ms ago, by id: what
 * a reconciler compares with the queue.
 */
void db_image_list_owed(struct db *db, struct arena *arena, int64_t after_id, int64_t idle_ms, size_t limit,
                        struct db_image_owed **out, size_t *count, done_fn done, void *owner);

#endif

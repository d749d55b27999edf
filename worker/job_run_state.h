// SPDX-License-Identifier: Apache-2.0
/*
 * The insides of a job_run, for job_run.c (the steps), job_run_make.c (the way to ready variants), job_run_measure.c,
 * job_run_profile.c (the profile that is wanted), job_run_refine.c (refinements), job_run_settle.c (all other ways) and
 * job_run_tell.c (what the queue is told), job_run_late.c (a disk that does not answer). Nobody else includes it.
 *
 * Each state is a pair: do_<state> begins calls, and after_<state>, when all have answered, gives the next state.
 */
#ifndef PIXMILL_WORKER_JOB_RUN_STATE_H
#define PIXMILL_WORKER_JOB_RUN_STATE_H

#include "common/base/log.h"
#include "common/base/trace.h"
#include "common/db/db_image.h"
#include "common/image/image_head.h"
#include "common/job/job.h"
#include "common/storage/storage.h"
#include "worker/breaker.h"
#include "worker/codec_task.h"
#include "worker/committer.h"
#include "worker/job_output.h"
#include "worker/job_run.h"
#include "worker/lease_keeper.h"
#include "worker/metrics.h"

#include <stdint.h>
#include <uv.h>

struct arena;
struct parts;

enum run_state {
    RUN_BEGIN,
    RUN_REFINE,
    RUN_PROFILE,
    RUN_FETCH,
    RUN_MEASURE,
    RUN_CODEC,
    RUN_SWITCH,
    RUN_OWE,
    RUN_REPLACE,
    RUN_GIVE_UP,
    RUN_ASK,
    RUN_AGAIN,
    RUN_FAIL,
    RUN_LEFTOVERS,
    RUN_REMOVE,
    RUN_FINISH,
    RUN_RETRY,
    RUN_NOTE,
    RUN_GIVE_BACK,
    RUN_END,
    RUN_STATE_COUNT
};

/* The reading of a header. */
enum { RUN_PIECE_BYTES = 16384 };

struct run_measure {
    uv_fs_t request;
    char *piece; /* in the arena; NULL before the first */
    int64_t offset;
    struct image_head head;
};

struct job_run {
    struct list link;
    const struct parts *parts;           /* borrowed */
    const struct job_run_events *events; /* borrowed */
    void *owner;
    enum run_state state;
    enum run_state plan; /* what the queue is told after the row was: FINISH, RETRY, GIVE_BACK, END */
    int pending;         /* calls that have not answered, but for those of output */
    struct arena *arena; /* owned */
    struct lease_hold hold;
    struct job job;    /* with the counts of its failures */
    struct err answer; /* of the last call; ERR_NONE: well */
    struct err why;    /* the failure that decided; ERR_NONE while there is none */
    uint64_t delay_ms;
    int queue_tries;
    int lost_leases;   /* of the job, before this one */
    bool is_lost;      /* the lease is somebody else's */
    bool is_stopped;   /* given back at the next turn */
    bool is_cancelled; /* the codec was told */
    bool is_buried;    /* what fails it is told to operators, too */
    bool needs_codec;
    bool is_hurried; /* its variants are made at effort_busy */
    bool is_current; /* out-parameter: the row was changed */
    struct profile
        profile; /* the parts', or the one that is wanted; of a refinement, what of it is refined */
    const char *profile_json; /* out-parameter, of a refinement; NULL: nobody knows it */
    struct db_image_work work;
    struct db_image row;
    struct db_image_result made; /* what is committed, with what it points at */
    struct db_variant variants[PROFILE_MAX_VARIANTS];
    const char *others[PROFILE_MAX_VARIANTS];
    struct commit commit;
    struct commit_finish commit_finish;
    struct storage_file file; /* fd owned; -1 where none */
    struct run_measure measure;
    struct codec_task task;
    struct wire_done done;
    struct job_output output;
    bool has_output; /* job_output_init was called */
    bool was_shown;  /* what can be shown early, or it was tried */
    bool is_shown;   /* out-parameter of that */
    struct breaker_question question;
    struct deadline late; /* of a state that waits for the storage */
    bool is_late;         /* it was, and others have the job */
    uint64_t started_us;
    uint64_t state_us;          /* when the present state began */
    enum worker_result result;  /* where why is ERR_NONE */
    char trace[TRACE_ID_BYTES]; /* of its job, for the log; "" where it has none */
};

/* What names a run in the log. */
#define JOB_RUN_IDS(run)                                                                                     \
    log_text("job", (run)->hold.lease.id), log_int("image", (run)->job.image),                               \
        log_int("generation", (run)->job.generation), log_known("trace", (run)->trace)

/* A done_fn: keeps the answer of a call and steps. */
void job_run_on_answer(void *run, const struct err *err);

/* A done_fn: the row shows the small variants, or not; steps. */
void job_run_on_shown(void *run, const struct err *err);

/* The last call failed. */
bool job_run_has_failed(const struct job_run *run);

/* Goes on where nothing is pending. */
void job_run_step(struct job_run *run);

/* The present state waits for the storage from now on: for so long at most that the job is not kept from others. */
void job_run_expect_storage(struct job_run *run);

/* Tells the owner, once, that no codec is needed any more. */
void job_run_tell_codec_free(struct job_run *run);

/* Counts a job that begins, a state that has ended well or not, and the end of all. */
void job_run_count_start(struct job_run *run, const struct queue_taken *taken);
void job_run_count_state(const struct job_run *run);
void job_run_count_end(const struct job_run *run);

/*
 * Makes the variants by a profile that was asked for. Returns 0, or -1 with ERR_CONFIG where its text is none; the image's failure is
 * to be told to operators then.
 */
int job_run_adopt_profile(struct job_run *run, const char *json, struct err *err) MUST_CHECK;

/* Makes them by that profile; of a refinement, those that are refined. */
void job_run_set_profile(struct job_run *run, const struct profile *profile);

/* Sorts a failure that came before the row was switched, and gives the state that deals with it. */
enum run_state job_run_settle(struct job_run *run, const struct err *err);

/* In CODEC, after each stored variant: lets the row show what is there already, once. */
void job_run_show(struct job_run *run);

/* Counts lost leases as deaths, at most `begun`, and prepares the burial where these are too many. */
bool job_run_is_deadly(struct job_run *run, int begun);

/* The job is to refine what there is. */
bool job_run_is_refinement(const struct job_run *run);

/* A refined variant is smaller than what the row has. */
bool job_run_is_worth_it(const struct job_run *run, const struct wire_variant *variant);

/* The states' pairs; the picture is in job_run.c. */
void job_run_do_begin(struct job_run *run);
enum run_state job_run_after_begin(struct job_run *run);
void job_run_do_fetch(struct job_run *run);
enum run_state job_run_after_fetch(struct job_run *run);
void job_run_do_measure(struct job_run *run);
enum run_state job_run_after_measure(struct job_run *run);
void job_run_do_codec(struct job_run *run);
enum run_state job_run_after_codec(struct job_run *run);
void job_run_do_switch(struct job_run *run);
enum run_state job_run_after_switch(struct job_run *run);
void job_run_do_owe(struct job_run *run);
enum run_state job_run_after_owe(struct job_run *run);
void job_run_do_refine(struct job_run *run);
enum run_state job_run_after_refine(struct job_run *run);
void job_run_do_profile(struct job_run *run);
enum run_state job_run_after_profile(struct job_run *run);
void job_run_do_replace(struct job_run *run);
enum run_state job_run_after_replace(struct job_run *run);
void job_run_do_give_up(struct job_run *run);
enum run_state job_run_after_give_up(struct job_run *run);
void job_run_do_ask(struct job_run *run);
enum run_state job_run_after_ask(struct job_run *run);
void job_run_do_again(struct job_run *run);
enum run_state job_run_after_again(struct job_run *run);
void job_run_do_fail(struct job_run *run);
enum run_state job_run_after_fail(struct job_run *run);
void job_run_do_leftovers(struct job_run *run);
enum run_state job_run_after_leftovers(struct job_run *run);
enum run_state job_run_after_remove(struct job_run *run);
void job_run_do_finish(struct job_run *run);
void job_run_do_retry(struct job_run *run);
void job_run_do_note(struct job_run *run);
enum run_state job_run_after_note(struct job_run *run);
void job_run_do_give_back(struct job_run *run);
enum run_state job_run_after_queue_call(struct job_run *run);

#endif

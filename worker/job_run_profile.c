// SPDX-License-Identifier: Apache-2.0
/* By which profile a job's variants are made: the worker's own, or the one that was asked for. */
#include "worker/job_run_state.h"

#include "common/image/profile_read.h"

void job_run_set_profile(struct job_run *run, const struct profile *profile)
{
    if (job_run_is_refinement(run)) {
        profile_refine(profile, &run->profile);
    } else {
        run->profile = *profile;
    }
}

/*
 * The text was read once when it was asked for, so one that can't be read is of a release that knows more than this worker: a matter for
 * the operator, whose dead letters tell it, and who has them retried once all workers are of that release.
 */
int job_run_adopt_profile(struct job_run *run, const char *json, struct err *err)
{
    struct profile wanted;
    if (profile_read(json, strnlen(json, PROFILE_READ_MOST_BYTES + 1), &wanted, err) != 0) {
        run->is_buried = true;
        err_context(err, "the profile that is wanted");
        log_error("a profile that is wanted can not be read", JOB_RUN_IDS(run), log_err(err));
        return -1;
    }
    job_run_set_profile(run, &wanted);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "worker/job_output.h"

#include "common/base/clock.h"
#include "common/base/failpoint.h"
#include "common/base/metric.h"
#include "common/storage/storage.h"

#include <assert.h>
#include <unistd.h>

/* A refinement has names of its own only; a first pass may have been begun the other way. */
static void set_pass(const struct job_output *output, struct job_output_file *file,
                     const struct profile_variant *variant)
{
    if (!profile_variant_may_hurry(variant)) {
        return;
    }
    if (output->pass != IMAGE_NAME_REFINED) {
        memcpy(file->other_name, file->name, sizeof file->name);
        image_name_set_pass(file->other_name,
                            output->pass == IMAGE_NAME_PLAIN ? IMAGE_NAME_HURRIED : IMAGE_NAME_PLAIN);
    }
    image_name_set_pass(file->name, output->pass);
}

int job_output_init(struct job_output *output, struct storage *storage, const struct profile *profile,
                    const char *original, int64_t generation, struct err *err)
{
    output->storage = storage;
    output->profile = profile;
    for (size_t i = 0; i < profile->count; i++) {
        const struct profile_variant *wanted = &profile->variants[i];
        struct job_output_file *file = &output->files[i];
        file->output = output;
        file->fd = -1;
        if (image_name_variant(file->name, original, wanted->folder, generation, wanted->format, err) != 0) {
            return -1;
        }
        set_pass(output, file, wanted);
        output->variants[i] =
            (struct db_variant){.name = wanted->name, .stored_name = file->name, .format = wanted->format};
    }
    return 0;
}

static void answered(struct job_output_file *file, const struct err *err)
{
    struct job_output *output = file->output;
    if (file->fd >= 0) {
        close(file->fd);
        file->fd = -1;
    }
    if (err != NULL && output->err.code == ERR_NONE) {
        output->err = *err;
    }
    output->pending--;
    output->changed(output->owner);
}

static void on_stored(void *owner, const struct err *err)
{
    struct job_output_file *file = owner;
    file->is_stored = err == NULL;
    metric_observe_us(file->output->store_time, clock_monotonic_us() - file->began_us);
    failpoint("variant.renamed");
    answered(file, err);
}

static void on_removed(void *owner, const struct err *err)
{
    answered(owner, err);
}

void job_output_store(struct job_output *output, const struct wire_variant *variant, int fd)
{
    assert(variant->index < output->profile->count);
    struct job_output_file *file = &output->files[variant->index];
    struct db_variant *told = &output->variants[variant->index];
    assert(file->fd < 0);
    if (fd < 0) {
        file->is_left_out = true;
        return;
    }
    file->fd = fd;
    file->began_us = clock_monotonic_us();
    told->width_px = variant->width_px;
    told->height_px = variant->height_px;
    told->bytes = variant->bytes;
    output->pending++;
    storage_put(output->storage, file->name, fd, variant->bytes, on_stored, file);
}

size_t job_output_list(const struct job_output *output, size_t most,
                       struct db_variant out[PROFILE_MAX_VARIANTS])
{
    size_t count = 0;
    for (size_t i = 0; i < most; i++) {
        if (!output->files[i].is_left_out) {
            out[count++] = output->variants[i];
        }
    }
    return count;
}

size_t job_output_early_count(const struct job_output *output)
{
    const struct profile *profile = output->profile;
    for (size_t i = 0; i < profile->count; i++) {
        if (profile_variant_is_full_size(&profile->variants[i])) {
            return i;
        }
        if (!output->files[i].is_stored && !output->files[i].is_left_out) {
            return 0;
        }
    }
    return 0;
}

bool job_output_is_leftover(const struct db_image *row, int64_t generation)
{
    if (row == NULL || row->generation != generation) {
        return true;
    }
    /* who has the job now writes, or wrote, the same names */
    return strcmp(row->status, "pending") != 0 && strcmp(row->status, "processing") != 0;
}

static bool has_row_name(const struct db_image *row, const char *name)
{
    for (size_t i = 0; row != NULL && i < row->variant_count; i++) {
        if (strcmp(row->variants[i].stored_name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void remove_name(struct job_output *output, const struct db_image *row, struct job_output_file *file,
                        const char *name)
{
    if (name[0] != '\0' && !has_row_name(row, name)) {
        output->pending++;
        storage_remove(output->storage, name, on_removed, file);
    }
}

size_t job_output_list_others(const struct job_output *output, const char *out[PROFILE_MAX_VARIANTS])
{
    size_t count = 0;
    for (size_t i = 0; i < output->profile->count; i++) {
        if (output->files[i].other_name[0] != '\0') {
            out[count++] = output->files[i].other_name;
        }
    }
    return count;
}

void job_output_remove(struct job_output *output, const struct db_image *row)
{
    for (size_t i = 0; i < output->profile->count; i++) {
        struct job_output_file *file = &output->files[i];
        remove_name(output, row, file, file->name);
        remove_name(output, row, file, file->other_name);
    }
}

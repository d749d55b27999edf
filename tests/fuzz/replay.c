// SPDX-License-Identifier: Apache-2.0
/*
 * Feeds every file of the given folders to a fuzz target, where libFuzzer is not linked: so the corpora are replayed in every
 * test run, under the sanitizers. Fails where a folder has no file, since such a run would check nothing.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat info;
    if (file == NULL || fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
        if (file != NULL) {
            fclose(file);
        }
        return 0;
    }
    uint8_t *data = malloc((size_t)info.st_size + 1);
    size_t bytes = data == NULL ? 0 : fread(data, 1, (size_t)info.st_size, file);
    fclose(file);
    /* an exact copy, so that a read past the end is seen */
    uint8_t *exact = malloc(bytes > 0 ? bytes : 1);
    if (data != NULL && exact != NULL) {
        memcpy(exact, data, bytes);
        LLVMFuzzerTestOneInput(exact, bytes);
    }
    free(exact);
    free(data);
    return 1;
}

static int replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;
    for (struct dirent *entry = NULL; folder != NULL && (entry = readdir(folder)) != NULL;) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        count += replay_file(name);
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int count = replay_folder(argv[i]);
        printf("%s: %d inputs\n", argv[i], count);
        if (count == 0) {
            return 1;
        }
    }
    return argc > 1 ? 0 : 1;
}

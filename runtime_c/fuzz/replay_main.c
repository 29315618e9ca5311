/* Runs a fuzz target once on each file that is named, and on each file of each folder that is named: what a
 * fuzzer has found stays found, with any compiler. */
#define _FILE_OFFSET_BITS 64 /* a 32-bit readdir fails on large inode numbers without it */
#include "fuzz_target.h"

#if !defined(_WIN32)
#include <dirent.h>
#endif

static size_t replayed = 0;

static int replay_file(const char *path) {
    FILE *stream = fopen(path, "rb");
    long size;
    uint8_t *data;
    size_t got;
    if (stream == NULL || fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0) {
        fprintf(stderr, "cannot read %s\n", path);
        return EXIT_FAILURE;
    }
    rewind(stream);
    data = malloc((size_t)size + 1);
    got = data == NULL ? 0 : fread(data, 1, (size_t)size, stream);
    (void)fclose(stream);
    (void)LLVMFuzzerTestOneInput(data, got);
    free(data);
    ++replayed;
    return EXIT_SUCCESS;
}

static int replay(const char *path) {
#if !defined(_WIN32)
    DIR *folder = opendir(path);
    if (folder != NULL) {
        const struct dirent *entry;
        int status = EXIT_SUCCESS;
        while ((entry = readdir(folder)) != NULL) {
            char name[1024];
            const int length = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
            if (entry->d_name[0] != '.' && length > 0 && (size_t)length < sizeof name) {
                status |= replay_file(name);
            }
        }
        (void)closedir(folder);
        return status;
    }
#endif
    return replay_file(path);
}

int main(int count, char **paths) {
    int status = EXIT_SUCCESS;
    int i;
    for (i = 1; i < count; ++i) {
        status |= replay(paths[i]);
    }
    printf("%zu inputs replayed\n", replayed);
    return replayed == 0 ? EXIT_FAILURE : status;
}

/* Files that are well-formed and wrong: data/reject/expected.txt says with which status and message each one
 * is refused. data/build.py makes them. */
#include "check.h"

static void check_rejected(const char *name, int32_t expected, const char *message) {
    char path[300];
    smr_model *model;
    smr_error error;
    check_file file;
    smr_status status;
    (void)snprintf(path, sizeof path, "reject/%s.smr", name);
    file = check_read_data(path);
    memset(&error, 0, sizeof error);
    status = smr_model_load(file.data, file.size, NULL, &model, &error);
    if (!CHECK((int32_t)status == expected) || !CHECK(strstr(error.message, message) != NULL)) {
        fprintf(stderr, "    %s: %d \"%s\" instead of %d \"%s\"\n", name, (int)status, error.message,
                (int)expected, message);
    }
    if (status == SMR_OK) {
        smr_model_free(model);
    }
    free(file.block);
}

int main(void) {
    FILE *list = fopen(SMR_TEST_DATA "/reject/expected.txt", "r");
    char line[512], name[128], message[256];
    int status, count = 0;
    if (!CHECK(list != NULL)) {
        return check_result();
    }
    while (fgets(line, sizeof line, list) != NULL) {
        if (CHECK(sscanf(line, "%127s %d %255[^\n]", name, &status, message) == 3)) {
            check_rejected(name, status, message);
            ++count;
        }
    }
    (void)fclose(list);
    CHECK(count > 50);
    return check_result();
}

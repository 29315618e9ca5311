/* The parts of the core that need no model: names, sizes, messages, hashing, and the op table. */
#include <float.h>
#include <math.h>
#include <stdarg.h>

#include "check.h"
#include "core/float_range.h"
#include "core/op_table.h"
#include "core/sha256.h"
#include "core/status.h"
#include "core/tensor.h"
#include "core/text.h"
#include "kernels/registry.h"

static void test_names(void) {
    int32_t i, named = 0;
    for (i = 0; i < 500; ++i) {
        const char *name = smr_status_name((smr_status)i);
        named += strcmp(name, "SMR_ERROR_UNKNOWN") != 0;
        CHECK(strncmp(name, "SMR_", 4) == 0);
    }
    CHECK(named == 15);
    CHECK(strcmp(smr_status_name(SMR_ERROR_MODEL), "SMR_ERROR_MODEL") == 0);
    CHECK(strcmp(smr_status_name((smr_status)12345), "SMR_ERROR_UNKNOWN") == 0);
    CHECK(strcmp(smr_dtype_name(SMR_DTYPE_INT8), "int8") == 0);
    CHECK(strcmp(smr_dtype_name((smr_dtype)99), "none") == 0);
    CHECK(smr_dtype_size(SMR_DTYPE_INT64) == 8 && smr_dtype_size(SMR_DTYPE_FLOAT16) == 2);
    CHECK(smr_dtype_size(SMR_DTYPE_NONE) == 0 && smr_dtype_size((smr_dtype)99) == 0);
    for (i = SMR_DTYPE_FLOAT32; i <= SMR_DTYPE_BOOL; ++i) {
        CHECK(smr_dtype_size((smr_dtype)i) > 0 && strcmp(smr_dtype_name((smr_dtype)i), "none") != 0);
    }
    CHECK(smr_version() > 0 && strchr(smr_version_string(), '.') != NULL);
}

static smr_status fail_with(smr_error *error, const char *text) {
    SMR_FAIL(error, SMR_ERROR_MODEL, "\"%.64s\"", text);
}

static void test_messages(void) {
    char text[400];
    smr_error error;
    CHECK(fail_with(NULL, "x") == SMR_ERROR_MODEL);
    CHECK(fail_with(&error, "a\nb\xc3\xa9") == SMR_ERROR_MODEL && error.status == SMR_ERROR_MODEL);
    CHECK(strcmp(error.message, "\"a?b??\"") == 0);
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)fail_with(&error, text);
    CHECK(strlen(error.message) == 66);
    (void)smr_fail(&error, SMR_ERROR_MODEL, "%s", text);
    CHECK(strlen(error.message) == sizeof error.message - 1);
    smr_error_where(&error, "here: ");
    CHECK(strlen(error.message) == sizeof error.message - 1 && strncmp(error.message, "here: xxx", 9) == 0);
    (void)smr_fail(&error, SMR_ERROR_MODEL, "inner");
    smr_error_where(&error, "%d: ", 7);
    CHECK(strcmp(error.message, "7: inner") == 0);
    smr_error_where(&error, "%s", text);
    CHECK(strlen(error.message) == sizeof error.message - 1 && strncmp(error.message, "xxx", 3) == 0);
    smr_error_where(NULL, "here: ");
}

static void format_both_ways(const char *format, ...) SMR_PRINTF_LIKE(1, 2);

/* The message must be what the C library makes of the same arguments. */
static void format_both_ways(const char *format, ...) {
    char expected[128], found[128];
    va_list arguments;
    size_t size;
    va_start(arguments, format);
    (void)vsnprintf(expected, sizeof expected, format, arguments);
    va_end(arguments);
    va_start(arguments, format);
    size = smr_text_format(found, sizeof found, format, arguments);
    va_end(arguments);
    if (!CHECK(strcmp(expected, found) == 0) || !CHECK(size == strlen(expected))) {
        fprintf(stderr, "    \"%s\" instead of \"%s\"\n", found, expected);
    }
}

static void test_formatting(void) {
    const double reals[] = {0.0,        1.0,       -2.5,      0.1,        2.0625,  100000.0,
                            123456.0,   1234567.0, 999999.7,  0.0001,     0.00001, 1e-300,
                            1.7976e308, 5e-324,    3.0 / 7.0, -1.0 / 3.0, 65504.0, 1e6};
    size_t i;
    for (i = 0; i < sizeof reals / sizeof reals[0]; ++i) {
        format_both_ways("%g", reals[i]);
    }
    format_both_ways("%g %g", (double)INFINITY, (double)-INFINITY);
    format_both_ways("%d %i %u %x", -5, INT32_MIN, UINT32_MAX, 0xbeefu);
    format_both_ways("%lld %llu %ld %lu", (long long)INT64_MIN, (unsigned long long)UINT64_MAX, -7L, 7UL);
    format_both_ways("%zu|%02x|%5d|%05d|%3d", (size_t)SIZE_MAX, 7u, -42, -42, 12345);
    format_both_ways("%s|%.3s|%.0s|%c|100%%", "text", "text", "text", 'c');
    format_both_ways("%s", "");
}

static void check_sha256(const char *text, size_t repeat, const char *expected) {
    smr_sha256 hash;
    uint8_t digest[32];
    char hex[65];
    size_t i;
    smr_sha256_begin(&hash);
    for (i = 0; i < repeat; ++i) {
        smr_sha256_add(&hash, text, strlen(text));
    }
    smr_sha256_end(&hash, digest);
    for (i = 0; i < 32; ++i) {
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    CHECK(strcmp(hex, expected) == 0);
}

/* The examples of FIPS 180-2. */
static void test_sha256(void) {
    check_sha256("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    check_sha256("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    check_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    check_sha256("aaaaaaaaaa", 100000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void test_op_table(void) {
    size_t i;
    CHECK(smr_op_find(0) == NULL && smr_op_find(UINT16_MAX) == NULL);
    for (i = 0; i < SMR_OP_DEF_COUNT; ++i) {
        CHECK(smr_op_find(smr_op_defs[i].opcode) == &smr_op_defs[i]);
        CHECK(i == 0 || smr_op_defs[i - 1].opcode < smr_op_defs[i].opcode);
    }
}

static void test_registry(void) {
    const char *op, *kernel, *before = NULL;
    smr_error error;
    int32_t i;
    uint16_t opcode = 0;
    for (i = 0; i < smr_kernel_count(); ++i) {
        const smr_kernel_row *row = smr_kernel_at((size_t)i);
        CHECK_OK(smr_kernel(i, &op, &kernel, &error), error);
        CHECK(smr_kernel_exists(row->opcode) && row->prepare != NULL);
        CHECK(strcmp(op, smr_op_find(row->opcode)->name) == 0 && strcmp(kernel, row->name) == 0);
        /* A list is sorted, or its later rows are not found. */
        CHECK(before == NULL || strcmp(before, kernel) != 0 || opcode <= row->opcode);
        before = kernel;
        opcode = row->opcode;
    }
    CHECK(smr_kernel_at((size_t)smr_kernel_count()) == NULL);
    CHECK_FAILS(smr_kernel(-1, &op, &kernel, &error), SMR_ERROR_NOT_FOUND, "kernel -1", error);
    CHECK_FAILS(smr_kernel(0, NULL, &kernel, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK(!smr_kernel_exists(0));
}

/* Marks the bytes of an extent in a map of bytes; whether none of them was marked. */
static bool mark_extent(smr_extent extent, uint8_t *map) {
    bool free = true;
    size_t at;
    for (at = extent.begin; at < extent.end; ++at) {
        if (extent.row == 0 || (at - extent.begin) % extent.row < extent.width) {
            free = free && map[at] == 0;
            map[at] = 1;
        }
    }
    return free;
}

/* All small extents: together, and in rows. Rows that are not equally far apart need not be told from others.
 */
static void test_extents(void) {
    smr_extent all[400];
    size_t count = 0, begin, width, row, rows, i, k, other = 0, apart = 0;
    for (begin = 0; begin < 7; ++begin) {
        for (width = 1; width < 5; ++width) {
            for (row = width; row < 6; ++row) {
                for (rows = 1; rows < 5; ++rows) {
                    const smr_extent extent = {begin, begin + (rows - 1) * row + width, width, row};
                    all[count] = extent;
                    count += count + 1 < sizeof all / sizeof *all;
                }
            }
        }
        for (width = 0; width < 9; width += 3) {
            const smr_extent extent = {begin, begin + width, width, 0};
            all[count] = extent;
            count += count + 1 < sizeof all / sizeof *all;
        }
    }
    CHECK(count > 300);
    for (i = 0; i < count; ++i) {
        for (k = 0; k < count; ++k) {
            const bool like = all[i].row == all[k].row || all[i].row == 0 || all[k].row == 0;
            const bool found = smr_extent_overlap(all[i], all[k]);
            uint8_t map[64] = {0};
            bool overlap;
            (void)mark_extent(all[i], map);
            overlap = !mark_extent(all[k], map);
            other += like ? found != overlap : overlap && !found;
            apart += !found;
        }
    }
    CHECK(other == 0 && apart > count);
}

/* One float among ones, at each place of vectors of each length: what bits say is what comparing says. */
static void test_float_range(void) {
    static const float odd[] = {0.0f,     -0.0f,    FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MIN,
                                -1.0f,    1.0f,     0.999999940f, 1.00001f,      FLT_MAX,
                                -FLT_MAX, INFINITY, -INFINITY,    NAN,           -NAN};
    float values[70];
    size_t count, at, i, k;
    for (count = 0; count < sizeof values / sizeof values[0]; ++count) {
        for (at = 0; at < count; ++at) {
            for (i = 0; i < sizeof odd / sizeof odd[0]; ++i) {
                const float value = odd[i];
                const bool positive = signbit(value) == 0;
                for (k = 0; k < count; ++k) {
                    values[k] = k == at ? value : 0.5f;
                }
                CHECK(smr_floats_within(values, count, SMR_FLOAT_ZERO, SMR_FLOAT_INFINITY) ==
                      (positive && value <= FLT_MAX));
                CHECK(smr_floats_within(values, count, SMR_FLOAT_LEAST, SMR_FLOAT_INFINITY) ==
                      (value > 0.0f && value <= FLT_MAX));
                CHECK(smr_floats_within(values, count, SMR_FLOAT_ZERO, SMR_FLOAT_ONE) ==
                      (positive && value < 1.0f));
            }
        }
        CHECK(count == 0 || !smr_floats_within(values, count, SMR_FLOAT_ONE, SMR_FLOAT_INFINITY));
    }
}

int main(void) {
    test_float_range();
    test_names();
    test_messages();
    test_formatting();
    test_sha256();
    test_op_table();
    test_registry();
    test_extents();
    return check_result();
}

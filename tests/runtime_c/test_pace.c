/* Whether runs use their threads: by times that are made up, and in a context whose threads are slow for a
 * while. */
#include "check.h"
#include "core/context.h"
#include "core/pace.h"
#include "platform/platform.h"

/* So many runs that take `shared` nanoseconds with threads and `alone` without, and up to a twentieth more,
 * one in `interrupted` ten times as long. Returns how many of them went alone. */
static int run_times(smr_pace *pace, uint32_t shared, uint32_t alone, int runs, int interrupted) {
    static uint32_t random = 1;
    int i, count = 0;
    for (i = 0; i < runs; ++i) {
        const uint32_t time = pace->alone ? alone : shared;
        random = random * 1664525u + 1013904223u;
        count += pace->alone;
        smr_pace_note(pace, (uint64_t)(time + time / 20 * (random >> 16) / 65536) *
                                (interrupted > 0 && (random >> 8) % (uint32_t)interrupted == 0 ? 10 : 1));
    }
    return count;
}

static void test_threads_that_help(void) {
    smr_pace pace = {{0, 0}, 0, 0, 0, 0, 0, 0, false, false};
    CHECK(run_times(&pace, 60000, 100000, 8, 0) == 0);
    CHECK(run_times(&pace, 60000, 100000, 10000, 0) < 60);
    CHECK(run_times(&pace, 90000, 100000, 10000, 0) < 400);
    CHECK(run_times(&pace, 60000, 100000, 10000, 9) < 400);
}

static void test_threads_that_hinder(void) {
    smr_pace pace = {{0, 0}, 0, 0, 0, 0, 0, 0, false, false};
    CHECK(run_times(&pace, 120000, 100000, 20, 0) >= 8);
    CHECK(run_times(&pace, 120000, 100000, 10000, 0) > 9600);
    CHECK(run_times(&pace, 105000, 100000, 10000, 0) > 9000);
    CHECK(run_times(&pace, 120000, 100000, 10000, 9) > 9000);
}

static void test_threads_that_change(void) {
    smr_pace pace = {{0, 0}, 0, 0, 0, 0, 0, 0, false, false};
    int turn;
    (void)run_times(&pace, 60000, 100000, 500, 0);
    for (turn = 0; turn < 5; ++turn) {
        (void)run_times(&pace, 150000, 100000, 1500, 0);
        CHECK(run_times(&pace, 150000, 100000, 1000, 0) > 950);
        (void)run_times(&pace, 60000, 100000, 1500, 0);
        CHECK(run_times(&pace, 60000, 100000, 1000, 0) < 50);
    }
    /* What one thread takes has become less too. */
    (void)run_times(&pace, 55000, 50000, 2000, 0);
    CHECK(run_times(&pace, 55000, 50000, 1000, 0) > 900);
}

/* Others take the processors for the time of a trial, and may be back soon after it: threads that help are
 * not without work for long. */
static void test_a_moment(void) {
    smr_pace pace = {{0, 0}, 0, 0, 0, 0, 0, 0, false, false};
    int moment, alone = 0, lost = 0;
    (void)run_times(&pace, 3500000, 6500000, 500, 0);
    for (moment = 0; moment < 20; ++moment) {
        alone += run_times(&pace, 3500000, 6500000, 300, 0);
        lost += run_times(&pace, 9000000, 6500000, 8, 0);
        while (pace.alone && alone < 1000) {
            ++alone;
            smr_pace_note(&pace, 6500000);
        }
    }
    CHECK(alone < 20 * (4 + 2 * 16 + 8) && lost <= 20 * 8);
}

/* A thread that has slept while runs went alone takes a while to wake up: the first runs of a trial are slow.
 */
static void test_threads_that_sleep(void) {
    smr_pace pace = {{0, 0}, 0, 0, 0, 0, 0, 0, false, false};
    int slow = 0, alone = 0, i;
    (void)run_times(&pace, 90000, 70000, 200, 0);
    CHECK(pace.alone);
    for (i = 0; i < 3000; ++i) {
        slow = pace.alone ? 5 : slow > 0 ? slow - 1 : 0;
        alone += pace.alone;
        smr_pace_note(&pace, pace.alone || slow > 0 ? 70000 : 45000);
    }
    CHECK(!pace.alone && alone < 1200);
}

/* Trials would cost more than they may give. */
static void test_long_runs(void) {
    smr_pace pace = {{0, 0}, 0, 0, 0, 0, 0, 0, false, false};
    CHECK(run_times(&pace, 20000000, 15000000, 10000, 0) == 0);
    CHECK(run_times(&pace, 4000000, 15000000, 10000, 0) < 60);
}

typedef struct slow_threads {
    int calls;
    bool slow;
} slow_threads;

static void run_slowly(void *user, smr_task task, void *argument, int32_t count) {
    slow_threads *threads = user;
    const uint64_t begin = smr_platform_clock();
    int32_t part;
    ++threads->calls;
    for (part = 0; part < count; ++part) {
        task(argument, part);
    }
    while (threads->slow && begin != 0 && smr_platform_clock() - begin < 500000) {
    }
}

static int calls_of(smr_context *context, slow_threads *threads, int runs) {
    smr_error error;
    int i;
    threads->calls = 0;
    for (i = 0; i < runs; ++i) {
        CHECK_OK(smr_run(context, 0, &error), error);
    }
    return threads->calls;
}

static void test_context(void) {
    slow_threads threads = {0, false};
    smr_context_config config;
    smr_context *context;
    smr_model *model;
    smr_error error;
    int calls;
    CHECK_OK(smr_model_open(SMR_TEST_GOLDEN "/ops_conv.smr", NULL, &model, &error), error);
    smr_context_config_init(&config);
    config.parallel_for = run_slowly;
    config.parallel_for_user = &threads;
    config.threads = 2;
    config.least_parallel_ns = 1;
    CHECK_OK(smr_context_create(model, &config, NULL, 0, &context, &error), error);
    calls = calls_of(context, &threads, 1);
    CHECK(calls > 0 && calls_of(context, &threads, 1000) == 1000 * calls); /* a limit that is given holds */
    if (smr_platform_clock() != 0) {
        context->paced = true;
        threads.slow = true;
        (void)calls_of(context, &threads, 20);
        CHECK(calls_of(context, &threads, 200) < 40 * calls);
    }
    CHECK_OK(smr_self_test(context, 1e-3f, &error), error);
    smr_context_free(context);
    smr_model_free(model);
}

int main(void) {
    test_threads_that_help();
    test_threads_that_hinder();
    test_threads_that_change();
    test_a_moment();
    test_threads_that_sleep();
    test_long_runs();
    test_context();
    return check_result();
}

/* Pools, the work that they share out, and contexts that have them. Files that are named on the command line
 * are run too, so that a sanitizer sees what all kernels do on several threads. */
#include "check.h"
#include "core/parallel.h"
#include "core/phases.h"
#include "core/thread_pool.h"
#include "platform/platform.h"
#include "platform/thread.h"

#define MOST_CALLERS 4
#define MOST_FILES   256

static smr_pool *make_pool(int32_t threads) {
    smr_pool *pool = NULL;
    smr_error error;
    CHECK_OK(smr_pool_create(threads, NULL, NULL, 0, &pool, &error), error);
    if (pool == NULL) {
        exit(EXIT_FAILURE);
    }
    return pool;
}

typedef struct caller {
    void (*function)(struct caller *caller);
    smr_pool *pool;
    uint32_t number;
    int failures; /* only the caller's own thread counts these */
} caller;

static void run_caller(void *argument) {
    caller *c = argument;
    c->function(c);
}

/* Several threads call the function at the same time, or one after the other in a build without threads. */
static void call_together(void (*function)(caller *), smr_pool *pool, uint32_t count) {
    caller callers[MOST_CALLERS];
    uint32_t i;
#if defined(SMR_PLATFORM_THREADS)
    smr_thread_start starts[MOST_CALLERS];
    smr_thread threads[MOST_CALLERS];
#endif
    for (i = 0; i < count; ++i) {
        callers[i].function = function;
        callers[i].pool = pool;
        callers[i].number = i;
        callers[i].failures = 0;
#if defined(SMR_PLATFORM_THREADS)
        starts[i].main = run_caller;
        starts[i].argument = &callers[i];
        if (!CHECK(smr_thread_create(&threads[i], &starts[i]))) {
            exit(EXIT_FAILURE);
        }
#else
        run_caller(&callers[i]);
#endif
    }
    for (i = 0; i < count; ++i) {
#if defined(SMR_PLATFORM_THREADS)
        smr_thread_join(threads[i]);
#endif
        CHECK(callers[i].failures == 0);
    }
}

/* ---- Pools */

static void test_pool_memory(void) {
    smr_pool *pool;
    smr_error error;
    size_t bytes, alignment;
    uint8_t *block;
    uint8_t *memory;
    CHECK_FAILS(smr_pool_memory(0, &bytes, &alignment, &error), SMR_ERROR_ARGUMENT, "0 threads", error);
    CHECK_FAILS(smr_pool_memory(33, &bytes, &alignment, &error), SMR_ERROR_ARGUMENT, "33 threads", error);
    CHECK_FAILS(smr_pool_memory(1, NULL, &alignment, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_OK(smr_pool_memory(3, &bytes, &alignment, &error), error);
    block = malloc(bytes + 2 * alignment);
    if (block == NULL) {
        exit(EXIT_FAILURE);
    }
    memory = block + (alignment - (uintptr_t)block % alignment) % alignment;
    memset(memory, 0xaa, bytes + alignment);
    CHECK_FAILS(smr_pool_create(3, NULL, memory, bytes - 1, &pool, &error), SMR_ERROR_MEMORY, "instead of",
                error);
    CHECK_FAILS(smr_pool_create(3, NULL, memory + 1, bytes, &pool, &error), SMR_ERROR_ARGUMENT, "aligned",
                error);
    CHECK_FAILS(smr_pool_create(-1, NULL, memory, bytes, &pool, &error), SMR_ERROR_ARGUMENT, "-1 threads",
                error);
    CHECK(pool == NULL);
    CHECK_FAILS(smr_pool_create(1, NULL, NULL, 0, NULL, &error), SMR_ERROR_ARGUMENT, "null", error);
    CHECK_OK(smr_pool_create(3, NULL, memory, bytes, &pool, &error), error);
    CHECK((uint8_t *)pool == memory);
    smr_pool_free(pool);
    smr_pool_free(NULL);
    CHECK(memory[bytes] == 0xaa && memory[bytes + alignment - 1] == 0xaa);
    CHECK(smr_pool_threads(NULL) == 1);
    free(block);
}

static void *refuse(void *user, size_t bytes, size_t alignment) {
    size_t *asked = user;
    *asked = bytes + alignment;
    return NULL;
}

static void release(void *user, void *memory) {
    (void)user;
    (void)memory;
}

static void test_pool_allocator(void) {
    size_t asked = 0, bytes, alignment;
    const smr_allocator allocator = {&asked, refuse, release};
    smr_pool *pool;
    smr_error error;
    CHECK_OK(smr_pool_memory(2, &bytes, &alignment, &error), error);
    CHECK_FAILS(smr_pool_create(2, &allocator, NULL, 0, &pool, &error), SMR_ERROR_MEMORY, "no memory", error);
    CHECK(asked == bytes + alignment && pool == NULL);
}

typedef struct counted {
    uint32_t times[SMR_MAX_THREADS]; /* each part has its own: no two threads may have the same part */
} counted;

static void count_part(void *argument, int32_t part) {
    ++((counted *)argument)->times[part];
}

static void count_much(caller *c) {
    uint32_t repeat, part;
    for (repeat = 0; repeat < 300; ++repeat) {
        const uint32_t parts = 1 + (repeat * 7 + c->number) % SMR_MAX_THREADS;
        counted counts;
        memset(&counts, 0, sizeof counts);
        smr_pool_run(c->pool, count_part, &counts, (int32_t)parts);
        for (part = 0; part < SMR_MAX_THREADS; ++part) {
            c->failures += counts.times[part] != (part < parts ? 1 : 0);
        }
    }
}

/* Threads go to sleep between two runs, and are woken. */
static void count_after_a_while(caller *c) {
    int repeat;
    for (repeat = 0; repeat < 20; ++repeat) {
        const uint64_t begin = smr_platform_clock();
        counted counts;
        while (smr_platform_clock() - begin < 200000) {
        }
        memset(&counts, 0, sizeof counts);
        smr_pool_wake(c->pool, 2);
        smr_pool_run(c->pool, count_part, &counts, 5);
        c->failures += counts.times[0] != 1 || counts.times[4] != 1 || counts.times[5] != 0;
    }
}

static void test_parts(void) {
    static const int32_t sizes[] = {1, 2, 3, 7};
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        smr_pool *pool = make_pool(sizes[i]);
#if defined(SMR_PLATFORM_THREADS)
        CHECK(smr_pool_threads(pool) == sizes[i]);
#else
        CHECK(smr_pool_threads(pool) == 1);
#endif
        call_together(count_much, pool, 1);
        call_together(count_much, pool, MOST_CALLERS);
        call_together(count_after_a_while, pool, 2);
        smr_pool_free(pool);
    }
    for (i = 0; i < 50; ++i) {
        smr_pool_free(make_pool(3)); /* threads that have hardly begun */
    }
}

/* ---- Threads that really help */

#define PATIENCE 60000000000u /* nanoseconds, after which nobody waits any more */

typedef struct meeting {
#if defined(SMR_PLATFORM_THREADS)
    smr_atomic present;
#endif
    uint32_t expected;
    uint64_t since;
    uint8_t alone[SMR_MAX_THREADS]; /* each part has its own */
} meeting;

static void call_meeting(meeting *m, uint32_t expected) {
    memset(m, 0, sizeof *m);
    m->expected = expected;
    m->since = smr_platform_clock();
}

/* Returns when so many parts as are expected have begun, so that each is on a thread of its own; false when
 * they never do. */
static bool meet(meeting *m) {
#if defined(SMR_PLATFORM_THREADS)
    (void)smr_atomic_add(&m->present, 1);
    while (smr_atomic_load(&m->present) < m->expected) {
        if (smr_platform_clock() - m->since > PATIENCE) {
            return false;
        }
        smr_thread_pause();
    }
#else
    (void)m;
#endif
    return true;
}

static void meet_in_part(void *argument, int32_t part) {
    meeting *m = argument;
    m->alone[part] = !meet(m);
}

static void meet_often(caller *c) {
    const uint32_t parts = c->number;
    uint32_t repeat, part;
    for (repeat = 0; repeat < 10 && c->failures == 0; ++repeat) {
        meeting m;
        call_meeting(&m, parts);
        smr_pool_run(c->pool, meet_in_part, &m, (int32_t)parts);
        for (part = 0; part < parts; ++part) {
            c->failures += m.alone[part];
        }
    }
}

static void meet_in_pairs(caller *c) {
    caller pair = *c;
    pair.number = 2;
    meet_often(&pair);
    c->failures = pair.failures;
}

/* All threads of a pool take part in a run, however many processors there are, and all runs get help that
 * come at the same time. */
static void test_all_help(void) {
    static const int32_t sizes[] = {2, 4, 7};
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        caller c = {meet_often, make_pool(sizes[i]), (uint32_t)sizes[i], 0};
        run_caller(&c);
        CHECK(c.failures == 0);
        call_together(meet_in_pairs, c.pool, (uint32_t)sizes[i] / 2);
        smr_pool_free(c.pool);
    }
}

typedef struct errand {
    smr_task task;
    void *argument;
    int32_t part;
} errand;

static void run_errand(void *argument) {
    const errand *e = argument;
    e->task(e->argument, e->part);
}

/* The parallel-for of a caller who has threads of his own. */
static void run_in_threads(void *user, smr_task task, void *argument, int32_t parts) {
    errand errands[SMR_MAX_THREADS];
    int32_t i;
#if defined(SMR_PLATFORM_THREADS)
    smr_thread_start starts[SMR_MAX_THREADS];
    smr_thread threads[SMR_MAX_THREADS];
#endif
    (void)user;
    for (i = 0; i < parts; ++i) {
        errands[i].task = task;
        errands[i].argument = argument;
        errands[i].part = i;
#if defined(SMR_PLATFORM_THREADS)
        starts[i].main = run_errand;
        starts[i].argument = &errands[i];
        if (i > 0 && !CHECK(smr_thread_create(&threads[i], &starts[i]))) {
            exit(EXIT_FAILURE);
        }
    }
    run_errand(&errands[0]);
    for (i = 1; i < parts; ++i) {
        smr_thread_join(threads[i]);
#else
        run_errand(&errands[i]);
#endif
    }
}

/* ---- Errors */

/* Items 30 and up cannot be computed, and of a range the first such item is told. */
static smr_status run_failing(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const size_t first = begin < 30 ? 30 : begin;
    (void)node;
    if (first < end) {
        SMR_FAIL(error, SMR_ERROR_DATA, "item %zu", first);
    }
    return SMR_OK;
}

static smr_status run_well(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    (void)node;
    (void)error;
    return begin < end ? SMR_OK : SMR_ERROR_DATA;
}

static void run_backwards(void *user, smr_task task, void *argument, int32_t parts) {
    ++*(int *)user;
    while (parts-- > 0) {
        task(argument, parts);
    }
}

static void check_errors(smr_context *context) {
    smr_node node;
    smr_error error;
    memset(&node, 0, sizeof node);
    node.work = 100;
    for (node.parts = 1; node.parts <= SMR_MAX_THREADS; ++node.parts) {
        node.run = run_failing;
        CHECK_FAILS(smr_parallel_run(context, &node, &error), SMR_ERROR_DATA, "item 30", error);
        CHECK(smr_parallel_run(context, &node, NULL) == SMR_ERROR_DATA);
        node.run = run_well; /* nothing is left of the errors before */
        CHECK_OK(smr_parallel_run(context, &node, &error), error);
    }
}

static void test_first_error(void) {
    smr_error errors[SMR_MAX_THREADS];
    smr_context context;
    int calls = 0, repeat;
    memset(&context, 0, sizeof context);
    memset(errors, 0, sizeof errors);
    context.part_errors = errors;
    context.parallel_for = run_backwards;
    context.parallel_for_user = &calls;
    check_errors(&context);
    CHECK(calls == 3 * (SMR_MAX_THREADS - 1));
    context.parallel_for = smr_pool_run;
    context.parallel_for_user = make_pool(4);
    for (repeat = 0; repeat < 20; ++repeat) {
        check_errors(&context);
    }
    smr_pool_free(context.parallel_for_user);
}

typedef struct floats_found {
    meeting meeting;
    uint8_t item[32];
} floats_found;

/* Whether a subnormal number is as good as 0 here, and whether long double has all of its bits, for each
 * item.
 */
static smr_status run_floats(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const volatile float subnormal = 1e-41f;
    const volatile long double one = 1.0L, three = 3.0L;
    floats_found *found = node->scratch;
    (void)error;
    if (!meet(&found->meeting)) {
        return SMR_ERROR_THREAD;
    }
    for (; begin < end; ++begin) {
        found->item[begin] =
            (uint8_t)((subnormal * 1e10f == 0.0f ? 1 : 0) | (one / three == 1.0L / 3.0L ? 2 : 0));
    }
    return SMR_OK;
}

static int check_floats(const smr_context *context, smr_node *node, const floats_found *expected) {
    floats_found found;
    smr_error error;
    memset(&found, 4, sizeof found);
    call_meeting(&found.meeting, node->parts);
    node->scratch = &found;
    CHECK_OK(smr_parallel_run(context, node, &error), error);
    return CHECK(memcmp(found.item, expected->item, sizeof found.item) == 0);
}

/* Threads of a pool, and those of a caller, compute as that of a run does. */
static void test_floats(void) {
    smr_error errors[SMR_MAX_THREADS];
    smr_context context;
    smr_error error;
    smr_node node;
    floats_found alone;
    int repeat;
    const uint64_t floats = smr_platform_set_floats();
    memset(&context, 0, sizeof context);
    memset(errors, 0, sizeof errors);
    memset(&node, 0, sizeof node);
    call_meeting(&alone.meeting, 1);
    node.work = sizeof alone.item;
    node.scratch = &alone;
    CHECK_OK(run_floats(&node, 0, node.work, &error), error);
    smr_platform_restore_floats(floats);
    context.part_errors = errors;
    node.run = run_floats;
    node.parts = 4;
    context.parallel_for = run_in_threads;
    (void)check_floats(&context, &node, &alone);
    context.parallel_for = smr_pool_run;
    context.parallel_for_user = make_pool(4);
    for (repeat = 0; repeat < 20 && check_floats(&context, &node, &alone); ++repeat) {
    }
    smr_pool_free(context.parallel_for_user);
}

/* All items, each once, whatever the parts are. */
static smr_status run_count(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    uint8_t *times = node->scratch;
    (void)error;
    for (; begin < end; ++begin) {
        ++times[begin];
    }
    return SMR_OK;
}

static void test_ranges(void) {
    static const size_t works[] = {2, 3, 31, 32, 33, 1000, 4096, 70001};
    static uint8_t times[70001];
    smr_error errors[SMR_MAX_THREADS];
    smr_error error;
    smr_context context;
    smr_node node;
    int calls = 0;
    size_t i, k;
    memset(&context, 0, sizeof context);
    memset(errors, 0, sizeof errors);
    memset(&node, 0, sizeof node);
    context.part_errors = errors;
    context.parallel_for = run_backwards;
    context.parallel_for_user = &calls;
    node.run = run_count;
    node.scratch = times;
    for (i = 0; i < sizeof works / sizeof works[0]; ++i) {
        node.work = works[i];
        for (node.parts = 1; node.parts <= SMR_MAX_THREADS && node.parts <= node.work; ++node.parts) {
            size_t wrong = 0;
            memset(times, 0, sizeof times);
            CHECK_OK(smr_parallel_run(&context, &node, &error), error);
            for (k = 0; k < sizeof times; ++k) {
                wrong += times[k] != (k < node.work ? 1 : 0);
            }
            CHECK(wrong == 0);
        }
    }
}

#if defined(SMR_PLATFORM_THREADS)

/* ---- Phases */

#define PHASES 50
#define ITEMS  40

/* What the items of the last two phases have made. */
typedef struct phased {
    uint32_t made[2][ITEMS];
    int32_t slow; /* which items take long; 0 for none */
} phased;

/* An item is made of all items of the phase before. */
static smr_status run_mixing(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    phased *p = node->scratch;
    (void)error;
    for (; begin < end; ++begin) {
        const size_t phase = begin / ITEMS, item = begin % ITEMS;
        const uint32_t *before = p->made[(phase + 1) % 2];
        uint32_t sum = (uint32_t)begin;
        size_t i;
        if (p->slow != 0 && (item + 7 * phase) % 97 == (size_t)p->slow) {
            smr_thread_rest();
        }
        for (i = 0; i < ITEMS; ++i) {
            sum = sum * 31 + before[i];
        }
        p->made[phase % 2][item] = sum;
    }
    return SMR_OK;
}

static void mix(const smr_context *context, uint8_t parts, phased *made) {
    smr_node node;
    smr_error error;
    memset(&node, 0, sizeof node);
    node.run = run_mixing;
    node.scratch = made;
    node.parts = parts;
    node.phased = node.whole = true;
    node.phases = PHASES;
    node.work = (size_t)PHASES * ITEMS;
    CHECK_OK(smr_parallel_run(context, &node, &error), error);
}

/* Whether so many parts make what one does. */
static bool mixes(const smr_context *context, uint8_t parts, int32_t slow) {
    phased one, made;
    memset(&one, 0, sizeof one);
    memset(&made, 0, sizeof made);
    made.slow = slow;
    mix(context, 1, &one);
    mix(context, parts, &made);
    return memcmp(one.made, made.made, sizeof one.made) == 0;
}

static smr_context phased_context(smr_parallel_for parallel_for, void *user, smr_phase_part *parts) {
    smr_context context;
    memset(&context, 0, sizeof context);
    context.parallel_for = parallel_for;
    context.parallel_for_user = user;
    context.phase_parts = parts;
    return context;
}

static void mix_often(caller *c) {
    smr_phase_part parts[SMR_MAX_THREADS];
    const smr_context context = phased_context(smr_pool_run, c->pool, parts);
    uint8_t count;
    for (count = 2; count <= 8; ++count) {
        c->failures += !mixes(&context, count, 0);
        c->failures += !mixes(&context, count, 1 + (int32_t)c->number + count);
    }
}

/* A phase sees all of the one before: on the threads of a pool, which may have too few or serve others too,
 * on those of a caller, and where one call after the other finds the rest of the work done. */
static void test_phases(void) {
    static const int32_t sizes[] = {2, 3, 8};
    smr_phase_part parts[SMR_MAX_THREADS];
    uint8_t count;
    int calls = 0;
    size_t i;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        smr_pool *pool = make_pool(sizes[i]);
        call_together(mix_often, pool, 1);
        call_together(mix_often, pool, MOST_CALLERS);
        smr_pool_free(pool);
    }
    for (count = 2; count <= SMR_MAX_THREADS; count = (uint8_t)(count + 5)) {
        const smr_context backwards = phased_context(run_backwards, &calls, parts);
        const smr_context threads = phased_context(run_in_threads, NULL, parts);
        CHECK(mixes(&backwards, count, 0));
        CHECK(mixes(&threads, count, 0));
        CHECK(mixes(&threads, count, 3));
    }
    CHECK(calls == 7);
}

#endif

/* ---- Contexts */

static const char *const files[] = {"add_relu.smr", "views.smr", "strided.smr", "pieces.smr",
                                    "dynamic.smr",  "state.smr", "control.smr"};

#define FILE_COUNT (sizeof files / sizeof files[0])

static smr_model *models[MOST_FILES];
static int model_count;
static int repeats = 10;

static void test_config(void) {
    smr_pool *pool = make_pool(3);
    smr_context_config config;
    smr_context *context;
    smr_error error;
    size_t bytes, more, alignment;
    int calls = 0;
    smr_context_config_init(&config);
    CHECK_OK(smr_context_memory(models[0], &config, &bytes, &alignment, &error), error);
    config.threads = 2;
    CHECK_FAILS(smr_context_create(models[0], &config, NULL, 0, &context, &error), SMR_ERROR_ARGUMENT,
                "neither a pool", error);
    config.threads = 33;
    CHECK_FAILS(smr_context_memory(models[0], &config, &more, &alignment, &error), SMR_ERROR_ARGUMENT,
                "33 threads", error);
    config.threads = 0;
    config.parallel_for = run_backwards;
    config.parallel_for_user = &calls;
    CHECK_FAILS(smr_context_create(models[0], &config, NULL, 0, &context, &error), SMR_ERROR_ARGUMENT,
                "no number of threads", error);
    config.pool = pool;
    config.threads = 2;
    CHECK_FAILS(smr_context_create(models[0], &config, NULL, 0, &context, &error), SMR_ERROR_ARGUMENT,
                "and a pool", error);
    config.pool = NULL;
    CHECK_OK(smr_context_memory(models[0], &config, &more, &alignment, &error), error);
    CHECK(more > bytes);
    /* Small ops stay where they are, unless one asks for the contrary. */
    CHECK_OK(smr_context_create(models[0], &config, NULL, 0, &context, &error), error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK(calls == 0);
    smr_context_free(context);
    config.least_parallel_ns = 1;
    CHECK_OK(smr_context_create(models[0], &config, NULL, 0, &context, &error), error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK(calls > 0);
    smr_context_free(context);
    /* The config of a program that was compiled before there were threads. */
    config.struct_size = offsetof(smr_context_config, pool);
    calls = 0;
    CHECK_OK(smr_context_create(models[0], &config, NULL, 0, &context, &error), error);
    CHECK_OK(smr_self_test(context, 0.0f, &error), error);
    CHECK(calls == 0);
    smr_context_free(context);
    smr_pool_free(pool);
}

static void run_all(caller *c) {
    int i, repeat;
    for (i = 0; i < model_count; ++i) {
        smr_context_config config;
        smr_context *context;
        smr_error error;
        smr_context_config_init(&config);
        config.pool = c->pool;
        config.parallel_for = c->pool == NULL ? run_in_threads : NULL;
        config.least_parallel_ns = 1;
        config.threads = c->pool == NULL ? 3 : (int32_t)(c->number % 2) * 2; /* two of the pool's, or all */
        if (smr_context_create(models[i], &config, NULL, 0, &context, &error) != SMR_OK) {
            ++c->failures;
            continue;
        }
        for (repeat = 0; repeat < repeats; ++repeat) {
            if (smr_self_test(context, 1e-3f, &error) != SMR_OK) {
                fprintf(stderr, "model %d: %s\n", i, error.message);
                ++c->failures;
            }
        }
        smr_context_free(context);
    }
}

static void test_contexts_at_once(void) {
    static const int32_t sizes[] = {2, 3, 7};
    size_t i;
    call_together(run_all, NULL, 2);
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; ++i) {
        smr_pool *pool = make_pool(sizes[i]);
        call_together(run_all, pool, 1);
        call_together(run_all, pool, MOST_CALLERS);
        smr_pool_free(pool);
    }
}

static void test_pools(void) {
    check_file loaded[FILE_COUNT];
    for (model_count = 0; model_count < (int)FILE_COUNT; ++model_count) {
        models[model_count] = check_load(files[model_count], &loaded[model_count]);
    }
    test_pool_memory();
    test_pool_allocator();
    test_parts();
    test_all_help();
    test_first_error();
    test_floats();
    test_ranges();
#if defined(SMR_PLATFORM_THREADS)
    test_phases();
#endif
    test_config();
    test_contexts_at_once();
    while (model_count-- > 0) {
        smr_model_free(models[model_count]);
        free(loaded[model_count].block);
    }
}

static void test_files(int count, char **names) {
    smr_error error;
    repeats = 2;
    for (model_count = 0; model_count < count && model_count < MOST_FILES; ++model_count) {
        CHECK_OK(smr_model_open(names[model_count], NULL, &models[model_count], &error), error);
        if (models[model_count] == NULL) {
            exit(EXIT_FAILURE);
        }
    }
    test_contexts_at_once();
    while (model_count-- > 0) {
        smr_model_free(models[model_count]);
    }
}

int main(int argc, char **argv) {
    if (argc > 1) {
        test_files(argc - 1, argv + 1);
    } else {
        test_pools();
    }
    return check_result();
}

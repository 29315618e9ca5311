/* Which ops of a context are worth several threads, and running them there. */
#include "parallel.h"

#include <string.h>

#include "../platform/platform.h"
#include "follow.h"
#include "phases.h"
#include "thread_pool.h"
#include "wide.h"

#define PARALLEL_LEAST 1000 /* nanoseconds of an op */
#define PARALLEL_RUN   8    /* times that much in a run, which has threads to wake */
#define PARALLEL_APART 12   /* times that much of an op on one thread */
#define PARALLEL_FINE  4    /* parts for each thread: some threads are slower, or come later, than others */
#define PARALLEL_WHOLE 16   /* times the least cost of an op for each part that a thread has */
#define PARALLEL_LINE  2    /* nanoseconds of each line of a cache that another thread has */
#define PARALLEL_STEPS 16   /* that a loop is thought to take, unless it may take no more than fewer */

/* Parts of that many work items begin at multiples of PARALLEL_ALIGNED, so that two threads seldom write to
 * the same bytes of a cache. */
#define PARALLEL_MANY    1024
#define PARALLEL_ALIGNED 64

static int32_t threads_of(const smr_context_config *config) {
    const int32_t offered = config->parallel_for != NULL ? config->threads : smr_pool_threads(config->pool);
    return config->threads > 0 && config->threads < offered ? config->threads : offered;
}

int32_t smr_parallel_most_parts(const smr_context_config *config) {
    const int32_t threads = threads_of(config);
    if (threads == 1) {
        return 1;
    }
    /* Of a larger pool no more threads join a run than it has parts. */
    if (config->pool != NULL && threads < smr_pool_threads(config->pool)) {
        return threads;
    }
    return threads * PARALLEL_FINE < SMR_MAX_THREADS ? threads * PARALLEL_FINE : SMR_MAX_THREADS;
}

int32_t smr_parallel_most_phased(const smr_context_config *config) {
#if defined(SMR_PLATFORM_THREADS)
    return threads_of(config);
#else
    (void)config;
    return 1;
#endif
}

smr_status smr_parallel_check(const smr_context_config *config, smr_error *error) {
    if (config->threads < 0 || config->threads > SMR_MAX_THREADS || config->least_parallel_ns < 0) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%d threads instead of 0 to %d, or %d nanoseconds",
                 (int)config->threads, SMR_MAX_THREADS, (int)config->least_parallel_ns);
    }
    if (config->parallel_for != NULL && (config->pool != NULL || config->threads == 0)) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "a parallel_for and a pool, or no number of threads for it");
    }
    if (config->parallel_for == NULL && config->pool == NULL && config->threads > 1) {
        SMR_FAIL(error, SMR_ERROR_ARGUMENT, "%d threads, and neither a pool nor a parallel_for",
                 (int)config->threads);
    }
    return SMR_OK;
}

void smr_parallel_configure(smr_context *context, const smr_context_config *config, smr_error *errors) {
    context->threads = threads_of(config);
    context->most_parts = smr_parallel_most_parts(config);
    context->least_parallel = config->least_parallel_ns > 0 ? config->least_parallel_ns : PARALLEL_LEAST;
    context->paced = config->least_parallel_ns == 0 && config->op_callback == NULL;
    context->pool = config->pool;
    context->parallel_for = config->parallel_for == NULL ? smr_pool_run : config->parallel_for;
    context->parallel_for_user = config->parallel_for == NULL ? config->pool : config->parallel_for_user;
    context->part_errors = errors;
}

/* In a build without threads nobody can tell how far another part has come. */
static bool is_uncut(const smr_node *node) {
#if defined(SMR_PLATFORM_THREADS)
    (void)node;
    return false;
#else
    return node->phased;
#endif
}

/* What a node on one thread takes longer because others have half of what it reads in their caches, and what
 * the ops after it take longer to write there again: nanoseconds. */
static double moving_cost(const smr_node *node) {
    double lines = 0;
    uint32_t i;
    for (i = 0; i < node->input_count; ++i) {
        const smr_value *input = node->inputs[i];
        if (input != NULL && input->storage != SMR_STORAGE_CONSTANT) {
            lines += (double)(input->count * smr_dtype_size((smr_dtype)input->dtype)) / 64;
        }
    }
    return PARALLEL_LINE * lines;
}

/* How many parts the work of a node that takes so long has, or of each of its phases: several where the
 * longest leaves half of the least cost to others. A part of a phase is to be on the thread that has had it
 * in the phase before, so that no thread has several. */
static uint8_t parts_of(const smr_context *context, const smr_node *node, double cost) {
    const double least = (double)context->least_parallel;
    const double phases = (double)smr_node_phases(node);
    const double time =
        cost / phases + moving_cost(node) / (node->whole ? phases : 1); /* the first reads all */
    const double fine = node->phased ? 1 : time / (PARALLEL_WHOLE * least);
    const size_t work = node->work / smr_node_phases(node) / smr_follow_unit(node);
    size_t parts = (size_t)context->threads, most = (size_t)context->most_parts, items;
    double longest;
    if (parts == 1 || time < least || work < 2 || is_uncut(node)) {
        return 1;
    }
    parts *= fine < 2 ? 1 : fine < PARALLEL_FINE ? (size_t)fine : PARALLEL_FINE;
    most = most < work ? most : work;
    most = 2 * time / least < (double)most ? (size_t)(2 * time / least) : most;
    parts = parts < most ? parts : most;
    items = (work + parts - 1) / parts;
    longest = (double)items / (double)work;
    longest = longest * context->threads > 1 ? longest : 1.0 / context->threads;
    return time * (1 - longest) < least / 2 ? 1 : (uint8_t)parts;
}

/* The op that runs a body, with the program that it is in; null for the program of a signature. */
static const smr_node *caller_of(const smr_context *context, uint32_t index, smr_program **program) {
    const smr_table table = smr_vector_table(context->model->programs, index);
    const int32_t caller = smr_field_i32(table, SMR_SLOT_PROGRAM_CALLER, -1);
    if (caller < 0) {
        return NULL;
    }
    *program = &context->programs[caller];
    return smr_program_node(*program, smr_field_u32(table, SMR_SLOT_PROGRAM_CALLER_OP, 0));
}

static double steps_of(const smr_node *node) {
    const bool loop = node->kernel != NULL && node->kernel->opcode == SMR_OP_WHILE_LOOP;
    const int32_t most = loop ? node->attributes.while_loop.maximum_trip_count : 1;
    return most < PARALLEL_STEPS ? most : PARALLEL_STEPS;
}

/* The nodes of [begin, end) stay on one thread. */
static double plan_alone(const smr_program *program, uint32_t begin, uint32_t end) {
    for (; begin < end; ++begin) {
        program->nodes[begin]->parts = 1;
    }
    return 0;
}

/* What a node takes with those that follow it. */
static double cost_of(const smr_node *node) {
    double cost = 0;
    for (; node != NULL && !node->late; node = smr_follower(node)) {
        cost += (double)node->cost;
    }
    return cost;
}

/* Cuts the nodes of a program, and adds up what those with several parts take. Threads fall asleep during a
 * long op on one thread: what comes after it, up to the next, is worth waking them or goes without. */
static double plan_program(const smr_context *context, const smr_program *program, double worth) {
    const double apart = (double)PARALLEL_APART * context->least_parallel;
    double sum = 0, group = 0;
    uint32_t i, next, begin = 0;
    for (i = 0; i < program->node_count; i = next) {
        smr_node *node = program->nodes[i];
        const double cost = cost_of(node);
        next = i + 1 + smr_follow_count(node);
        node->parts = parts_of(context, node, cost);
        if (node->parts > 1) {
            group += cost;
        } else if (cost >= apart) {
            sum += group >= worth ? group : plan_alone(program, begin, i);
            group = 0;
            begin = next;
        }
    }
    return sum + (group >= worth ? group : plan_alone(program, begin, i));
}

static void plan_programs(smr_context *context) {
    const double worth = (double)PARALLEL_RUN * context->least_parallel;
    smr_program *caller;
    uint32_t i;
    for (i = 0; i < context->model->programs.count; ++i) { /* a body may run many times */
        memset(&context->programs[i].pace, 0, sizeof context->programs[i].pace);
        context->programs[i].parallel_cost =
            plan_program(context, &context->programs[i], caller_of(context, i, &caller) == NULL ? worth : 0);
    }
    /* Bodies come after the programs that run them. */
    for (i = context->model->programs.count; i-- > 0;) {
        const smr_node *node = caller_of(context, i, &caller);
        if (node != NULL) {
            caller->parallel_cost += steps_of(node) * context->programs[i].parallel_cost;
        }
    }
    for (i = 0; i < context->model->programs.count; ++i) {
        smr_program *program = &context->programs[i];
        program->parallel =
            caller_of(context, i, &caller) != NULL ? caller->parallel : program->parallel_cost >= worth;
        if (!program->parallel) {
            (void)plan_alone(program, 0, program->node_count);
        }
    }
}

void smr_parallel_plan(smr_context *context) {
    const uint64_t floats = smr_platform_set_floats();
    plan_programs(context);
    smr_platform_restore_floats(floats);
}

void smr_parallel_plan_late(const smr_context *context, const smr_program *program, smr_node *node) {
    const double cost = (double)node->cost;
    const bool worth = program->parallel || cost >= (double)PARALLEL_RUN * context->least_parallel;
    node->parts = worth ? parts_of(context, node, cost) : 1;
}

uint64_t smr_parallel_begin(smr_context *context, const smr_program *program) {
    context->alone = program->pace.alone;
    if (!program->parallel) {
        return 0;
    }
    if (context->pool != NULL && !context->alone) {
        smr_pool_wake(context->pool, context->threads - 1);
    }
    return context->paced ? smr_platform_clock() : 0;
}

void smr_parallel_end(smr_context *context, const smr_program *program, uint64_t begin) {
    if (begin != 0) {
        smr_pace_note(&context->programs[program->index].pace, smr_platform_clock() - begin);
    }
}

typedef struct parallel_job {
    const smr_node *node;
    smr_error *errors;
} parallel_job;

/* The first of so many items of a part. */
static size_t part_begin(const smr_node *node, size_t work, size_t part) {
    const size_t size = work / node->parts, rest = work % node->parts;
    const size_t begin = size * part + rest * part / node->parts;
    return size < PARALLEL_MANY || part == node->parts ? begin : begin - begin % PARALLEL_ALIGNED;
}

/* How many lines of a wide image the work items go over one after the other, each thread over some columns of
 * them: 1 where items are not as many elements, or bytes, or complete some as they are cut already. */
static size_t lines_of(const smr_node *node) {
    const smr_value *image = node->output_count == 0 ? NULL : node->outputs[0];
    return image != NULL && node->follower == 0 && smr_wide(image, image) &&
                   (node->work == image->count ||
                    node->work == image->count * smr_dtype_size((smr_dtype)image->dtype))
               ? (size_t)image->dims[1]
               : 1;
}

/* On any thread, so in an environment of its own. What no part fails at is written by none, so that
 * processors need not pass it to each other. */
static void run_part(void *argument, int32_t part) {
    const parallel_job *job = argument;
    const smr_node *node = job->node;
    const size_t lines = lines_of(node), unit = smr_follow_unit(node), work = node->work / lines;
    const size_t begin = part_begin(node, work / unit, (size_t)part) * unit;
    const size_t end = part_begin(node, work / unit, (size_t)part + 1) * unit;
    smr_error *error = &job->errors[part];
    const uint64_t floats = smr_platform_set_floats();
    smr_status status = SMR_OK;
    size_t line;
    for (line = 0; line < lines && status == SMR_OK; ++line) {
        status = node->run(node, line * work + begin, line * work + end, error);
    }
    smr_platform_restore_floats(floats);
    if (status != SMR_OK) {
        error->status = status;
    }
}

#if defined(SMR_PLATFORM_THREADS)

_Static_assert(SMR_PHASE_PART_BYTES == sizeof(smr_phase_part), "contexts keep as many bytes");

static void run_phase_part(void *argument, uint32_t part, uint32_t phase) {
    const smr_node *node = argument;
    const size_t items = node->work / smr_node_phases(node), from = phase * items;
    (void)node->run(node, from + part_begin(node, items, part), from + part_begin(node, items, part + 1),
                    NULL);
}

static void run_phases(void *argument, int32_t part) {
    const uint64_t floats = smr_platform_set_floats();
    smr_phases_run(argument, (uint32_t)part);
    smr_platform_restore_floats(floats);
}

static void run_phased(const smr_context *context, const smr_node *node) {
    smr_phases phases = {.parts = context->phase_parts,
                         .part_count = node->parts,
                         .phase_count = (uint32_t)smr_node_phases(node),
                         .run = run_phase_part,
                         .argument = (void *)(uintptr_t)node};
    uint32_t i;
    for (i = 0; i < phases.part_count; ++i) {
        smr_atomic_store(&phases.parts[i].begun, 0);
        smr_atomic_store(&phases.parts[i].ended, 0);
    }
    context->parallel_for(context->parallel_for_user, run_phases, &phases, node->parts);
}

#endif

smr_status smr_parallel_run(const smr_context *context, const smr_node *node, smr_error *error) {
    smr_status status = SMR_OK;
    parallel_job job;
    uint32_t i;
    if (node->parts < 2 || context->alone) {
        return node->work == 0 ? SMR_OK : node->run(node, 0, node->work, error);
    }
#if defined(SMR_PLATFORM_THREADS)
    if (node->phased) {
        run_phased(context, node);
        return SMR_OK;
    }
#endif
    job.node = node;
    job.errors = context->part_errors;
    context->parallel_for(context->parallel_for_user, run_part, &job, node->parts);
    for (i = 0; i < node->parts; ++i) {
        if (job.errors[i].status != SMR_OK) {
            if (status == SMR_OK) {
                status = job.errors[i].status;
                if (error != NULL) {
                    *error = job.errors[i];
                }
            }
            job.errors[i].status = SMR_OK;
        }
    }
    return status;
}

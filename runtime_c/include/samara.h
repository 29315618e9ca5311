/* Samara: runs a frozen graph from one .smr file, on anything with a C11 compiler and libc.
 *
 * A program that uses it has four calls:
 *
 *     smr_error error;
 *     smr_model *model = NULL;
 *     smr_context *context = NULL;
 *     smr_tensor input, output;
 *
 *     if (smr_model_open("digits.smr", NULL, &model, &error) ||
 *         smr_context_create(model, NULL, NULL, 0, &context, &error) ||
 *         smr_context_input(context, 0, 0, &input, &error) ||
 *         smr_context_output(context, 0, 0, &output, &error)) {
 *         fprintf(stderr, "%s\n", error.message);
 *         return 1;
 *     }
 *     memcpy(input.data, image, input.bytes);
 *     if (smr_run(context, 0, &error)) { ... }
 *     use((const float *)output.data);
 *     smr_context_free(context);
 *     smr_model_free(model);
 *
 * A model is the verified file: immutable, shared by any number of threads, borrowing the bytes it was
 * made from. A context is what one caller needs to run it: arena, state and the flat program with the
 * kernels chosen for this CPU. A pool has threads that help with runs, of as many contexts as one likes;
 * without one a run stays on the thread of its caller. After a context exists, nothing is allocated. A file
 * that loads cannot make a run read or write out of bounds, divide by zero or go on for ever; any other file
 * is refused with one message. Nothing here is global, and nothing aborts or prints.
 *
 * Each function ends with its rule for threads: `any` (any thread, any time), `shared` (concurrent calls
 * on one handle are fine) or `exclusive` (one thread at a time per handle).
 */
#ifndef SAMARA_H
#define SAMARA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* cffi: begin */

/* ---- Version ---------------------------------------------------------------------------------- */

/* The library's version: major * 1000000 + minor * 1000 + patch. @threads any */
uint32_t smr_version(void);

/* The library's version as text, "major.minor.patch". @threads any */
const char *smr_version_string(void);

/* ---- Status and error ------------------------------------------------------------------------- */

/* The values are pinned: 1xx the caller, 2xx the model file, 3xx resources, 4xx execution. */
typedef enum smr_status {
    SMR_OK = 0,
    SMR_ERROR_ARGUMENT = 100,    /* a null pointer, or a value outside its range */
    SMR_ERROR_NOT_FOUND = 101,   /* no signature, tensor, dimension or key of that name or index */
    SMR_ERROR_DIMENSION = 102,   /* a size outside the bounds, or of another form, than the file states */
    SMR_ERROR_FORMAT = 200,      /* not a Samara file, or a damaged one */
    SMR_ERROR_VERSION = 201,     /* the file needs a newer runtime */
    SMR_ERROR_UNSUPPORTED = 202, /* the file needs a kernel that this build does not have */
    SMR_ERROR_MODEL = 203,       /* shapes, attributes or memory plan contradict each other */
    SMR_ERROR_HASH = 204,        /* the content differs from the hash that was stored with it */
    SMR_ERROR_MEMORY = 300,      /* the allocator returned null, or the caller's memory is too small */
    SMR_ERROR_IO = 301,          /* the file could not be opened, sized, mapped or read */
    SMR_ERROR_THREAD = 302,      /* the system gave no thread */
    SMR_ERROR_DATA = 400,      /* an input value that the op cannot take: an index, a divisor, a loop's end */
    SMR_ERROR_CANCELLED = 401, /* the op callback asked to stop */
    SMR_ERROR_MISMATCH = 402   /* the self-test's outputs differ from those stored in the file */
} smr_status;

/* Filled by every fallible call that is given one and does not return SMR_OK. */
typedef struct smr_error {
    smr_status status;
    char message[256]; /* what, where, expected, found; empty when built with SMR_NO_ERROR_STRINGS */
} smr_error;

/* The name of a status, for example "SMR_ERROR_MODEL"; "SMR_ERROR_UNKNOWN" for any other number; never
 * null. @threads any */
const char *smr_status_name(smr_status status);

/* ---- Memory ----------------------------------------------------------------------------------- */

/* Where models and contexts come from when the caller gives no memory of its own. Null anywhere that an
 * allocator is taken means malloc and free. */
typedef struct smr_allocator {
    void *user;
    void *(*allocate)(void *user, size_t bytes, size_t alignment);
    void (*release)(void *user, void *memory);
} smr_allocator;

/* ---- Tensors ---------------------------------------------------------------------------------- */

#define SMR_MAX_RANK 8

/* Element types; the values are those of the file. */
typedef enum smr_dtype {
    SMR_DTYPE_NONE = 0,
    SMR_DTYPE_FLOAT32 = 1,
    SMR_DTYPE_FLOAT16 = 2,
    SMR_DTYPE_INT8 = 3,
    SMR_DTYPE_UINT8 = 4,
    SMR_DTYPE_INT16 = 5,
    SMR_DTYPE_INT32 = 6,
    SMR_DTYPE_INT64 = 7,
    SMR_DTYPE_BOOL = 8
} smr_dtype;

/* A tensor as the caller sees it: dense, row-major, last dimension fastest. */
typedef struct smr_tensor {
    const char *name; /* lives as long as the model */
    void *data;       /* null in what smr_model_* functions return */
    size_t bytes;     /* at the current dimensions in a context, at the largest in a model */
    smr_dtype dtype;
    int32_t rank;
    int32_t dims[SMR_MAX_RANK];
    float scale; /* real = scale * (value - zero_point); 0 when not quantized per tensor */
    int32_t zero_point;
} smr_tensor;

/* "float32", "int8", ...; "none" for any other number. @threads any */
const char *smr_dtype_name(smr_dtype dtype);

/* Bytes of one element; 0 for any other number. @threads any */
size_t smr_dtype_size(smr_dtype dtype);

/* ---- Model ------------------------------------------------------------------------------------ */

typedef struct smr_model smr_model;

/* Maps the file and verifies all of it. The mapping is released by smr_model_free; until then nobody may
 * write to the file. Loading needs up to 20 KiB of stack.
 * @return SMR_OK, SMR_ERROR_ARGUMENT, SMR_ERROR_IO, SMR_ERROR_MEMORY, or a 2xx status. @threads any */
smr_status smr_model_open(const char *path, const smr_allocator *allocator, smr_model **model,
                          smr_error *error);

/* Verifies `size` bytes at `data`, which must be 16-byte aligned, are borrowed and must stay unchanged until
 * smr_model_free. @return as smr_model_open. @threads any */
smr_status smr_model_load(const void *data, size_t size, const smr_allocator *allocator, smr_model **model,
                          smr_error *error);

/* As smr_model_load, in memory that the caller gives: SMR_MODEL_BYTES bytes, 16-byte aligned, borrowed until
 * smr_model_free. Never allocates. @return as smr_model_open. @threads any */
smr_status smr_model_create(const void *data, size_t size, void *memory, size_t memory_size,
                            smr_model **model, smr_error *error);

#define SMR_MODEL_BYTES 512

/* Frees a model; null is accepted. No context of it may be alive. @threads exclusive */
void smr_model_free(smr_model *model);

/* Recomputes the SHA-256 of the file's content and compares it with the one stored in the file.
 * @return SMR_OK or SMR_ERROR_HASH. @threads shared */
smr_status smr_model_check_hash(const smr_model *model, smr_error *error);

/* ---- Inspection ------------------------------------------------------------------------------- */

typedef struct smr_model_info {
    uint32_t format_version;
    uint32_t least_runtime;   /* as smr_version() counts */
    uint8_t content_hash[32]; /* SHA-256 */
    size_t file_bytes;
    size_t constant_bytes;
    size_t arena_bytes; /* of the largest signature, at the largest dimensions */
    size_t state_bytes;
    int32_t signature_count;
    int32_t dimension_count;
    int32_t state_count;
    int32_t constant_count;
    int32_t metadata_count;
    int32_t program_count;
} smr_model_info;

typedef struct smr_signature_info {
    const char *name;
    int32_t input_count;
    int32_t output_count;
    int32_t op_count;
    int32_t tensor_count;
    size_t arena_bytes;
    int32_t program;
} smr_signature_info;

/* A list of ops: what a signature runs, or the body of an op that runs others, such as a branch or the step
 * of a loop. */
typedef struct smr_program_info {
    const char *name;
    int32_t op_count;
    int32_t tensor_count;
    int32_t caller;    /* of a body: the program of the op that runs it; -1 for the program of a signature */
    int32_t caller_op; /* of a body: that op */
} smr_program_info;

typedef struct smr_dimension_info {
    const char *name;
    int32_t minimum;
    int32_t maximum;
    int32_t computed; /* 1: a run computes it from its data; 0: the caller sets it */
} smr_dimension_info;

typedef struct smr_op_info {
    const char *op;     /* the op table's name, for example "conv2d" */
    const char *kernel; /* the kernel this build runs it with on this CPU, for example "generic" */
    const char *name;   /* the name of its first output in the source graph */
    int32_t input_count;
    int32_t output_count;
    const int32_t *inputs; /* tensor indices of the signature; -1 for an absent optional input */
    const int32_t *outputs;
} smr_op_info;

/* Where a tensor of a signature lives. */
typedef enum smr_storage {
    SMR_STORAGE_ARENA = 0,
    SMR_STORAGE_CONSTANT = 1,
    SMR_STORAGE_STATE = 2,
    SMR_STORAGE_ARGUMENT = 3, /* in a body: where an operand of the op that runs it lies */
    SMR_STORAGE_RESULT = 4    /* in a body: where an output of that op lies */
} smr_storage;

typedef struct smr_placement {
    smr_storage storage;
    size_t offset; /* in the arena, the file or the state; of an argument or result which one it is */
    size_t bytes;  /* of storage, at the largest dimensions */
} smr_placement;

/* @return SMR_OK or SMR_ERROR_ARGUMENT. @threads shared */
smr_status smr_model_get_info(const smr_model *model, smr_model_info *info, smr_error *error);

/* @return SMR_OK, SMR_ERROR_ARGUMENT or SMR_ERROR_NOT_FOUND, as each that follows. @threads shared */
smr_status smr_model_signature(const smr_model *model, int32_t signature, smr_signature_info *info,
                               smr_error *error);

/* Finds a signature by name. @threads shared */
smr_status smr_model_find_signature(const smr_model *model, const char *name, int32_t *signature,
                                    smr_error *error);

/* An input of a signature, at its largest dimensions. @threads shared */
smr_status smr_model_input(const smr_model *model, int32_t signature, int32_t index, smr_tensor *tensor,
                           smr_error *error);

/* An output of a signature, at its largest dimensions. @threads shared */
smr_status smr_model_output(const smr_model *model, int32_t signature, int32_t index, smr_tensor *tensor,
                            smr_error *error);

/* Any tensor of a signature by its index; `placement` may be null. @threads shared */
smr_status smr_model_tensor(const smr_model *model, int32_t signature, int32_t index, smr_tensor *tensor,
                            smr_placement *placement, smr_error *error);

/* An op of a signature, in the order of execution. @threads shared */
smr_status smr_model_op(const smr_model *model, int32_t signature, int32_t index, smr_op_info *info,
                        smr_error *error);

/* A program, up to smr_model_info.program_count. @threads shared */
smr_status smr_model_program(const smr_model *model, int32_t program, smr_program_info *info,
                             smr_error *error);

/* As smr_model_tensor, of a program. @threads shared */
smr_status smr_model_program_tensor(const smr_model *model, int32_t program, int32_t index,
                                    smr_tensor *tensor, smr_placement *placement, smr_error *error);

/* As smr_model_op, of a program. @threads shared */
smr_status smr_model_program_op(const smr_model *model, int32_t program, int32_t index, smr_op_info *info,
                                smr_error *error);

/* A named dimension and its bounds. @threads shared */
smr_status smr_model_dimension(const smr_model *model, int32_t index, smr_dimension_info *info,
                               smr_error *error);

/* The named dimension that an axis of an input is, in `dimension`; -1 where it is a number
 * or an expression of dimensions. A caller sets it to the size of its data, or smr_context_set_shapes does.
 * @threads shared */
smr_status smr_model_input_dimension(const smr_model *model, int32_t signature, int32_t index, int32_t axis,
                                     int32_t *dimension, smr_error *error);

/* A state tensor. @threads shared */
smr_status smr_model_state(const smr_model *model, int32_t index, smr_tensor *tensor, smr_error *error);

/* A metadata entry; both texts live as long as the model. @threads shared */
smr_status smr_model_metadata(const smr_model *model, int32_t index, const char **key, const char **value,
                              smr_error *error);

/* How many golden cases (recorded inputs and outputs) a signature carries, in `count`. @threads shared */
smr_status smr_model_golden_count(const smr_model *model, int32_t signature, int32_t *count,
                                  smr_error *error);

/* The bytes of one input (output = 0) or output (output = 1) of a golden case. @threads shared */
smr_status smr_model_golden(const smr_model *model, int32_t signature, int32_t index, int32_t output,
                            int32_t tensor, const void **data, size_t *bytes, smr_error *error);

/* The number of instruction sets that kernels of this build are written for. @threads any */
int32_t smr_isa_count(void);

/* One of them, those that add to others after these, and in `offered` whether this processor has it: 1 or 0.
 * The first is "generic", which is plain C. @threads any */
smr_status smr_isa_info(int32_t index, const char **isa, int32_t *offered, smr_error *error);

/* The number of kernels in this build. @threads any */
int32_t smr_kernel_count(void);

/* A kernel of this build: its op and its instruction set. @threads any */
smr_status smr_kernel(int32_t index, const char **op, const char **kernel, smr_error *error);

/* ---- Threads ---------------------------------------------------------------------------------- */

/* The most threads of a pool, and of a run. */
#define SMR_MAX_THREADS 32

/* Threads that help with runs. Contexts that run at the same time share them: a run that finds all of them
 * busy does its work alone. What a run computes does not depend on how many help. Between runs the threads
 * sleep; after their last work they look for more for some 50 microseconds first. A library built without
 * threads has pools of one thread, which is the caller's. */
typedef struct smr_pool smr_pool;

/* The exact bytes and alignment that smr_pool_create needs of the caller's memory; the stacks of the threads
 * come from the system. @return SMR_OK or SMR_ERROR_ARGUMENT. @threads any */
smr_status smr_pool_memory(int32_t threads, size_t *bytes, size_t *alignment, smr_error *error);

/* Makes a pool for runs of up to `threads` threads, their callers' own among them, so of one thread less.
 * With `memory` it never allocates and borrows memory until smr_pool_free; with null it makes one allocation.
 * A child that a process forks off has no threads: runs there do their work alone, and the pool is not to be
 * freed there.
 * @return SMR_OK, SMR_ERROR_ARGUMENT, SMR_ERROR_MEMORY or SMR_ERROR_THREAD. @threads any */
smr_status smr_pool_create(int32_t threads, const smr_allocator *allocator, void *memory, size_t memory_size,
                           smr_pool **pool, smr_error *error);

/* How many threads a run can use. 1 for null. @threads shared */
int32_t smr_pool_threads(const smr_pool *pool);

/* Ends the threads and frees the pool; null is accepted. No context that has it may run any more.
 * @threads exclusive */
void smr_pool_free(smr_pool *pool);

/* One part of the work of an op. */
typedef void (*smr_task)(void *argument, int32_t part);

/* Threads of the caller's own: calls task(argument, part) once for each part from 0 up to `parts`, at the
 * same time or one after the other, on any threads, and returns when all of these calls have returned. */
typedef void (*smr_parallel_for)(void *user, smr_task task, void *argument, int32_t parts);

/* ---- Context ---------------------------------------------------------------------------------- */

typedef struct smr_context smr_context;

/* What smr_op_callback is told after an op has run. */
typedef struct smr_op_event {
    const smr_context *context;
    int32_t signature;
    int32_t index;        /* of the op, as smr_model_program_op counts */
    uint64_t nanoseconds; /* 0 on a platform without a clock */
    int32_t program;      /* that the op is in: the signature's, or a body */
} smr_op_event;

/* Called after each op of a run, on the thread of the run; for an op that runs bodies, after those of the
 * bodies. Not 0 stops it with SMR_ERROR_CANCELLED. */
typedef int32_t (*smr_op_callback)(void *user, const smr_op_event *event);

typedef struct smr_context_config {
    size_t struct_size;             /* filled by smr_context_config_init */
    const smr_allocator *allocator; /* null: malloc and free */
    smr_op_callback op_callback;    /* null: none, and no clock is read */
    void *op_callback_user;
    const char *isa; /* the best instruction set to use: see smr_isa_info; null: what there is */
    smr_pool *pool;  /* what helps with runs, and outlives the context; null: nothing, or parallel_for */
    smr_parallel_for parallel_for; /* null: none; else `pool` is null and `threads` is given */
    void *parallel_for_user;
    int32_t
        threads; /* the most that a run uses, the caller's own among them; 0: as many as the pool has, or 1 */
    int32_t least_parallel_ns; /* an op that is estimated to take less, or a step of a recurrent layer, stays
                                  on the thread of the run, and so does a run whose other ops take less than
                                  8 times that together; 0: 1000, and short runs that turn out slower with
                                  threads than without go without */
} smr_context_config;

/* Fills a config with its defaults. @threads any */
void smr_context_config_init(smr_context_config *config);

/* The exact bytes and alignment that smr_context_create needs of the caller's memory: the arena, the state,
 * and a few hundred bytes for each op that has something to do. Where the config limits the instruction set,
 * all kernels are asked again. @return SMR_OK or SMR_ERROR_ARGUMENT. @threads shared */
smr_status smr_context_memory(const smr_model *model, const smr_context_config *config, size_t *bytes,
                              size_t *alignment, smr_error *error);

/* Makes a context for all signatures of the model, at the largest dimensions, its state reset. With `memory`
 * it never allocates and borrows memory until smr_context_free; with null it makes one allocation. The model
 * must outlive it. @param config null for the defaults.
 * @return SMR_OK, SMR_ERROR_ARGUMENT, SMR_ERROR_MEMORY. @threads shared (on the model) */
smr_status smr_context_create(const smr_model *model, const smr_context_config *config, void *memory,
                              size_t memory_size, smr_context **context, smr_error *error);

/* Frees a context; null is accepted. @threads exclusive */
void smr_context_free(smr_context *context);

/* Sets a named dimension, in all signatures. On error nothing has changed.
 * @return SMR_OK, SMR_ERROR_NOT_FOUND, SMR_ERROR_DIMENSION, SMR_ERROR_ARGUMENT for one that a run computes,
 * or SMR_ERROR_MODEL when the shapes that follow contradict each other. @threads exclusive */
smr_status smr_context_set_dimension(smr_context *context, const char *name, int32_t value, smr_error *error);

/* Sets all named dimensions at once, in the order of smr_model_dimension: for those that only fit together.
 * The values of those that a run computes do not count. On error nothing has changed. @return as
 * smr_context_set_dimension. @threads exclusive */
smr_status smr_context_set_dimensions(smr_context *context, const int32_t *values, size_t count,
                                      smr_error *error);

/* Sets named dimensions so that the inputs of a signature have the shapes that `sizes` holds: all axes of the
 * first input, then those of the second, and so on. Finds 4*height or 2*length+1 too; dimensions that no
 * input tells stay as they are. On error nothing has changed. @return SMR_OK, SMR_ERROR_DIMENSION when no
 * values give these shapes, SMR_ERROR_NOT_FOUND, SMR_ERROR_ARGUMENT for another number of axes, or
 * SMR_ERROR_MODEL as smr_context_set_dimension. @threads exclusive */
smr_status smr_context_set_shapes(smr_context *context, int32_t signature, const int32_t *sizes, size_t count,
                                  smr_error *error);

/* The instruction set of the kernel that an op of a program has in this context: it may differ from that of
 * smr_op_info where the config limits it. Empty for one that is chosen in a run and has not run yet.
 * @threads exclusive */
smr_status smr_context_kernel(const smr_context *context, int32_t program, int32_t index, const char **isa,
                              smr_error *error);

/* An input of a signature: write its data before each run. A run may overwrite it, and signatures share one
 * arena. @threads exclusive */
smr_status smr_context_input(smr_context *context, int32_t signature, int32_t index, smr_tensor *tensor,
                             smr_error *error);

/* An output of a signature: valid from a run until the next one, of any signature. Sizes that a run computes
 * are those of the last run, and their largest before it: ask again after each run. @threads exclusive */
smr_status smr_context_output(smr_context *context, int32_t signature, int32_t index, smr_tensor *tensor,
                              smr_error *error);

/* Any tensor of a signature. Its data mean something only right after the op that writes it, so within an op
 * callback; they are null where they are not dense: see smr_context_read_tensor. @threads exclusive */
smr_status smr_context_tensor(const smr_context *context, int32_t signature, int32_t index,
                              smr_tensor *tensor, smr_error *error);

/* As smr_context_tensor, of a program. @threads exclusive */
smr_status smr_context_program_tensor(const smr_context *context, int32_t program, int32_t index,
                                      smr_tensor *tensor, smr_error *error);

/* Copies a tensor of a program to `data`, dense, whether or not it lies among the channels of another. `size`
 * is that of smr_tensor.bytes. Constants in panels are refused. @return SMR_OK, SMR_ERROR_NOT_FOUND or
 * SMR_ERROR_ARGUMENT. @threads exclusive */
smr_status smr_context_read_tensor(const smr_context *context, int32_t program, int32_t index, void *data,
                                   size_t size, smr_error *error);

/* A state tensor: read it or write it between runs. @threads exclusive */
smr_status smr_context_state(smr_context *context, int32_t index, smr_tensor *tensor, smr_error *error);

/* Copies all state to `data`. `size` must be smr_model_info.state_bytes.
 * @return SMR_OK or SMR_ERROR_ARGUMENT. @threads exclusive */
smr_status smr_context_save_state(const smr_context *context, void *data, size_t size, smr_error *error);

/* Puts all state to what smr_context_save_state gave, of any context of the same file. Other bytes are taken
 * too: they can make outputs wrong, and never a run unsafe. @return SMR_OK or SMR_ERROR_ARGUMENT.
 * @threads exclusive */
smr_status smr_context_load_state(smr_context *context, const void *data, size_t size, smr_error *error);

/* Puts all state back to its initial values. @threads exclusive */
void smr_context_reset(smr_context *context);

/* ---- Running ---------------------------------------------------------------------------------- */

/* Runs one signature. Allocates nothing, and makes no system call but to read the clock for a callback, and
 * to wake threads of a pool or wait for them.
 *
 * The floating-point environment is the run's own and put back on every way out: to nearest, no traps,
 * subnormal numbers count as zeros (where the processor can). A callback is called in the environment of the
 * caller.
 *
 * A run ends. The work of each op is bounded by the sizes of its tensors; a loop takes at most as many steps
 * as the file says, and all loops of a run together at most 2^31 - 1; one more ends the run with
 * SMR_ERROR_DATA. A file may still make a run as long as that. Who runs files that he does not trust gives an
 * op callback: it is called at least once for each step of a loop, and can end the run at each call. What the
 * run wrote to state until then stays: reset it, or write it back as it was.
 * @return SMR_OK, SMR_ERROR_ARGUMENT, SMR_ERROR_NOT_FOUND or a 4xx status. @threads exclusive */
smr_status smr_run(smr_context *context, int32_t signature, smr_error *error);

/* Runs the golden cases of every signature and compares: integers must be equal, floats within `tolerance`
 * of the largest magnitude of the stored output, or as much more as the file allows for its float16. State is
 * reset before each case and after the last. Dimensions return to their largest. @return SMR_OK or
 * SMR_ERROR_MISMATCH. @threads exclusive */
smr_status smr_self_test(smr_context *context, float tolerance, smr_error *error);

/* cffi: end */

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif

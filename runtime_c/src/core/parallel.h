/* Which ops of a context are worth several threads, and running them there. */
#ifndef SMR_PARALLEL_H
#define SMR_PARALLEL_H

#include "context.h"

/* How many parts an op has at most in a context whose runs use so many threads. */
int32_t smr_parallel_most_parts(const smr_context_config *config);

/* How many parts a phase of an op has at most; so many times SMR_PHASE_PART_BYTES are for them. */
int32_t smr_parallel_most_phased(const smr_context_config *config);

#define SMR_PHASE_PART_BYTES 128

/* Refuses a config that asks for threads in another way than one can. */
smr_status smr_parallel_check(const smr_context_config *config, smr_error *error);

/* What a context needs to know of its config; `errors` are as many as an op has parts at most. */
void smr_parallel_configure(smr_context *context, const smr_context_config *config, smr_error *errors);

/* Cuts the work of all nodes of a context that are not late into parts. */
void smr_parallel_plan(smr_context *context);

/* Cuts the work of a late node of a program. */
void smr_parallel_plan_late(const smr_context *context, const smr_program *program, smr_node *node);

/* A run of a signature's program begins: calls threads if it has work for several. Returns the time, or 0. */
uint64_t smr_parallel_begin(smr_context *context, const smr_program *program);

/* It has ended well, and began at that time. */
void smr_parallel_end(smr_context *context, const smr_program *program, uint64_t begin);

/* Runs the kernel of a node over all of its work. Of several parts that fail, the first one's error is told.
 */
smr_status smr_parallel_run(const smr_context *context, const smr_node *node, smr_error *error);

#endif

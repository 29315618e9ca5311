/* What an smr_context is: one block of memory with values, nodes, state and arena in it. */
#ifndef SMR_CONTEXT_H
#define SMR_CONTEXT_H

#include "control.h"
#include "pace.h"

/* So many tensors of a program that lie one after the other, or fewer at the end. */
#define SMR_VALUE_GROUP 32u

typedef struct smr_value_group {
    uint32_t valued; /* bit i: tensor i of them is no constant, and has a value of its own */
    uint32_t before; /* values of the groups before it */
} smr_value_group;

static inline size_t smr_value_groups(uint32_t tensors) {
    return (tensors + (SMR_VALUE_GROUP - 1)) / SMR_VALUE_GROUP;
}

/* The runnable form of a program. */
typedef struct smr_program {
    smr_value *values; /* of the tensors that are no constants, in their order */
    smr_value_group *groups;
    smr_node **nodes; /* of the ops that have something to do, in their order */
    uint32_t node_count;
    smr_vector tensors;
    smr_vector ops;
    smr_vector outputs;   /* of a body */
    uint32_t index;       /* in the model */
    double parallel_cost; /* of the ops in it, and in its bodies, that have several parts, in nanoseconds */
    bool parallel;        /* they are worth waking threads for */
    smr_pace pace;        /* of a signature's runs */
} smr_program;

/* Where the parts of programs go. */
typedef struct smr_context_rooms {
    smr_value *values;
    smr_value_group *groups;
    smr_value *constants;
    int32_t *shapes; /* SMR_MAX_RANK sizes for each value whose sizes can change */
    smr_node **nodes;
    uint8_t *node_bytes;
    void **operands;
    smr_kept left;                      /* for more of them */
    uint32_t likeness[SMR_KEPT_RECENT]; /* of the ops of the nodes that were kept last */
} smr_context_rooms;

struct smr_context {
    const smr_model *model;
    smr_op_callback op_callback;
    void *op_callback_user;
    uint32_t isas;         /* that kernels may use */
    int32_t *dimensions;   /* the current value of each */
    int32_t *previous;     /* those before a change that may fail */
    int32_t *wanted;       /* those that shapes are being made into */
    smr_program *programs; /* as the model has them */
    uint8_t *state;
    uint8_t *arena;
    smr_pool *pool;
    smr_parallel_for parallel_for; /* that of the pool, or of the caller */
    void *parallel_for_user;
    smr_error *part_errors;  /* of the parts of an op; the status is SMR_OK unless one has just failed */
    void *phase_parts;       /* smr_phase_part of an op that has phases */
    int32_t threads;         /* of a run */
    int32_t most_parts;      /* of an op */
    int32_t least_parallel;  /* nanoseconds of an op with several parts */
    bool paced;              /* runs go without threads while these cost more than they give */
    bool alone;              /* so does this one */
    smr_allocator allocator; /* what frees this, when `owned` */
    uint8_t owned;
};

/* Whether a context of the model has a size that this machine can address. */
smr_status smr_context_check_size(const smr_model *model, smr_error *error);

/* Fills the programs of a context whose rooms are there, at the current dimensions, which are the largest. */
smr_status smr_context_build(smr_context *context, smr_context_rooms *rooms, smr_error *error);

/* An op of a program before a context decides what to keep of it. */
typedef struct smr_whole_node {
    smr_node node;
    const smr_value *inputs[SMR_MAX_OPERANDS];
    smr_value *outputs[SMR_MAX_OPERANDS];
    smr_value constants[SMR_MAX_OPERANDS];
} smr_whole_node;

/* Fills operands, attributes and scratch. Constants lie where they stay if they are kept, as far as there is
 * room, and in the whole node where there is none, or `rooms` is null. */
smr_status smr_whole_node_fill(const smr_context *context, const smr_program *program, uint32_t index,
                               const smr_op_record *op, const smr_context_rooms *rooms, smr_whole_node *whole,
                               smr_error *error);

/* The value of a tensor of a program; null for a constant. */
smr_value *smr_program_value(const smr_program *program, uint32_t tensor);

/* That of a constant. */
smr_value smr_program_constant(const smr_model *model, const smr_program *program, uint32_t tensor);

/* That of any tensor. */
smr_value smr_program_tensor(const smr_model *model, const smr_program *program, uint32_t tensor);

/* Fills the values of a program at the largest dimensions, and sees that what a body is given and gives has
 * the shapes that its caller has for it. */
smr_status smr_context_build_values(smr_context *context, smr_program *program, smr_context_rooms *rooms,
                                    smr_error *error);

/* Evaluates all shapes of a program that can change; a size that depends on what a run computes is the
 * largest until then. */
smr_status smr_context_change_values(const smr_context *context, const smr_program *program,
                                     smr_error *error);

/* Evaluates the shape of a tensor of a program, if it can change. */
smr_status smr_context_refresh_value(const smr_context *context, const smr_program *program, uint32_t tensor,
                                     smr_error *error);

/* The node of an op of a program; null when there is nothing to do for it. */
smr_node *smr_program_node(const smr_program *program, uint32_t op);

/* Evaluates all shapes that can change at the current dimensions, and lets the kernels of their ops prepare.
 */
smr_status smr_context_prepare(smr_context *context, smr_error *error);

/* Evaluates the shapes of what a node of a program writes, and lets its kernel prepare: for nodes that are
 * late, at the dimensions that ops before it have set. */
smr_status smr_context_prepare_node(smr_context *context, const smr_program *program, smr_node *node,
                                    smr_error *error);

/* Evaluates the shapes of what a body is given by a node that is late. */
smr_status smr_context_prepare_body(smr_context *context, uint32_t program, smr_error *error);

/* What a body of such a node gives has the shapes that the node has for it. */
smr_status smr_context_check_results(const smr_context *context, uint32_t program, smr_error *error);

/* The dimension that a node `dimension` sets becomes the number that it has written. */
smr_status smr_context_compute_dimension(smr_context *context, const smr_node *node, smr_error *error);

/* The program of a signature; the index is valid. */
const smr_program *smr_context_program_of(const smr_context *context, int32_t signature);

/* The current dimensions become the largest. */
smr_status smr_context_enlarge(smr_context *context, smr_error *error);

/* What a caller is told about a tensor of the file with this value. */
smr_tensor smr_tensor_describe(smr_table tensor, const smr_value *value);

/* What a caller is told about a state. */
smr_tensor smr_state_describe(const smr_model *model, smr_table state);

#endif

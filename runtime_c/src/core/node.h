/* An op of the file as a node that a kernel can be asked about. */
#ifndef SMR_NODE_H
#define SMR_NODE_H

#include "op_table.h"
#include "tensor.h"

/* An op record; the indices are those of its program. */
typedef struct smr_op_record {
    smr_table table;
    const smr_op_def *def; /* null when this runtime does not know the opcode */
    smr_vector inputs;
    smr_vector outputs;
    size_t scratch_begin;
    size_t scratch_end;
    uint16_t opcode;
} smr_op_record;

smr_op_record smr_op_read(smr_table op);

/* Whether the sizes of all operands are fixed. Operands have been verified. */
bool smr_op_is_fixed(const smr_model *model, const smr_op_record *op, smr_vector tensors);

/* Whether the shape of an operand depends on a computed dimension. Operands and expressions have been
 * verified. */
bool smr_op_is_late(const smr_model *model, const smr_op_record *op, smr_vector tensors);

/* Chooses a kernel and lets it prepare. The node has its operands and attributes, which are all there; what
 * an earlier call filled is forgotten. */
smr_status smr_node_prepare(smr_node *node, const smr_op_record *op, smr_error *error);

/* Fills the cost of a node that is prepared. */
void smr_node_estimate(smr_node *node);

/* Puts the op's number, name and first output in front of an error's message. */
void smr_error_where_op(smr_error *error, uint32_t index, const smr_op_record *op, smr_vector tensors);

/* The name that the source graph has for an op: that of its first output. */
const char *smr_op_name(const smr_op_record *op, smr_vector tensors);

/* An output that lies on an input must still be of its size, whatever the dimensions are. */
smr_status smr_node_check_places(const smr_node *node, const smr_op_record *op, smr_error *error);

/* What a context keeps of a node. */
typedef struct smr_kept_node {
    size_t bytes;      /* but for its parameters; 0 for a node that never has anything to do */
    size_t parameters; /* bytes of them, where they lie apart */
    size_t constants;  /* values of constants that run reads */
    size_t inputs;     /* that run reads, absent ones too */
    size_t outputs;
    bool shareable; /* a node before it may have the same parameters and constants */
} smr_kept_node;

/* Of a node that is prepared, or late. */
smr_kept_node smr_node_kept(const smr_node *node);

/* A node has the parameters and constants of one of so many before it that are kept, where these two ops are
 * alike: strips of an image differ in little but where they lie. */
#define SMR_KEPT_RECENT 16

/* Whether two ops of a program have the same attributes, of the second those given, constants, types and
 * fixed sizes. */
bool smr_op_alike(smr_table a, const smr_op_record *b, const smr_attributes *attributes, smr_vector tensors);

/* A number that two ops of a program have in common if they are alike, and rarely else. */
uint32_t smr_op_likeness(const smr_op_record *op, smr_vector tensors);

/* Counts what is kept of nodes, in the order of programs and ops. */
typedef struct smr_kept_count {
    smr_kept kept;
    smr_vector ops; /* of the program that is counted */
    smr_vector tensors;
    uint32_t nodes;                   /* kept of it so far */
    uint32_t recent[SMR_KEPT_RECENT]; /* ops of those kept last, and their likenesses */
    uint32_t likeness[SMR_KEPT_RECENT];
} smr_kept_count;

/* Goes on with another program. */
void smr_kept_begin(smr_kept_count *count, smr_vector ops, smr_vector tensors);

/* One prepared node more, of op `index`; false when that is more than this machine can address. */
bool smr_kept_add(smr_kept_count *count, const smr_node *node, const smr_op_record *op, uint32_t index);

/* A node on the stack, with values for all of its operands: for looking at one op of a file at a time. What
 * is not a constant has an address that tells what lies where, and is not to be read or written. */
typedef struct smr_node_probe {
    smr_node node;
    const smr_value *inputs[SMR_MAX_OPERANDS];
    smr_value *outputs[SMR_MAX_OPERANDS];
    smr_value values[2 * SMR_MAX_OPERANDS];
    int32_t dims[2 * SMR_MAX_OPERANDS][SMR_MAX_RANK];
} smr_node_probe;

/* Fills a probe from an op whose operands have been verified, and prepares it for instruction sets. */
smr_status smr_node_probe_prepare(smr_node_probe *probe, const smr_dimensions *dimensions, uint32_t isas,
                                  const smr_op_record *op, smr_vector tensors, smr_error *error);

#endif

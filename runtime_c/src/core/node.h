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

/* Whether the shape of an operand depends on a computed dimension. Operands and expressions have been
 * verified. */
bool smr_op_is_late(const smr_model *model, const smr_op_record *op, smr_vector tensors);

/* Chooses a kernel and lets it prepare. The node has its operands and attributes; what an earlier call filled
 * is forgotten. */
smr_status smr_node_prepare(smr_node *node, const smr_op_record *op, smr_error *error);

/* Puts the op's number, name and first output in front of an error's message. */
void smr_error_where_op(smr_error *error, uint32_t index, const smr_op_record *op, smr_vector tensors);

/* The name that the source graph has for an op: that of its first output. */
const char *smr_op_name(const smr_op_record *op, smr_vector tensors);

/* A node on the stack, with values for all of its operands: for looking at one op of a file at a time. */
typedef struct smr_node_probe {
    smr_node node;
    const smr_value *inputs[SMR_MAX_OPERANDS];
    smr_value *outputs[SMR_MAX_OPERANDS];
    smr_value values[2 * SMR_MAX_OPERANDS];
} smr_node_probe;

/* Fills a probe from an op whose operands have been verified, and prepares it. */
smr_status smr_node_probe_prepare(smr_node_probe *probe, const smr_dimensions *dimensions,
                                  const smr_op_record *op, smr_vector tensors, smr_error *error);

#endif

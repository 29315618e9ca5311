/* Ops that run other programs of the file, which are called bodies. */
#ifndef SMR_CONTROL_H
#define SMR_CONTROL_H

#include "node.h"

/* How many bodies may run at a time, each started by an op of the one before. */
#define SMR_MAX_NESTING 16

typedef enum smr_body_role {
    SMR_BODY_NONE, /* the program of a signature */
    SMR_BODY_BRANCH,
    SMR_BODY_CONDITION,
    SMR_BODY_STEP
} smr_body_role;

/* What a program is to the op that runs it. */
typedef struct smr_body {
    smr_body_role role;
    uint32_t caller;    /* a program */
    smr_vector tensors; /* of the caller */
    smr_op_record op;   /* of the caller */
    uint32_t first;     /* the operand that is argument 0 */
    uint32_t arguments;
    uint32_t variables; /* arguments that lie where the op's outputs do */
    uint32_t results;
    smr_vector inputs; /* tensors of the body */
    smr_vector outputs;
} smr_body;

/* The bodies of an op with these attributes in `programs`, two of them; false for an op that has none. */
bool smr_control_bodies(uint16_t opcode, const smr_attributes *attributes, uint32_t programs[2]);

/* Reads what a program is, and refuses one whose caller does not run it. The programs before it have been
 * verified. */
smr_status smr_body_read(const smr_model *model, uint32_t program, smr_body *body, smr_error *error);

/* The tensor of the caller whose bytes an argument or result of the body has; `number` is one of them. */
uint32_t smr_body_operand(const smr_body *body, smr_storage storage, uint32_t number);

#endif

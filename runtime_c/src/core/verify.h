/* Verifying everything in a file against everything else in it, before the first kernel runs. */
#ifndef SMR_VERIFY_H
#define SMR_VERIFY_H

#include "control.h"
#include "model.h"

/* One verification. Steps that compare things pairwise, or look back, are paid from `budget`, which is far
 * above what any sensible file needs, so that no file takes much longer to refuse than to read. */
typedef struct smr_verify {
    const smr_model *model;
    smr_dimensions largest;
    smr_dimensions smallest;
    uint64_t budget;
    smr_kept_count kept;   /* by contexts, of the ops so far */
    smr_node_probe *probe; /* the op of smr_verify_probe */
    smr_table probed;      /* which one it is, and the data of the tensors that are its operands */
    const uint8_t *probed_tensors;
    smr_error *error;
} smr_verify;

smr_status smr_verify_overspent(smr_verify *verify);

/* Takes `work` steps of some nanoseconds from the budget. */
static inline smr_status smr_verify_spend(smr_verify *verify, uint64_t work) {
    if (work > verify->budget) {
        return smr_verify_overspent(verify);
    }
    verify->budget -= work;
    return SMR_OK;
}

/* Takes what evaluating the shape of a tensor costs. */
smr_status smr_verify_spend_shape(smr_verify *verify, smr_table tensor);

/* Prepares an op at the largest dimensions, in `verify->probe`, unless it is there already. The operands have
 * been verified. */
smr_status smr_verify_probe(smr_verify *verify, const smr_op_record *op, smr_vector tensors);

/* Verifies the file of a model whose structure has been verified, and fills the model's sums. */
smr_status smr_model_verify(smr_model *model, smr_error *error);

/* The parts, in the order in which they rely on each other. */
smr_status smr_verify_body(smr_verify *verify, uint32_t program, smr_body *body);
smr_status smr_verify_tensors(smr_verify *verify, smr_table program, const smr_body *body);
smr_status smr_verify_ops(smr_verify *verify, uint32_t index, const smr_body *body);
smr_status smr_verify_body_endpoints(smr_verify *verify, smr_vector tensors, const smr_body *body);
smr_status smr_verify_computed(smr_verify *verify, uint32_t program);
smr_status smr_verify_signatures(smr_verify *verify);

/* The ends of a program: those of a signature, or of a body. */
typedef struct smr_ends {
    smr_vector inputs;
    smr_vector outputs;
    const smr_body *body; /* null for a signature, whose ends are named */
} smr_ends;

smr_status smr_verify_plan(smr_verify *verify, const smr_ends *ends, smr_table program);

/* Whether an input and an output of an op lie in each other so that the op moves nothing from one to the
 * other, and as what. Both are there, and the op has been verified. */
smr_status smr_verify_sharing(smr_verify *verify, const smr_op_record *op, smr_vector tensors, uint32_t input,
                              uint32_t output, smr_sharing *sharing);

/* The programs that an op runs are bodies of it. */
smr_status smr_verify_bodies_of(smr_verify *verify, uint32_t program, uint32_t index,
                                const smr_op_record *op);

/* A tensor of a body in the bytes of an operand of its caller has no more of them. */
smr_status smr_verify_outside_place(smr_verify *verify, const smr_body *body, const smr_value *largest,
                                    uint64_t number);

/* Refuses a vector of tables of which two have the same text in `slot`, or one has an empty text. */
smr_status smr_verify_names(smr_verify *verify, smr_vector tables, uint32_t slot, const char *what);

#endif

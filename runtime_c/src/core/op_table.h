/* Looking up an op's definition, and reading its attributes from the file. */
#ifndef SMR_OP_TABLE_H
#define SMR_OP_TABLE_H

#include "../gen/ops.h"
#include "flatbuffer.h"

/* Null when this runtime does not know the opcode. */
const smr_op_def *smr_op_find(uint32_t opcode);

/* Fills `attributes` from an op record of the file; what the file leaves out gets its default. */
smr_status smr_attributes_decode(const smr_op_def *def, smr_table op, smr_attributes *attributes,
                                 smr_error *error);

#endif

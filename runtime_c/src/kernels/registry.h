/* The kernels of this build. */
#ifndef SMR_REGISTRY_H
#define SMR_REGISTRY_H

#include "../core/kernel.h"

/* The first row for the op that takes this node, or null. The node has its operands, their types and shapes,
 * and its attributes. */
const smr_kernel_row *smr_kernel_select(uint16_t opcode, const smr_node *node);

/* Whether any row is for the op. */
bool smr_kernel_exists(uint16_t opcode);

/* Row `index` of this build in the order of preference, or null. */
const smr_kernel_row *smr_kernel_at(size_t index);

#endif

/* The kernels of this build: one list for each folder, the preferred ones first.
 *
 * A kernels.inc has lines of two kinds, sorted by opcode; `isa` is a name of core/isa.h:
 *     SMR_KERNEL(OP, isa, prepare)               takes any node
 *     SMR_KERNEL_IF(OP, isa, matches, prepare)   takes the nodes for which matches returns true
 */
#include "registry.h"

#include "../core/isa.h"
#include "prototypes.h"

/* A build with SMR_OMIT_<OP>=1 drops the rows of that op. REGISTRY_OMITTED_1 puts a comma where any other
 * name puts none, which moves REGISTRY_DROP to the second place. */
#define REGISTRY_OMITTED_1                  ,
#define REGISTRY_SECOND(first, second, ...) second
#define REGISTRY_CHOOSE_AGAIN(junk)         REGISTRY_SECOND(junk REGISTRY_DROP, REGISTRY_KEEP, 0)
#define REGISTRY_CHOOSE_PASTED(omitted)     REGISTRY_CHOOSE_AGAIN(REGISTRY_OMITTED_##omitted)
#define REGISTRY_CHOOSE(omitted)            REGISTRY_CHOOSE_PASTED(omitted)
#define REGISTRY_DROP(...)
#define REGISTRY_KEEP(...) {__VA_ARGS__},

#define SMR_KERNEL(op, isa, prepare) \
    REGISTRY_CHOOSE(SMR_OMIT_##op)(SMR_OP_##op, SMR_ISA_##isa, #isa, NULL, prepare)
#define SMR_KERNEL_IF(op, isa, matches, prepare) \
    REGISTRY_CHOOSE(SMR_OMIT_##op)(SMR_OP_##op, SMR_ISA_##isa, #isa, matches, prepare)

/* Each list ends with a row without `prepare`, so that none is empty. */
#define REGISTRY_END {UINT16_MAX, 0, NULL, NULL, NULL}

static const smr_kernel_row isa_rows[] = {
#include "isa_kernels.inc"
    REGISTRY_END};

static const smr_kernel_row generic_rows[] = {
#include "generic/kernels.inc"
    REGISTRY_END};

#undef SMR_KERNEL
#undef SMR_KERNEL_IF

typedef struct registry_list {
    const smr_kernel_row *rows;
    size_t count;
} registry_list;

#define REGISTRY_LIST(rows) {(rows), sizeof(rows) / sizeof((rows)[0]) - 1}

static const registry_list registry_lists[] = {REGISTRY_LIST(isa_rows), REGISTRY_LIST(generic_rows)};

#define REGISTRY_LIST_COUNT (sizeof registry_lists / sizeof registry_lists[0])

/* The first row of the list for the op; the rows that follow it may be for the op too. */
static size_t find_first_row(const registry_list *list, uint16_t opcode) {
    size_t low = 0, high = list->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (list->rows[middle].opcode < opcode) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

const smr_kernel_row *smr_kernel_select(uint16_t opcode, const smr_node *node) {
    size_t i;
    for (i = 0; i < REGISTRY_LIST_COUNT; ++i) {
        const registry_list *list = &registry_lists[i];
        size_t row = find_first_row(list, opcode);
        for (; row < list->count && list->rows[row].opcode == opcode; ++row) {
            const smr_kernel_row *found = &list->rows[row];
            if ((node->isas & found->isa) == found->isa && (found->matches == NULL || found->matches(node))) {
                return found;
            }
        }
    }
    return NULL;
}

bool smr_kernel_exists(uint16_t opcode) {
    size_t i;
    for (i = 0; i < REGISTRY_LIST_COUNT; ++i) {
        const size_t row = find_first_row(&registry_lists[i], opcode);
        if (row < registry_lists[i].count && registry_lists[i].rows[row].opcode == opcode) {
            return true;
        }
    }
    return false;
}

const smr_kernel_row *smr_kernel_at(size_t index) {
    size_t i;
    for (i = 0; i < REGISTRY_LIST_COUNT; ++i) {
        if (index < registry_lists[i].count) {
            return &registry_lists[i].rows[index];
        }
        index -= registry_lists[i].count;
    }
    return NULL;
}

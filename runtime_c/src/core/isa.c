/* The names of instruction sets. */
#include "isa.h"

#include <stddef.h>
#include <string.h>

typedef struct isa_name {
    const char *name;
    uint32_t isa;
} isa_name;

static const isa_name isa_names[] = {
    {"generic", SMR_ISA_generic},
#if defined(SMR_KERNELS_X86)
    {"avx2", SMR_ISA_avx2},
    {"avxvnni", SMR_ISA_avxvnni},
    {"avx512", SMR_ISA_avx512},
    {"avx512vnni", SMR_ISA_avx512vnni},
    {"avx512vbmi", SMR_ISA_avx512vbmi},
    {"amx", SMR_ISA_amx},
#elif defined(SMR_KERNELS_ARM)
    {"neon", SMR_ISA_neon},       {"neonfp16", SMR_ISA_neonfp16},
    {"neondot", SMR_ISA_neondot}, {"neoni8mm", SMR_ISA_neoni8mm},
#elif defined(SMR_KERNELS_WASM)
    {"wasm", SMR_ISA_wasm},
#endif
};

#define ISA_COUNT (sizeof isa_names / sizeof isa_names[0])

const char *smr_isa_at(uint32_t index, uint32_t *isa) {
    if (index >= ISA_COUNT) {
        return NULL;
    }
    *isa = isa_names[index].isa;
    return isa_names[index].name;
}

uint32_t smr_isa_limit(uint32_t offered, const char *name) {
    uint32_t i;
    if (name == NULL) {
        return offered;
    }
    for (i = 0; i < ISA_COUNT; ++i) {
        if (strcmp(isa_names[i].name, name) == 0) {
            const uint32_t isa = isa_names[i].isa;
            return (offered & isa) == isa ? offered & (isa | (isa - (isa != 0))) : UINT32_MAX;
        }
    }
    return UINT32_MAX;
}

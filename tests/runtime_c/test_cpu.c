/* Which instruction sets follow from what a processor says of itself. */
#include "check.h"
#include "platform/cpu.h"

#if defined(SMR_KERNELS_X86)

#if defined(__GNUC__)
#include <cpuid.h>
#endif

static int asked;

static int grant(void) {
    ++asked;
    return 1;
}

static int refuse(void) {
    ++asked;
    return 0;
}

/* A processor that has all that there are kernels for. */
static const smr_cpu best = {1u << 12 | 1u << 27 | 1u << 28 | 1u << 29,
                             1u << 5 | 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31,
                             1u << 1 | 1u << 11,
                             1u << 24 | 1u << 25,
                             1u << 4,
                             0x600e6};

#define ALL \
    (SMR_ISA_avx2 | SMR_ISA_avxvnni | SMR_ISA_avx512 | SMR_ISA_avx512vnni | SMR_ISA_avx512vbmi | SMR_ISA_amx)

/* The tiles of AMX are asked for once, and only by a processor that has them: without leave, and where a bit
 * is missing, none of its kernels may run. */
static void test_tiles(void) {
    const uint32_t words[] = {best.first_c, best.more_b, best.more_c, best.more_d, best.kept};
    size_t word, bit;
    asked = 0;
    CHECK(smr_cpu_isas(&best, grant) == ALL && asked == 1);
    CHECK(smr_cpu_isas(&best, refuse) == (ALL & ~(uint32_t)SMR_ISA_amx) && asked == 2);
    asked = 0;
    for (word = 0; word < sizeof words / sizeof words[0]; ++word) {
        for (bit = 0; bit < 32; ++bit) {
            const uint32_t mask = ~(1u << bit);
            smr_cpu less = best;
            less.first_c &= word == 0 ? mask : UINT32_MAX;
            less.more_b &= word == 1 ? mask : UINT32_MAX;
            less.more_c &= word == 2 ? mask : UINT32_MAX;
            less.more_d &= word == 3 ? mask : UINT32_MAX;
            less.kept &= word == 4 ? mask : UINT32_MAX;
            if ((words[word] >> bit & 1) != 0) {
                CHECK((smr_cpu_isas(&less, grant) & SMR_ISA_amx) == 0);
            }
        }
    }
    CHECK(asked == 0);
}

static void test_older(void) {
    smr_cpu older = best;
    older.more_c = 1u << 11;
    CHECK(smr_cpu_isas(&older, grant) ==
          (SMR_ISA_avx2 | SMR_ISA_avxvnni | SMR_ISA_avx512 | SMR_ISA_avx512vnni));
    older.more_c = 1u << 1; /* of what comes after it nothing is used */
    CHECK(smr_cpu_isas(&older, grant) == (SMR_ISA_avx2 | SMR_ISA_avxvnni | SMR_ISA_avx512));
    older.kept = 0x6;
    CHECK(smr_cpu_isas(&older, grant) == (SMR_ISA_avx2 | SMR_ISA_avxvnni));
    older.next_a = 0;
    CHECK(smr_cpu_isas(&older, grant) == SMR_ISA_avx2);
    older.kept = 0;
    CHECK(smr_cpu_isas(&older, grant) == 0);
}

/* Whoever has asked the processor, the answers are its own. */
static void test_this(void) {
#if defined(__GNUC__) && !defined(SMR_EMULATE)
    const uint32_t found = smr_platform_isas() & ~(uint32_t)SMR_ISA_amx;
    uint32_t a, b, c, d, kept = 0;
    smr_cpu cpu = {0, 0, 0, 0, 0, 0};
    if (__get_cpuid_count(1, 0, &a, &b, &c, &d) != 0) {
        cpu.first_c = c;
    }
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
        cpu.more_b = b;
        cpu.more_c = c;
        cpu.more_d = d;
    }
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) {
        cpu.next_a = a;
    }
    if ((cpu.first_c >> 27 & 1) != 0) {
        __asm__ volatile("xgetbv" : "=a"(kept), "=d"(d) : "c"(0));
        cpu.kept = kept;
    }
    CHECK(found == smr_cpu_isas(&cpu, refuse));
#endif
}

int main(void) {
    test_tiles();
    test_older();
    test_this();
    return check_result();
}

#else

int main(void) {
    CHECK((smr_platform_isas() & (SMR_ISA_avx2 | SMR_ISA_amx)) == 0);
    return check_result();
}

#endif

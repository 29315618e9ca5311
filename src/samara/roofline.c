/* roofline THREADS TRIALS: what this machine can do at most, as one line of JSON.
 *
 * Rates of multiply-accumulate instructions, in thousands of millions of multiplications a second, by all
 * threads together: "float32 ymm", "int8 dot zmm" and so on; and bytes read, in GB/s, from buffers of the
 * sizes that are told on the command line as NAME=BYTES. Each is the best of the trials.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MOST_THREADS  64
#define TRIAL_SECONDS 0.02

/* Does some work and tells how much of it: multiplications, or bytes. */
typedef double (*work_function)(void *data, size_t size);

typedef struct {
    work_function work;
    void *data;
    size_t size;
    double rate;
    pthread_barrier_t *start;
} job;

/* Of processor time: what other programs take in the meantime does not count. */
static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void *run(void *argument) {
    job *j = argument;
    double done = 0.0, begin, end;
    pthread_barrier_wait(j->start);
    begin = seconds();
    do {
        done += j->work(j->data, j->size);
        end = seconds();
    } while (end - begin < TRIAL_SECONDS);
    j->rate = done / (end - begin);
    return NULL;
}

/* The best sum of rates, in 1e9 a second. `size` bytes are given to each thread. */
static double best(work_function work, size_t size, int threads, int trials) {
    job jobs[MOST_THREADS];
    double found = 0.0;
    int trial, i;
    for (i = 0; i < threads; ++i) {
        jobs[i].data = size > 0 ? aligned_alloc(64, size) : NULL;
        if (jobs[i].data != NULL) {
            memset(jobs[i].data, 1, size);
        }
    }
    for (trial = 0; trial < trials; ++trial) {
        pthread_t handles[MOST_THREADS];
        pthread_barrier_t start;
        double sum = 0.0;
        pthread_barrier_init(&start, NULL, (unsigned)threads);
        for (i = 0; i < threads; ++i) {
            jobs[i].work = work;
            jobs[i].size = size;
            jobs[i].start = &start;
            pthread_create(&handles[i], NULL, run, &jobs[i]);
        }
        for (i = 0; i < threads; ++i) {
            pthread_join(handles[i], NULL);
            sum += jobs[i].rate;
        }
        pthread_barrier_destroy(&start);
        found = sum > found ? sum : found;
    }
    for (i = 0; i < threads; ++i) {
        free(jobs[i].data);
    }
    return found * 1e-9;
}

#define REPEATS 20000

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>

/* A loop over COUNT independent accumulators; the instruction is told as text, accumulator last. */
#define RATE(name, features, vector, zero, text, count, multiplications)                              \
    __attribute__((target(features))) static double name(void *data, size_t size) {                   \
        vector sums[count], a = zero(), b = zero();                                                   \
        int i, j;                                                                                     \
        (void)data, (void)size;                                                                       \
        _Pragma("GCC unroll 32") for (j = 0; j < (count); ++j) sums[j] = zero();                      \
        for (i = 0; i < REPEATS; ++i) {                                                               \
            _Pragma("GCC unroll 32") for (j = 0; j < (count); ++j) __asm__ volatile(                  \
                text " %1, %2, %0" : "+v"(sums[j]) : "v"(a), "v"(b));                                 \
        }                                                                                             \
        _Pragma("GCC unroll 32") for (j = 0; j < (count); ++j) __asm__ volatile("" : : "v"(sums[j])); \
        return (double)REPEATS * (count) * (multiplications);                                         \
    }

RATE(float_ymm, "avx2,fma", __m256, _mm256_setzero_ps, "vfmadd231ps", 12, 8)
RATE(float_zmm, "avx512f", __m512, _mm512_setzero_ps, "vfmadd231ps", 24, 16)
RATE(dot_vex, "avx2,avxvnni", __m256i, _mm256_setzero_si256, "%{vex%} vpdpbusd", 12, 32)
RATE(dot_ymm, "avx512vl,avx512vnni", __m256i, _mm256_setzero_si256, "vpdpbusd", 12, 32)
RATE(dot_zmm, "avx512f,avx512vnni", __m512i, _mm512_setzero_si512, "vpdpbusd", 24, 64)

/* Without a dot product of bytes: pairs of int16 are multiplied and added, then added to the sums. */
__attribute__((target("avx2"))) static double int16_ymm(void *data, size_t size) {
    __m256i sums[10], a = _mm256_setzero_si256(), b = a, product;
    int i, j;
    (void)data, (void)size;
    _Pragma("GCC unroll 32") for (j = 0; j < 10; ++j) sums[j] = a;
    for (i = 0; i < REPEATS; ++i) {
        _Pragma("GCC unroll 32") for (j = 0; j < 10; ++j) {
            __asm__ volatile("vpmaddwd %2, %3, %1\n\tvpaddd %1, %0, %0"
                             : "+x"(sums[j]), "=&x"(product)
                             : "x"(a), "x"(b));
        }
    }
    return (double)REPEATS * 10 * 16;
}

/* Four products of 16 x 64 and 64 x 16 bytes, each into a tile of its own. */
static double matrix_tiles(void *data, size_t size) {
    struct {
        uint8_t palette, start, reserved[14];
        uint16_t columns[16];
        uint8_t rows[16];
    } config;
    int i;
    (void)data, (void)size;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (i = 0; i < 8; ++i) {
        config.columns[i] = 64;
        config.rows[i] = 16;
    }
    __asm__ volatile("ldtilecfg %0" : : "m"(config));
    for (i = 0; i < REPEATS; ++i) {
        __asm__ volatile(
            "tdpbssd %tmm4, %tmm6, %tmm0\n\ttdpbssd %tmm4, %tmm7, %tmm1\n\t"
            "tdpbssd %tmm5, %tmm6, %tmm2\n\ttdpbssd %tmm5, %tmm7, %tmm3");
    }
    __asm__ volatile("tilerelease");
    return (double)REPEATS * 4 * 16 * 16 * 64;
}

static int has_tiles(void) {
    enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d & (1u << 24)) == 0 || (d & (1u << 25)) == 0) {
        return 0;
    }
    return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

static int has_dot_vex(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & (1u << 4)) != 0;
}

#define LINES(load, register) \
    load " (%0), " register "\n\t" load " 64(%0), " register "\n\t"       \
    load " 128(%0), " register "\n\t" load " 192(%0), " register "\n\t"   \
    load " 256(%0), " register "\n\t" load " 320(%0), " register "\n\t"   \
    load " 384(%0), " register "\n\t" load " 448(%0), " register

#define READ(name, features, text, clobbered)                                       \
    __attribute__((target(features))) static double name(void *data, size_t size) { \
        const char *end = (const char *)data + size / 512 * 512, *p;                \
        size_t done = 0;                                                            \
        do {                                                                        \
            for (p = data; p < end; p += 512) {                                     \
                __asm__ volatile(text : : "r"(p) : clobbered, "memory");            \
            }                                                                       \
            done += (size_t)(end - (const char *)data);                             \
        } while (done < (1u << 22));                                                \
        return (double)done;                                                        \
    }

READ(read_zmm, "avx512f", LINES("vmovups", "%%zmm0"), "xmm0")
READ(read_ymm, "avx2", LINES("vmovups", "%%ymm0") "\n\t"
     "vmovups 32(%0), %%ymm0\n\tvmovups 96(%0), %%ymm0\n\tvmovups 160(%0), %%ymm0\n\tvmovups 224(%0), %%ymm0\n\t"
     "vmovups 288(%0), %%ymm0\n\tvmovups 352(%0), %%ymm0\n\tvmovups 416(%0), %%ymm0\n\tvmovups 480(%0), %%ymm0",
     "xmm0")
#endif

typedef float lanes __attribute__((vector_size(64)));

/* For other processors: what the compiler makes of vectors of 16 floats. */
static double float_lanes(void *data, size_t size) {
    lanes sums[6], a = {0}, b = {0};
    int i, j;
    (void)data, (void)size;
    memset(sums, 0, sizeof sums);
    for (i = 0; i < REPEATS; ++i) {
        for (j = 0; j < 6; ++j) {
            sums[j] += a * b;
        }
        __asm__ volatile("" : "+m"(a), "+m"(b));
    }
    __asm__ volatile("" : : "m"(sums));
    return (double)REPEATS * 6 * 16;
}

static double read_words(void *data, size_t size) {
    const uint64_t *words = data;
    uint64_t sum = 0;
    size_t i;
    for (i = 0; i < size / 8; ++i) {
        sum += words[i];
    }
    __asm__ volatile("" : : "r"(sum));
    return (double)(size / 8 * 8);
}

int main(int argc, char **argv) {
    const int threads = argc > 1 ? atoi(argv[1]) : 0, trials = argc > 2 ? atoi(argv[2]) : 0;
    work_function reader = read_words;
    int i;
    if (threads < 1 || threads > MOST_THREADS || trials < 1) {
        fprintf(stderr, "usage: roofline THREADS TRIALS [NAME=BYTES...]\n");
        return 2;
    }
    printf("{\"rates\": {");
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        printf("\"float32 ymm\": %.2f, ", best(float_ymm, 0, threads, trials));
        printf("\"int8 int16 ymm\": %.2f, ", best(int16_ymm, 0, threads, trials));
        reader = read_ymm;
    }
    if (has_dot_vex()) {
        printf("\"int8 dot ymm vex\": %.2f, ", best(dot_vex, 0, threads, trials));
    }
    if (__builtin_cpu_supports("avx512f")) {
        printf("\"float32 zmm\": %.2f, ", best(float_zmm, 0, threads, trials));
        reader = read_zmm;
    }
    if (__builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512vl")) {
        printf("\"int8 dot ymm\": %.2f, ", best(dot_ymm, 0, threads, trials));
        printf("\"int8 dot zmm\": %.2f, ", best(dot_zmm, 0, threads, trials));
    }
    if (has_tiles()) {
        printf("\"int8 tiles\": %.2f, ", best(matrix_tiles, 0, threads, trials));
    }
#endif
    printf("\"float32 compiled\": %.2f}, \"reads\": {", best(float_lanes, 0, threads, trials));
    for (i = 3; i < argc; ++i) {
        char *equals = strchr(argv[i], '=');
        if (equals == NULL) {
            continue;
        }
        *equals = '\0';
        printf("%s\"%s\": %.2f", i > 3 ? ", " : "", argv[i],
               best(reader, (size_t)atoll(equals + 1), threads, trials));
    }
    printf("}}\n");
    return 0;
}

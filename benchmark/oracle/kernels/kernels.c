/* Block passes of a frozen network on x86-64, in float32, maps channels last.
 *
 * One image (or a few small maps) goes through all convolutions of a block while its maps lie
 * in a core's own caches, and leaves with what both of its children need: the residual, its
 * means, and the sum with the shortcut. `library.py` finds the compiled file, `layout.py` makes
 * the tables below. GCC's vectors (Clang has them too) are all that is used beyond C.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__)

/* A convolution and the affine map behind it, for some maps at once. */
struct unit {
    const int32_t *from;   /* of each position: where in the input its first tap lies */
    const int32_t *to;     /* where in the output it is written */
    const uint64_t *needs; /* which taps lie in the map, not in its border */
    const int32_t *taps;   /* of each tap: where it lies, seen from the first */
    const float *weights;  /* for some outputs after the other: taps, channels, outputs */
    const float *scale;    /* of each output, filled up to whole vectors */
    const float *shift;
    float *output;         /* what the next unit reads, a border of zeros around it */
    const struct winograd *winograd; /* how it is computed with fewer products; or NULL */
    int32_t positions, depth, outputs, packed, tap_count, relu; /* packed: whole vectors */
};

/* A 3×3 convolution as products of transformed tiles: F(2×2, 3×3) of Lavin and Gray, "Fast
 * Algorithms for Convolutional Neural Networks", 16 products for 4 outputs instead of 36. */
struct winograd {
    const struct unit *product; /* of tiles and one of 16 transformed weights */
    const int32_t *from, *to;   /* of each tile: its first position in input and output */
    float *input, *output;      /* of some tiles: transformed, and products */
    int32_t tiles, together, from_row, to_row; /* tiles; at once; a row's numbers */
};

/* The convolutions of a residual branch, or the one of a shortcut. */
struct chain {
    struct unit *units;
    const int32_t *enter;  /* of each position: where in `entered` it is copied; or NULL */
    float *entered;        /* the first unit's input, a border of zeros around it */
    float *branch;         /* the residual, where nobody else wants it */
    float *means;          /* of one map, likewise */
    int32_t count, together, entering, channels; /* units; maps at once; one's positions, channels */
};

/* Squeeze-and-Excitation; channels are filled up with zeros to whole vectors. */
struct gate {
    const float *squeeze, *squeeze_bias; /* hidden, channels */
    const float *excite, *excite_bias;   /* hidden, channels: transposed */
    float *means, *activations, *factors;
    int32_t hidden, channels;
};

/* A block within a subtree, and room for what it hands to its children. */
struct level {
    const struct chain *body, *projection; /* the shortcut's; NULL for the identity */
    const struct gate *gate;
    float *skip, *passed, *attended;
};

/* The last blocks, mean pooling and a linear classifier. */
struct subtree {
    const struct level *levels;
    const struct unit *classifier; /* for some means at once */
    float *branch;                 /* of the block at work */
    float *pooled, *outputs;       /* means of all leaves; what the classifier makes of some */
    int32_t count;
};

enum { FREQUENCIES = 16 };

/* Numbers that are added up before they are added to the others. */
enum { PART = 64 };

/* The same functions once for each instruction set, chosen when they are called: the compiler may
 * use no other set's instructions, or older processors would stop at the first. */
#define NAME(function) function##_avx512
#ifdef __clang__
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma")))
#else
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512")))
#endif
#define LANES 16
#define HALF 8
#define ROWS 8
#include "block_pass.h"
#undef NAME
#undef TARGET
#undef LANES
#undef HALF
#undef ROWS

#define NAME(function) function##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define HALF 0
#define ROWS 6
#include "block_pass.h"

int ticket_runs_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

int ticket_runs_avx2(void) { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }

/* For the test that `library.py` declares the same. */
void ticket_sizes(int32_t *sizes) {
    int32_t all[] = {sizeof(struct unit), sizeof(struct winograd), sizeof(struct chain),
                     sizeof(struct gate), sizeof(struct level),    sizeof(struct subtree)};
    memcpy(sizes, all, sizeof all);
}

/* Raised with every change of what is declared above; see `library.py`. */
int ticket_kernels_version(void) { return 1; }

#else
int ticket_kernels_version(void) { return 0; } /* no processor that there are kernels for */
#endif

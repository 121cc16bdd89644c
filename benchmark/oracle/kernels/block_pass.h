/* A block's pass for one instruction set; included once for each.
 *
 * NAME(function) tells instruction sets apart, TARGET lets the compiler use this one. It has
 * vectors of LANES numbers, and half as long ones of HALF where outputs don't fill a long one
 * (0: it has none). ROWS positions by two vectors of outputs are as many sums as registers hold.
 */

typedef float NAME(vector) __attribute__((vector_size(LANES * 4), aligned(4)));
typedef int32_t NAME(mask) __attribute__((vector_size(LANES * 4), aligned(4)));

/* Outputs first, first + 1, … of `unit` at all positions, WIDTH vectors of them at once.
 *
 * Each number is the sum over taps, then channels, one fused multiply-add after the other,
 * whatever else is in the tile: taps that are left out lie in the border of all its positions.
 */
#define CONVOLVE(NAME_, VECTOR, MASK, LANES_, WIDTH, ROWS_)                                       \
    TARGET static void NAME_(const struct unit *unit, const float *input, float *output,          \
                             const float *weights, int first) {                                   \
        int positions = unit->positions, depth = unit->depth;                                     \
        for (int place = 0; place < positions; place += ROWS_) {                                  \
            /* The last tile begins earlier and leaves out what is there already. */              \
            int start = place + ROWS_ <= positions ? place : positions - ROWS_;                   \
            start = start < 0 ? 0 : start;                                                        \
            const float *rows[ROWS_];                                                             \
            uint64_t needs = 0;                                                                   \
            for (int i = 0; i < ROWS_; i++) {                                                     \
                int at = start + i < positions ? start + i : positions - 1;                       \
                rows[i] = input + unit->from[at];                                                 \
                needs |= unit->needs[at];                                                         \
            }                                                                                     \
            VECTOR sums[ROWS_][WIDTH];                                                            \
            for (int i = 0; i < ROWS_; i++)                                                       \
                for (int v = 0; v < WIDTH; v++) sums[i][v] = (VECTOR){0};                         \
            for (; needs; needs &= needs - 1) {                                                   \
                int tap = __builtin_ctzll(needs);                                                 \
                const float *weight = weights + (size_t)tap * depth * (WIDTH * LANES_);           \
                const float *taken[ROWS_];                                                        \
                for (int i = 0; i < ROWS_; i++) taken[i] = rows[i] + unit->taps[tap];             \
                for (int channel = 0; channel < depth; channel++) {                               \
                    VECTOR factor[WIDTH];                                                         \
                    for (int v = 0; v < WIDTH; v++)                                               \
                        factor[v] = *(const VECTOR *)(weight + v * LANES_);                       \
                    weight += WIDTH * LANES_;                                                     \
                    for (int i = 0; i < ROWS_; i++)                                               \
                        for (int v = 0; v < WIDTH; v++)                                           \
                            sums[i][v] += taken[i][channel] * factor[v];                          \
                }                                                                                 \
            }                                                                                     \
            for (int i = 0; i < ROWS_; i++) {                                                     \
                if (start + i < place || start + i >= positions) continue;                        \
                float *to = output + unit->to[start + i] + first;                                 \
                for (int v = 0; v < WIDTH; v++) {                                                 \
                    int left = unit->outputs - first - v * LANES_;                                \
                    VECTOR scale = *(const VECTOR *)(unit->scale + first + v * LANES_);           \
                    VECTOR shift = *(const VECTOR *)(unit->shift + first + v * LANES_);           \
                    VECTOR sum = sums[i][v] * scale + shift;                                      \
                    /* What is no number stays what it is. */                                     \
                    if (unit->relu) sum = (VECTOR)((MASK)sum & ~(sum < (VECTOR){0}));             \
                    if (left >= LANES_)                                                           \
                        *(VECTOR *)(to + v * LANES_) = sum;                                       \
                    else                                                                          \
                        memcpy(to + v * LANES_, &sum, left * sizeof(float));                      \
                }                                                                                 \
            }                                                                                     \
        }                                                                                         \
    }

CONVOLVE(NAME(convolve_two), NAME(vector), NAME(mask), LANES, 2, ROWS)
CONVOLVE(NAME(convolve_one), NAME(vector), NAME(mask), LANES, 1, 8)
#if HALF
typedef float NAME(half) __attribute__((vector_size(HALF * 4), aligned(4)));
typedef int32_t NAME(half_mask) __attribute__((vector_size(HALF * 4), aligned(4)));
CONVOLVE(NAME(convolve_half), NAME(half), NAME(half_mask), HALF, 1, 8)
#endif
#undef CONVOLVE

TARGET static void NAME(convolve)(const struct unit *unit, const float *input, float *output) {
    const float *weights = unit->weights;
    size_t inputs = (size_t)unit->tap_count * unit->depth;
    int first = 0;
    for (; unit->outputs - first >= 2 * LANES; first += 2 * LANES) {
        NAME(convolve_two)(unit, input, output, weights, first);
        weights += inputs * 2 * LANES;
    }
#if HALF
    for (; unit->outputs - first >= LANES; first += LANES) {
        NAME(convolve_one)(unit, input, output, weights, first);
        weights += inputs * LANES;
    }
    for (; first < unit->outputs; first += HALF) {
        NAME(convolve_half)(unit, input, output, weights, first);
        weights += inputs * HALF;
    }
#else
    for (; first < unit->outputs; first += LANES) {
        NAME(convolve_one)(unit, input, output, weights, first);
        weights += inputs * LANES;
    }
#endif
}

/* Mean of each channel, summed in parts: long sums would lose digits. */
TARGET static void NAME(mean)(const float *map, float *means, int positions, int channels) {
    for (int c = 0; c < channels; c += PART) {
        int width = channels - c < PART ? channels - c : PART;
        float total[PART] = {0};
        for (int p = 0; p < positions; p += PART) {
            float part[PART] = {0};
            int stop = positions - p < PART ? positions : p + PART;
            for (int q = p; q < stop; q++)
                for (int i = 0; i < width; i++) part[i] += map[(size_t)q * channels + c + i];
            for (int i = 0; i < width; i++) total[i] += part[i];
        }
        for (int i = 0; i < width; i++) means[c + i] = total[i] / (float)positions;
    }
}

/* relu(skip + gate · residual) of one map, or its mean of each channel; gate may be NULL. */
TARGET static void NAME(join_map)(const float *skip, const float *residual, const float *gate,
                                  float *joined, int positions, int channels) {
    for (int p = 0; p < positions; p++) {
        size_t at = (size_t)p * channels;
        for (int c = 0; c < channels; c++) {
            float sum = gate ? skip[at + c] + residual[at + c] * gate[c] : skip[at + c] + residual[at + c];
            joined[at + c] = sum < 0 ? 0 : sum;
        }
    }
}

TARGET void NAME(ticket_join)(const float *skip, const float *residual, const float *gate,
                              float *joined, float *pooled, float *scratch, int64_t images,
                              int positions, int channels) {
    size_t size = (size_t)positions * channels;
    for (int64_t n = 0; n < images; n++) {
        float *to = pooled ? scratch : joined + n * size;
        NAME(join_map)(skip + n * size, residual + n * size, gate ? gate + n * channels : 0, to,
                       positions, channels);
        if (pooled) NAME(mean)(to, pooled + n * channels, positions, channels);
    }
}

TARGET void NAME(ticket_pass)(const struct chain *chain, const float *input, int64_t images,
                              const float *skip, float *residual, float *means, float *passed,
                              float *pooled) {
    const struct unit *last = &chain->units[chain->count - 1];
    int together = chain->together, channels = last->outputs;
    int entering = chain->entering, positions = last->positions / together;
    size_t taken = (size_t)entering * chain->channels, made = (size_t)positions * channels;
    for (int64_t first = 0; first < images; first += together) {
        /* The last maps go with some that are there already, and come out as before. */
        int64_t start = first + together <= images ? first : images - together;
        const float *map = input + start * taken;
        if (chain->enter) {
            for (int i = 0; i < entering * together; i++)
                memcpy(chain->entered + chain->enter[i], map + (size_t)i * chain->channels,
                       chain->channels * sizeof(float));
            map = chain->entered;
        }
        float *branch = residual ? residual + start * made : chain->branch;
        for (int i = 0; i < chain->count; i++) {
            const struct unit *unit = &chain->units[i];
            float *output = i + 1 < chain->count ? unit->output : branch;
            NAME(convolve)(unit, map, output);
            map = output;
        }
        for (int i = 0; i < together; i++) {
            const float *of = branch + i * made;
            if (means) NAME(mean)(of, means + (start + i) * channels, positions, channels);
            if (passed || pooled)
                NAME(ticket_join)(skip + (start + i) * made, of, 0,
                                  passed ? passed + (start + i) * made : 0,
                                  pooled ? pooled + (start + i) * channels : 0, chain->joined, 1,
                                  positions, channels);
        }
    }
}

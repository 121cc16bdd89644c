/* A block's pass for one instruction set; included once for each.
 *
 * NAME(function) tells instruction sets apart, TARGET lets the compiler use this one. It has
 * vectors of LANES numbers, and half as long ones of HALF where outputs don't fill a long one
 * (0: it has none). ROWS positions by two vectors of outputs are as many sums as registers hold.
 */

typedef float NAME(vector) __attribute__((vector_size(LANES * 4), aligned(4)));
typedef int32_t NAME(mask) __attribute__((vector_size(LANES * 4), aligned(4)));

/* Sums stay in registers only where nothing but constants says which is which. */
#define UNROLLED _Pragma("GCC unroll 8")

/* Outputs first, first + 1, … of `unit` at all positions, WIDTH vectors of them at once.
 *
 * Each number is the sum over taps, then channels, one fused multiply-add after the other,
 * whatever else is in the tile: taps that are left out lie in the border of all its positions.
 */
#define CONVOLVE(NAME_, VECTOR, MASK, LANES_, WIDTH, ROWS_)                                       \
    TARGET static void NAME_(const struct unit *unit, const float *input, float *output,          \
                             const float *weights, int first) {                                   \
        int positions = unit->positions, depth = unit->depth, relu = unit->relu;                  \
        int missing = first + WIDTH * LANES_ - unit->outputs; /* of the last vector, or < 0 */    \
        VECTOR scale[WIDTH], shift[WIDTH];                                                        \
        UNROLLED for (int v = 0; v < WIDTH; v++) {                                                \
            scale[v] = *(const VECTOR *)(unit->scale + first + v * LANES_);                       \
            shift[v] = *(const VECTOR *)(unit->shift + first + v * LANES_);                       \
        }                                                                                         \
        for (int place = 0; place < positions; place += ROWS_) {                                  \
            /* The last tile begins earlier and leaves out what is there already. */              \
            int start = place + ROWS_ <= positions ? place : positions - ROWS_;                   \
            start = start < 0 ? 0 : start;                                                        \
            const float *rows[ROWS_];                                                             \
            uint64_t needs = 0;                                                                   \
            UNROLLED for (int i = 0; i < ROWS_; i++) {                                            \
                int at = start + i < positions ? start + i : positions - 1;                       \
                rows[i] = input + unit->from[at];                                                 \
                needs |= unit->needs[at];                                                         \
            }                                                                                     \
            VECTOR sums[ROWS_][WIDTH];                                                            \
            UNROLLED for (int i = 0; i < ROWS_; i++)                                              \
                UNROLLED for (int v = 0; v < WIDTH; v++) sums[i][v] = (VECTOR){0};                \
            for (; needs; needs &= needs - 1) {                                                   \
                int tap = __builtin_ctzll(needs);                                                 \
                const float *weight = weights + (size_t)tap * depth * (WIDTH * LANES_);           \
                const float *taken[ROWS_];                                                        \
                UNROLLED for (int i = 0; i < ROWS_; i++) taken[i] = rows[i] + unit->taps[tap];    \
                for (int channel = 0; channel < depth; channel++) {                               \
                    VECTOR factor[WIDTH];                                                         \
                    UNROLLED for (int v = 0; v < WIDTH; v++)                                      \
                        factor[v] = *(const VECTOR *)(weight + v * LANES_);                       \
                    weight += WIDTH * LANES_;                                                     \
                    UNROLLED for (int i = 0; i < ROWS_; i++)                                      \
                        UNROLLED for (int v = 0; v < WIDTH; v++)                                  \
                            sums[i][v] += taken[i][channel] * factor[v];                          \
                }                                                                                 \
            }                                                                                     \
            UNROLLED for (int i = 0; i < ROWS_; i++) {                                            \
                if (start + i < place || start + i >= positions) continue;                        \
                float *to = output + unit->to[start + i] + first;                                 \
                UNROLLED for (int v = 0; v < WIDTH; v++) {                                        \
                    VECTOR sum = sums[i][v] * scale[v] + shift[v];                                \
                    /* What is no number stays what it is. */                                     \
                    if (relu) sum = (VECTOR)((MASK)sum & ~(sum < (VECTOR){0}));                   \
                    if (v + 1 < WIDTH || missing <= 0) {                                          \
                        *(VECTOR *)(to + v * LANES_) = sum;                                       \
                    } else {                                                                      \
                        VECTOR last = sum;                                                        \
                        memcpy(to + v * LANES_, &last, (LANES_ - missing) * sizeof(float));       \
                    }                                                                             \
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

/* A convolution by its definition: all outputs in panels of two vectors, then what is left in
 * narrower ones. `packed_weight` in layout.py lays the weights out panel by panel, in this order. */
TARGET static void NAME(direct)(const struct unit *unit, const float *input, float *output,
                                const float *weights) {
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

typedef float NAME(single) __attribute__((vector_size(4), aligned(4)));
typedef int32_t NAME(single_mask) __attribute__((vector_size(4), aligned(4)));

/* Goes on from channel `c` to the last: four vectors of channels at once, then one, then singly. */
#define OVER_CHANNELS(MACRO)                                                                      \
    for (; c + 4 * LANES <= channels; c += 4 * LANES) MACRO(NAME(vector), NAME(mask), LANES, 4)   \
    for (; c + LANES <= channels; c += LANES) MACRO(NAME(vector), NAME(mask), LANES, 1)           \
    for (; c < channels; c++) MACRO(NAME(single), NAME(single_mask), 1, 1)

/* Transforms 4×4 positions around each tile of 2×2: Bᵀ d B with Lavin and Gray's
 * Bᵀ = (1 0 −1 0; 0 1 1 0; 0 −1 1 0; 0 1 0 −1), down the columns first, then along the rows.
 * Results of one of the 16 frequencies lie together, so that a product reads them in a row. */
TARGET static void NAME(transform)(const struct unit *unit, const float *input, int first,
                                   int tiles) {
    const struct winograd *plan = unit->winograd;
    int channels = unit->depth;
    size_t apart = (size_t)tiles * channels;
    for (int t = 0; t < tiles; t++) {
        const float *from = input + plan->from[first + t];
        float *to = plan->input + (size_t)t * channels;
        int c = 0;
#define TRANSFORM(VECTOR, MASK, LANES_, WIDTH)                                                    \
    for (int v = 0; v < WIDTH; v++) {                                                             \
        VECTOR by_column[4][4];                                                                   \
        for (int j = 0; j < 4; j++) {                                                             \
            VECTOR d[4];                                                                          \
            for (int i = 0; i < 4; i++)                                                           \
                d[i] = *(const VECTOR *)(from + i * plan->from_row + j * channels + c + v * LANES_); \
            by_column[0][j] = d[0] - d[2], by_column[1][j] = d[1] + d[2];                         \
            by_column[2][j] = d[2] - d[1], by_column[3][j] = d[1] - d[3];                         \
        }                                                                                         \
        for (int i = 0; i < 4; i++) {                                                             \
            VECTOR *d = by_column[i];                                                             \
            float *row = to + 4 * i * apart + c + v * LANES_;                                     \
            *(VECTOR *)row = d[0] - d[2], *(VECTOR *)(row + apart) = d[1] + d[2];                 \
            *(VECTOR *)(row + 2 * apart) = d[2] - d[1];                                           \
            *(VECTOR *)(row + 3 * apart) = d[1] - d[3];                                           \
        }                                                                                         \
    }
        OVER_CHANNELS(TRANSFORM)
#undef TRANSFORM
    }
}

/* Makes 2×2 outputs of each tile's products: Aᵀ m A with Aᵀ = (1 1 1 0; 0 1 −1 −1); the unit's
 * scale, shift and ReLU follow here, since they can't be folded into 16 products. */
TARGET static void NAME(restore)(const struct unit *unit, float *output, int first, int tiles) {
    const struct winograd *plan = unit->winograd;
    int channels = unit->outputs;
    size_t apart = (size_t)tiles * channels;
    for (int t = 0; t < tiles; t++) {
        const float *from = plan->output + (size_t)t * channels;
        float *to = output + plan->to[first + t];
        int c = 0;
#define RESTORE(VECTOR, MASK, LANES_, WIDTH)                                                      \
    for (int v = 0; v < WIDTH; v++) {                                                             \
        VECTOR by_column[2][4], scale = *(const VECTOR *)(unit->scale + c + v * LANES_);          \
        VECTOR shift = *(const VECTOR *)(unit->shift + c + v * LANES_);                           \
        for (int j = 0; j < 4; j++) {                                                             \
            VECTOR m[4];                                                                          \
            for (int i = 0; i < 4; i++)                                                           \
                m[i] = *(const VECTOR *)(from + (4 * i + j) * apart + c + v * LANES_);            \
            by_column[0][j] = m[0] + m[1] + m[2], by_column[1][j] = m[1] - m[2] - m[3];           \
        }                                                                                         \
        for (int i = 0; i < 2; i++) {                                                             \
            VECTOR *m = by_column[i], two[2] = {m[0] + m[1] + m[2], m[1] - m[2] - m[3]};          \
            for (int j = 0; j < 2; j++) {                                                         \
                VECTOR sum = two[j] * scale + shift;                                              \
                if (unit->relu) sum = (VECTOR)((MASK)sum & ~(sum < (VECTOR){0}));                 \
                *(VECTOR *)(to + i * plan->to_row + j * channels + c + v * LANES_) = sum;         \
            }                                                                                     \
        }                                                                                         \
    }
        OVER_CHANNELS(RESTORE)
#undef RESTORE
    }
}

/* The convolution of `unit`, whichever way its tables say. By Winograd tiles go through in groups
 * whose transforms stay in the cache; all products are those of `direct` with a single tap. */
TARGET static void NAME(convolve)(const struct unit *unit, const float *input, float *output) {
    const struct winograd *plan = unit->winograd;
    if (!plan) {
        NAME(direct)(unit, input, output, unit->weights);
        return;
    }
    for (int first = 0; first < plan->tiles; first += plan->together) {
        struct unit product = *plan->product;
        int left = plan->tiles - first;
        product.positions = left < plan->together ? left : plan->together;
        size_t weights = (size_t)unit->depth * product.packed;
        NAME(transform)(unit, input, first, product.positions);
        for (int f = 0; f < FREQUENCIES; f++)
            NAME(direct)(&product, plan->input + f * (size_t)product.positions * unit->depth,
                         plan->output + f * (size_t)product.positions * unit->outputs,
                         unit->weights + f * weights);
        NAME(restore)(unit, output, first, product.positions);
    }
}

/* Mean of each channel of a map; sums of parts first: long sums would lose digits. */
TARGET static void NAME(mean)(const float *map, float *means, int positions, int channels) {
    int c = 0;
#define MEAN(VECTOR, MASK, LANES_, WIDTH)                                                         \
    {                                                                                             \
        VECTOR total[WIDTH] = {0};                                                                \
        for (int p = 0; p < positions; p += PART) {                                               \
            VECTOR part[WIDTH] = {0};                                                             \
            int stop = positions - p < PART ? positions : p + PART;                               \
            for (int q = p; q < stop; q++)                                                        \
                for (int v = 0; v < WIDTH; v++)                                                   \
                    part[v] += *(const VECTOR *)(map + (size_t)q * channels + c + v * LANES_);    \
            for (int v = 0; v < WIDTH; v++) total[v] += part[v];                                  \
        }                                                                                         \
        for (int v = 0; v < WIDTH; v++)                                                           \
            *(VECTOR *)(means + c + v * LANES_) = total[v] / (float)positions;                    \
    }
    OVER_CHANNELS(MEAN)
#undef MEAN
}

/* relu(skip + residual) to `passed`, relu(skip + gate · residual) to `attended`, or the means of
 * each channel where `pooled`. No `gate` is a gate of one, no place to write to not wanted. */
TARGET static void NAME(join)(const float *skip, const float *residual, const float *gate,
                              float *passed, float *attended, int pooled, int positions,
                              int channels) {
    int c = 0;
#define JOINED(SUM, TOTAL, TO)                                                                    \
    sum = SUM;                                                                                    \
    sum = (vector)((mask)sum & ~(sum < (vector){0}));                                             \
    if (pooled)                                                                                   \
        TOTAL += sum;                                                                             \
    else                                                                                          \
        *(vector *)(TO + at) = sum;
#define JOIN(VECTOR, MASK, LANES_, WIDTH)                                                         \
    {                                                                                             \
        typedef VECTOR vector;                                                                    \
        typedef MASK mask;                                                                        \
        vector factor[WIDTH], of_passed[WIDTH] = {0}, of_attended[WIDTH] = {0};                   \
        for (int v = 0; v < WIDTH; v++)                                                           \
            factor[v] = gate ? *(const vector *)(gate + c + v * LANES_) : 1 + (vector){0};        \
        for (int p = 0; p < positions; p += PART) {                                               \
            vector part[WIDTH] = {0}, attended_part[WIDTH] = {0};                                 \
            int stop = positions - p < PART ? positions : p + PART;                               \
            for (int q = p; q < stop; q++)                                                        \
                for (int v = 0; v < WIDTH; v++) {                                                 \
                    size_t at = (size_t)q * channels + c + v * LANES_;                            \
                    vector from = *(const vector *)(skip + at), sum;                              \
                    vector branch = *(const vector *)(residual + at);                             \
                    if (passed) { JOINED(from + branch, part[v], passed) }                        \
                    if (attended) { JOINED(from + branch * factor[v], attended_part[v], attended) } \
                }                                                                                 \
            for (int v = 0; v < WIDTH; v++) {                                                     \
                of_passed[v] += part[v];                                                          \
                of_attended[v] += attended_part[v];                                               \
            }                                                                                     \
        }                                                                                         \
        for (int v = 0; v < WIDTH && pooled; v++) {                                               \
            if (passed) *(vector *)(passed + c + v * LANES_) = of_passed[v] / (float)positions;   \
            if (attended)                                                                         \
                *(vector *)(attended + c + v * LANES_) = of_attended[v] / (float)positions;       \
        }                                                                                         \
    }
    OVER_CHANNELS(JOIN)
#undef JOIN
#undef JOINED
}

/* 1 / (1 + exp(−x)); the power of two by a polynomial (Cephes), good to a few units in the
 * last place. What is no number stays so. */
TARGET static inline NAME(vector) NAME(sigmoid)(NAME(vector) x) {
    NAME(vector) zero = {0}, t = x * -1.44269504f;
    NAME(mask) low = t < -126.0f, high = t > 126.0f;
    t = (NAME(vector))(((NAME(mask))t & ~low & ~high) |
                       ((NAME(mask))(zero - 126.0f) & low) |
                       ((NAME(mask))(zero + 126.0f) & high));
    NAME(vector) whole = (t + 12582912.0f) - 12582912.0f; /* 1.5 · 2²³ leaves no digits behind */
    NAME(vector) rest = t - whole;
    NAME(vector) power = zero + 1.535336188319500e-4f;
    power = power * rest + 1.339887440266574e-3f;
    power = power * rest + 9.618437357674640e-3f;
    power = power * rest + 5.550332471162809e-2f;
    power = power * rest + 2.402264791363012e-1f;
    power = power * rest + 6.931472028550421e-1f;
    power = power * rest + 1.0f;
    NAME(mask) exponent = (__builtin_convertvector(whole, NAME(mask)) + 127) << 23;
    return 1.0f / (1.0f + power * (NAME(vector))exponent);
}

/* The gate of one image by two fully connected layers. */
TARGET static void NAME(excite)(const struct gate *gate, const float *means, int channels) {
    memcpy(gate->means, means, channels * sizeof(float));
    for (int h = 0; h < gate->hidden; h++) {
        NAME(vector) sums = {0};
        for (int c = 0; c < gate->channels; c += LANES)
            sums += *(const NAME(vector) *)(gate->means + c) *
                    *(const NAME(vector) *)(gate->squeeze + (size_t)h * gate->channels + c);
        float sum = gate->squeeze_bias[h];
        for (int i = 0; i < LANES; i++) sum += sums[i];
        gate->activations[h] = sum < 0 ? 0 : sum;
    }
    for (int c = 0; c < gate->channels; c += LANES) {
        NAME(vector) sum = *(const NAME(vector) *)(gate->excite_bias + c);
        for (int h = 0; h < gate->hidden; h++)
            sum += gate->activations[h] *
                   *(const NAME(vector) *)(gate->excite + (size_t)h * gate->channels + c);
        *(NAME(vector) *)(gate->factors + c) = NAME(sigmoid)(sum);
    }
}

/* Some maps through a chain: `map` to `branch`. */
TARGET static void NAME(run)(const struct chain *chain, const float *map, float *branch) {
    if (chain->enter) { /* the first kernel sees a border: copy what enters into one */
        for (int i = 0; i < chain->entering * chain->together; i++)
            memcpy(chain->entered + chain->enter[i], map + (size_t)i * chain->channels,
                   chain->channels * sizeof(float));
        map = chain->entered;
    }
    for (int i = 0; i < chain->count; i++) {
        float *output = i + 1 < chain->count ? chain->units[i].output : branch;
        NAME(convolve)(&chain->units[i], map, output);
        map = output;
    }
}

/* Maps that come out of a chain for each that enters have `made` numbers, `positions` of them. */
#define LEAVING(chain)                                                                            \
    const struct unit *last = &(chain)->units[(chain)->count - 1];                                \
    int channels = last->outputs, positions = last->positions / (chain)->together;                \
    size_t made = (size_t)positions * channels;

/* One child of many images from their residuals, where torch made the gate: see `join`. */
TARGET void NAME(ticket_join)(const float *skip, const float *residual, const float *gate,
                              float *joined, int pooled, int64_t images, int positions,
                              int channels) {
    size_t size = (size_t)positions * channels;
    for (int64_t n = 0; n < images; n++)
        NAME(join)(skip + n * size, residual + n * size, gate ? gate + n * channels : 0, 0,
                   joined + n * (pooled ? (size_t)channels : size), pooled, positions, channels);
}

/* A block's pass over `images` maps, as many at once as the chain's tables are for. What is wanted
 * is what has a place: the residuals and their means for a gate that torch computes, both children
 * where the gate is ours. */
TARGET void NAME(ticket_pass)(const struct chain *chain, const struct gate *gate,
                              const float *input, const float *skip, int64_t images,
                              float *residual, float *means, float *passed, float *attended,
                              int pooled) {
    LEAVING(chain)
    int together = chain->together;
    size_t left = pooled ? (size_t)channels : made;
    for (int64_t first = 0; first < images; first += together) {
        /* The last maps go with some that are there already, and come out as before. */
        int64_t start = first + together <= images ? first : images - together;
        float *branch = residual ? residual + start * made : chain->branch;
        NAME(run)(chain, input + start * chain->entering * chain->channels, branch);
        for (int i = 0; i < together && (passed || attended || means); i++) {
            const float *of = branch + i * made;
            int64_t n = start + i;
            float *mean = means ? means + n * channels : chain->means;
            if (means || attended) NAME(mean)(of, mean, positions, channels);
            if (attended) NAME(excite)(gate, mean, channels);
            if (passed || attended)
                NAME(join)(skip + n * made, of, attended ? gate->factors : 0,
                           passed ? passed + n * left : 0, attended ? attended + n * left : 0,
                           pooled, positions, channels);
        }
    }
}

/* All schemes of a subtree for some maps; `scales` are scale and shift of one unit after the
 * other in the order of nodes, or NULL where those of the units stay. */
TARGET static void NAME(walk)(const struct subtree *tree, int level, const float *map,
                              const uint8_t *schemes, int first, int stop,
                              const float *const **scales) {
    const struct level *here = &tree->levels[level];
    LEAVING(here->body)
    /* Rows are sorted: those without this block's SAM are first … ones, those with it ones … stop.
     * Both subtrees are walked by recursion; maps of a level are overwritten only when both are
     * done. At the last level nothing but means is left, kept for the classifier of all leaves. */
    int together = here->body->together, pooled = level + 1 == tree->count, ones = first;
    while (ones < stop && !schemes[(size_t)ones * tree->count + level]) ones++;
    if (*scales)
        for (int i = 0; i < here->body->count + (here->projection ? 1 : 0); i++) {
            struct unit *unit =
                i < here->body->count ? &here->body->units[i] : here->projection->units;
            unit->scale = *(*scales)++;
            unit->shift = *(*scales)++;
        }
    const float *skip = map;
    if (here->projection) NAME(run)(here->projection, map, here->skip), skip = here->skip;
    NAME(run)(here->body, map, tree->branch);
    for (int i = 0; i < together; i++) {
        const float *of = tree->branch + i * made;
        float *passed = here->passed + i * made, *attended = here->attended + i * made;
        if (pooled) {
            passed = tree->pooled + ((size_t)first * together + i) * channels;
            attended = tree->pooled + ((size_t)ones * together + i) * channels;
        }
        if (ones < stop) {
            NAME(mean)(of, here->body->means, positions, channels);
            NAME(excite)(here->gate, here->body->means, channels);
        }
        NAME(join)(skip + i * made, of, ones < stop ? here->gate->factors : 0,
                   first < ones ? passed : 0, ones < stop ? attended : 0, pooled, positions,
                   channels);
    }
    if (pooled) return;
    if (first < ones) NAME(walk)(tree, level + 1, here->passed, schemes, first, ones, scales);
    if (ones < stop) NAME(walk)(tree, level + 1, here->attended, schemes, ones, stop, scales);
}

/* Outputs (schemes, images, classes) of all schemes of a subtree for `images` maps. */
TARGET void NAME(ticket_walk)(const struct subtree *tree, const float *input, int64_t images,
                              const uint8_t *schemes, int rows, const float *const *scales,
                              float *outputs) {
    const struct chain *entering = tree->levels[0].body;
    size_t taken = (size_t)entering->entering * entering->channels;
    int together = entering->together, classes = tree->classifier->outputs;
    for (int64_t first = 0; first < images; first += together) {
        int64_t start = first + together <= images ? first : images - together;
        const float *const *cursor = scales;
        NAME(walk)(tree, 0, input + start * taken, schemes, 0, rows, &cursor);
        for (int done = 0; done < rows * together; done += tree->classifier->positions) {
            struct unit some = *tree->classifier;
            int left = rows * together - done;
            some.positions = left < some.positions ? left : some.positions;
            NAME(direct)(&some, tree->pooled + (size_t)done * some.depth, tree->outputs, some.weights);
            for (int i = 0; i < some.positions; i++) {
                size_t row = (done + i) / together, image = start + (done + i) % together;
                memcpy(outputs + (row * images + image) * classes,
                       tree->outputs + (size_t)i * classes, classes * sizeof(float));
            }
        }
    }
}

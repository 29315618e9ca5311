/* non_max_suppression. */
#include "convert.h"
#include "places.h"

static float boxes_element(const smr_value *x, size_t at) {
    float value;
    smr_load_floats(x->dtype, x->data, at, 1, &value);
    return value;
}

/* The scores of one class of one image. */
typedef struct boxes_scores {
    const smr_value *scores;
    size_t first;
} boxes_scores;

static bool boxes_before(const void *context, int64_t a, int64_t b) {
    const boxes_scores *line = context;
    const float left = boxes_element(line->scores, line->first + (size_t)a);
    const float right = boxes_element(line->scores, line->first + (size_t)b);
    return left != right ? left > right : a < b;
}

typedef struct boxes_box {
    float low[2], high[2], area;
} boxes_box;

static boxes_box boxes_read(const smr_value *boxes, size_t number, bool center) {
    boxes_box box;
    float values[4];
    int k;
    smr_load_floats(boxes->dtype, boxes->data, number * 4, 4, values);
    for (k = 0; k < 2; ++k) {
        const float a = values[k], b = values[k + 2];
        box.low[k] = center ? a - b / 2.0f : (b < a ? b : a);
        box.high[k] = center ? a + b / 2.0f : (b > a ? b : a);
    }
    box.area = (box.high[0] - box.low[0]) * (box.high[1] - box.low[1]);
    return box;
}

/* The area that two boxes share, of the area that both cover. */
static float boxes_overlap(const boxes_box *a, const boxes_box *b) {
    float shared = 1.0f, both;
    int k;
    for (k = 0; k < 2; ++k) {
        const float high = a->high[k] < b->high[k] ? a->high[k] : b->high[k];
        const float low = a->low[k] > b->low[k] ? a->low[k] : b->low[k];
        shared *= high - low > 0.0f ? high - low : 0.0f;
    }
    both = a->area + b->area - shared;
    return a->area > 0.0f && b->area > 0.0f && both > 0.0f ? shared / both : 0.0f;
}

/* Writes the boxes of class `line`, counted through all images, from `selected` on, and gives their number.
 */
static size_t boxes_select(const smr_node *node, size_t line, size_t most, float iou, float least,
                           int64_t *selected) {
    const bool center = node->attributes.non_max_suppression.center_point_box != 0;
    const smr_value *boxes = node->inputs[0], *scores = node->inputs[1];
    const size_t classes = (size_t)scores->dims[1], count = (size_t)scores->dims[2];
    const size_t image = line / classes;
    const boxes_scores ranked = {scores, line * count};
    const smr_places order = {node->outputs[2], 0, 1, boxes_before, &ranked};
    size_t candidates = 0, kept = 0, i, k;
    for (i = 0; i < count; ++i) {
        if (boxes_element(scores, ranked.first + i) > least) {
            smr_places_set(&order, candidates++, (int64_t)i);
        }
    }
    smr_places_sort(&order, candidates);
    for (i = 0; i < candidates && kept < most; ++i) {
        const int64_t place = smr_places_get(&order, i);
        const boxes_box box = boxes_read(boxes, image * count + (size_t)place, center);
        bool alone = true;
        for (k = 0; alone && k < kept; ++k) {
            const boxes_box other = boxes_read(boxes, image * count + (size_t)selected[3 * k + 2], center);
            alone = !(boxes_overlap(&box, &other) > iou);
        }
        if (alone) {
            selected[3 * kept] = (int64_t)image;
            selected[3 * kept + 1] = (int64_t)(line % classes);
            selected[3 * kept + 2] = place;
            ++kept;
        }
    }
    for (i = candidates; i < count; ++i) {
        smr_places_set(&order, i, 0);
    }
    return kept;
}

/* One work item: what is found lies together. */
static smr_status run_non_max_suppression(const smr_node *node, size_t begin, size_t end, smr_error *error) {
    const smr_value *scores = node->inputs[1], *selected = node->outputs[0];
    const float iou = boxes_element(node->inputs[4], 0), least = boxes_element(node->inputs[5], 0);
    const int64_t asked = array_index(node->inputs[3], 0);
    const size_t lines = scores->count == 0 ? 0 : scores->count / (size_t)scores->dims[2];
    const size_t room = lines == 0 ? 0 : (size_t)selected->dims[0] / lines;
    const size_t most = asked < 0 ? 0 : (uint64_t)asked < room ? (size_t)asked : room;
    size_t found = 0, line;
    (void)begin;
    (void)end;
    (void)error;
    for (line = 0; line < lines; ++line) {
        found += boxes_select(node, line, most, iou, least, (int64_t *)selected->data + 3 * found);
    }
    if (lines == 0 && node->outputs[2]->count > 0) {
        memset(node->outputs[2]->data, 0, node->outputs[2]->count * sizeof(int32_t));
    }
    if (selected->count > 3 * found) {
        memset((int64_t *)selected->data + 3 * found, 0, (selected->count - 3 * found) * sizeof(int64_t));
    }
    *(int64_t *)node->outputs[1]->data = (int64_t)found;
    return SMR_OK;
}

smr_status smr_prepare_non_max_suppression(smr_node *node, smr_error *error) {
    const smr_value *boxes = node->inputs[0], *scores = node->inputs[1];
    const smr_value *selected = node->outputs[0], *order = node->outputs[2];
    int64_t lines;
    int32_t i;
    SMR_TRY(smr_array_check_rank(boxes, 3, error));
    SMR_TRY(smr_array_check_rank(scores, 3, error));
    SMR_TRY(smr_array_check_dim(boxes, 0, scores->dims[0], error));
    SMR_TRY(smr_array_check_dim(boxes, 1, scores->dims[2], error));
    SMR_TRY(smr_array_check_dim(boxes, 2, 4, error));
    for (i = 3; i < 6; ++i) {
        SMR_TRY(smr_array_check_rank(node->inputs[i], 0, error));
    }
    SMR_TRY(smr_array_check_rank(selected, 2, error));
    SMR_TRY(smr_array_check_dim(selected, 1, 3, error));
    SMR_TRY(smr_array_check_rank(node->outputs[1], 0, error));
    SMR_TRY(smr_array_check_rank(order, 1, error));
    SMR_TRY(smr_array_check_dim(order, 0, scores->dims[2], error));
    lines = (int64_t)scores->dims[0] * scores->dims[1];
    if (lines == 0 ? selected->dims[0] != 0 : selected->dims[0] % lines != 0) {
        SMR_FAIL(error, SMR_ERROR_MODEL, "room for %d boxes of %lld classes", (int)selected->dims[0],
                 (long long)lines);
    }
    node->run = run_non_max_suppression;
    node->whole = true;
    node->work = 1;
    return SMR_OK;
}

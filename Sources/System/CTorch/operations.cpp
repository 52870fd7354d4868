// Arithmetic, reductions, and what optimizers do in place.
#include "guarded.h"

using ct::guarded;
using ct::list;
using ct::produce;

int ct_add(const ct_tensor *a, const ct_tensor *b, double factor, ct_tensor **out) {
    return produce(out, [&] { return factor == 1 ? at::add(a->value, b->value) : at::add(a->value, b->value, factor); });
}
int ct_multiply(const ct_tensor *a, const ct_tensor *b, ct_tensor **out) {
    return produce(out, [&] { return at::mul(a->value, b->value); });
}
int ct_divide(const ct_tensor *a, const ct_tensor *b, ct_tensor **out) {
    return produce(out, [&] { return at::div(a->value, b->value); });
}
int ct_equal(const ct_tensor *a, const ct_tensor *b, ct_tensor **out) {
    return produce(out, [&] { return at::eq(a->value, b->value); });
}
int ct_greater(const ct_tensor *a, double than, ct_tensor **out) {
    return produce(out, [&] { return at::gt(a->value, than); });
}
int ct_affine(const ct_tensor *a, double factor, double offset, ct_tensor **out) {
    return produce(out, [&] {
        // Always a tensor of its own, never another handle of `a`.
        if (offset == 0) return at::mul(a->value, factor);
        return at::add(factor == 1 ? a->value : at::mul(a->value, factor), offset);
    });
}
int ct_power(const ct_tensor *a, double exponent, ct_tensor **out) {
    return produce(out, [&] { return at::pow(a->value, exponent); });
}
int ct_where(const ct_tensor *condition, const ct_tensor *a, const ct_tensor *b, ct_tensor **out) {
    return produce(out, [&] { return at::where(condition->value, a->value, b->value); });
}
int ct_masked_fill(const ct_tensor *a, const ct_tensor *mask, double value, ct_tensor **out) {
    return produce(out, [&] { return at::masked_fill(a->value, mask->value, value); });
}
int ct_exp(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::exp(a->value); });
}
int ct_log(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::log(a->value); });
}
int ct_sqrt(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::sqrt(a->value); });
}
int ct_absolute(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::abs(a->value); });
}
int ct_relu(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::relu(a->value); });
}
int ct_gelu(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::gelu(a->value); });
}

int ct_sum(const ct_tensor *a, const int64_t *axes, int64_t count, int keep, ct_tensor **out) {
    return produce(out, [&] { return count == 0 ? at::sum(a->value) : at::sum(a->value, list(axes, count), keep != 0); });
}
int ct_mean(const ct_tensor *a, const int64_t *axes, int64_t count, int keep, ct_tensor **out) {
    return produce(out,
                   [&] { return count == 0 ? at::mean(a->value) : at::mean(a->value, list(axes, count), keep != 0); });
}
int ct_maximum(const ct_tensor *a, int64_t axis, int keep, ct_tensor **out) {
    return produce(out, [&] { return at::amax(a->value, {axis}, keep != 0); });
}
int ct_argmax(const ct_tensor *a, int64_t axis, ct_tensor **out) {
    return produce(out, [&] { return at::argmax(a->value, axis); });
}
int ct_softmax(const ct_tensor *a, int64_t axis, ct_tensor **out) {
    return produce(out, [&] { return at::softmax(a->value, axis); });
}
int ct_log_softmax(const ct_tensor *a, int64_t axis, ct_tensor **out) {
    return produce(out, [&] { return at::log_softmax(a->value, axis); });
}
int ct_norm(const ct_tensor *a, ct_tensor **out) {
    return produce(out, [&] { return at::norm(a->value); });
}
int ct_all_finite(const ct_tensor *a, int *out) {
    return guarded([&] { *out = at::isfinite(a->value).all().item<bool>(); });
}

int ct_copy_into(ct_tensor *tensor, const ct_tensor *source) {
    return guarded([&] {
        at::NoGradGuard plain;
        TORCH_CHECK(tensor->value.sizes() == source->value.sizes(), "a tensor of shape ", tensor->value.sizes(),
                    " cannot take one of shape ", source->value.sizes());
        tensor->value.copy_(source->value);
    });
}
int ct_add_into(ct_tensor *tensor, const ct_tensor *other, double factor) {
    return guarded([&] {
        at::NoGradGuard plain;
        tensor->value.add_(other->value, factor);
    });
}
int ct_affine_into(ct_tensor *tensor, double factor, double offset) {
    return guarded([&] {
        at::NoGradGuard plain;
        if (factor != 1) tensor->value.mul_(factor);
        if (offset != 0) tensor->value.add_(offset);
    });
}
int ct_scale_into(ct_tensor *tensor, const ct_tensor *factor) {
    return guarded([&] {
        at::NoGradGuard plain;
        tensor->value.mul_(factor->value);
    });
}
int ct_addcmul_into(ct_tensor *tensor, const ct_tensor *a, const ct_tensor *b, double factor) {
    return guarded([&] {
        at::NoGradGuard plain;
        tensor->value.addcmul_(a->value, b->value, factor);
    });
}
int ct_addcdiv_into(ct_tensor *tensor, const ct_tensor *a, const ct_tensor *b, double factor) {
    return guarded([&] {
        at::NoGradGuard plain;
        tensor->value.addcdiv_(a->value, b->value, factor);
    });
}

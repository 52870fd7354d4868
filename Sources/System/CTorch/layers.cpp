// The layers that libtorch computes with kernels of their own.
#include "guarded.h"

#include <cmath>
#include <vector>

using ct::maybe;
using ct::produce;

int ct_matmul(const ct_tensor *a, const ct_tensor *b, ct_tensor **out) {
    return produce(out, [&] { return at::matmul(a->value, b->value); });
}
int ct_linear(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor **out) {
    return produce(out, [&] { return at::linear(input->value, weight->value, maybe(bias)); });
}
int ct_conv2d(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, int64_t stride, int64_t padding,
              ct_tensor **out) {
    return produce(out, [&] {
        std::vector<int64_t> strides{stride, stride}, paddings{padding, padding};
        return at::conv2d(input->value, weight->value, maybe(bias), at::IntArrayRef(strides), at::IntArrayRef(paddings));
    });
}
int ct_max_pool2d(const ct_tensor *input, int64_t window, int64_t stride, ct_tensor **out) {
    return produce(out, [&] { return at::max_pool2d(input->value, {window, window}, {stride, stride}); });
}
int ct_batch_norm(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, ct_tensor *running_mean,
                  ct_tensor *running_variance, int training, double momentum, double epsilon, ct_tensor **out) {
    return produce(out, [&] {
        const at::Tensor &x = input->value;
        TORCH_CHECK(!training || x.numel() > x.size(1), "batch statistics need more than one value for each channel");
        return at::batch_norm(x, maybe(weight), maybe(bias), maybe(running_mean), maybe(running_variance), training != 0,
                              momentum, epsilon, /*cudnn_enabled=*/true);
    });
}
int ct_layer_norm(const ct_tensor *input, const ct_tensor *weight, const ct_tensor *bias, double epsilon,
                  ct_tensor **out) {
    return produce(out, [&] {
        return at::layer_norm(input->value, weight->value.sizes(), weight->value, maybe(bias), epsilon);
    });
}
int ct_attention(const ct_tensor *query, const ct_tensor *key, const ct_tensor *value, ct_tensor **out) {
    return produce(out, [&] {
#if TORCH_VERSION_MAJOR >= 2
        return at::scaled_dot_product_attention(query->value, key->value, value->value);
#else
        double scale = 1 / std::sqrt(static_cast<double>(query->value.size(-1)));
        at::Tensor scores = at::matmul(query->value * scale, key->value.transpose(-2, -1));
        return at::matmul(at::softmax(scores, -1), value->value);
#endif
    });
}

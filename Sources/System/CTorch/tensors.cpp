// Tensors from and to plain memory, their kinds, and their shapes.
#include "guarded.h"

#include <cstring>
#include <vector>

using ct::guarded;
using ct::list;
using ct::produce;

int ct_from_data(const void *elements, int type, const int64_t *sizes, int64_t rank, ct_tensor **out) {
    return produce(out, [&] {
        at::Tensor tensor = at::empty(list(sizes, rank), ct::scalar_type(type));
        if (tensor.numel() > 0) std::memcpy(tensor.data_ptr(), elements, tensor.nbytes());
        return tensor;
    });
}
int ct_full(double value, int type, const int64_t *sizes, int64_t rank, ct_tensor **out) {
    return produce(out, [&] { return at::full(list(sizes, rank), value, ct::scalar_type(type)); });
}
int ct_empty(int type, const int64_t *sizes, int64_t rank, ct_tensor **out) {
    return produce(out, [&] { return at::empty(list(sizes, rank), ct::scalar_type(type)); });
}
int ct_normal(const int64_t *sizes, int64_t rank, ct_tensor **out) {
    return produce(out, [&] { return at::randn(list(sizes, rank), at::kFloat); });
}
int ct_arange(int64_t count, ct_tensor **out) {
    return produce(out, [&] { return at::arange(count, at::kLong); });
}
int ct_copy_to_host(const ct_tensor *tensor, void *elements, int64_t byte_count) {
    return guarded([&] {
        at::Tensor plain = tensor->value.detach().to(at::kCPU).contiguous();
        int64_t bytes = static_cast<int64_t>(plain.nbytes());
        TORCH_CHECK(bytes == byte_count, "the tensor holds ", bytes, " bytes, not ", byte_count);
        if (bytes > 0) std::memcpy(elements, plain.data_ptr(), static_cast<size_t>(bytes));
    });
}

int ct_rank(const ct_tensor *tensor, int64_t *out) {
    return guarded([&] { *out = tensor->value.dim(); });
}
int ct_sizes(const ct_tensor *tensor, int64_t *out, int64_t rank) {
    return guarded([&] {
        auto sizes = tensor->value.sizes();
        TORCH_CHECK(rank == static_cast<int64_t>(sizes.size()), "the tensor has rank ", sizes.size());
        for (int64_t axis = 0; axis < rank; ++axis) out[axis] = sizes[static_cast<size_t>(axis)];
    });
}
int ct_type(const ct_tensor *tensor, int *out) {
    return guarded([&] { *out = ct::type_code(tensor->value.scalar_type()); });
}
int ct_device(const ct_tensor *tensor, int *kind, int64_t *index) {
    return guarded([&] {
        c10::Device device = tensor->value.device();
        *kind = device.is_cuda() ? ct_cuda : ct_cpu;
        *index = device.has_index() ? device.index() : 0;
    });
}
int ct_is_channels_last(const ct_tensor *tensor, int *out) {
    return guarded([&] { *out = tensor->value.is_contiguous(at::MemoryFormat::ChannelsLast); });
}

int ct_to_type(const ct_tensor *tensor, int type, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.to(ct::scalar_type(type)); });
}
int ct_to_device(const ct_tensor *tensor, int kind, int64_t index, ct_tensor **out) {
    return produce(out, [&] {
        if (kind == ct_cuda) ct::load_cuda();
        c10::Device device =
            kind == ct_cuda ? c10::Device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index)) : c10::Device(c10::DeviceType::CPU);
        return tensor->value.to(device);
    });
}
int ct_contiguous(const ct_tensor *tensor, int channels_last, ct_tensor **out) {
    return produce(out, [&] {
        const at::Tensor &value = tensor->value;
        if (!channels_last) return value.contiguous();
        // With one channel or one pixel both layouts are the same bytes, and `contiguous` leaves the strides of the other:
        // the layers after it would then run in the slower layout. A clone has the strides of this one.
        bool is_already = value.suggest_memory_format() == at::MemoryFormat::ChannelsLast;
        return is_already ? value : value.clone(at::MemoryFormat::ChannelsLast);
    });
}

int ct_reshape(const ct_tensor *tensor, const int64_t *sizes, int64_t rank, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.reshape(list(sizes, rank)); });
}
int ct_permute(const ct_tensor *tensor, const int64_t *order, int64_t rank, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.permute(list(order, rank)); });
}
int ct_expand(const ct_tensor *tensor, const int64_t *sizes, int64_t rank, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.expand(list(sizes, rank)); });
}
int ct_slice(const ct_tensor *tensor, int64_t axis, int64_t start, int64_t end, ct_tensor **out) {
    return produce(out, [&] {
        int64_t size = tensor->value.size(axis);
        TORCH_CHECK(0 <= start && start <= end && end <= size, "the range ", start, " ..< ", end, " leaves axis ", axis,
                    " of size ", size);
        return tensor->value.narrow(axis, start, end - start);
    });
}
int ct_concatenate(const ct_tensor *const *tensors, int64_t count, int64_t axis, ct_tensor **out) {
    return produce(out, [&] {
        std::vector<at::Tensor> parts;
        parts.reserve(static_cast<size_t>(count));
        for (int64_t part = 0; part < count; ++part) parts.push_back(tensors[part]->value);
        return at::cat(parts, axis);
    });
}
int ct_index_select(const ct_tensor *tensor, int64_t axis, const ct_tensor *indices, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.index_select(axis, indices->value); });
}
int ct_gather(const ct_tensor *tensor, int64_t axis, const ct_tensor *indices, ct_tensor **out) {
    return produce(out, [&] { return tensor->value.gather(axis, indices->value); });
}

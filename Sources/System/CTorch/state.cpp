// The library's state: version, threads, seed, gradient mode, autocast; and the count of live handles.
#include "guarded.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>

static thread_local int64_t live = 0;

ct_tensor::ct_tensor(at::Tensor tensor) : value(std::move(tensor)) { ++live; }
ct_tensor::~ct_tensor() { --live; }

namespace ct {

std::string &last_error() {
    static thread_local std::string message;
    return message;
}

at::ScalarType scalar_type(int type) {
    switch (type) {
    case ct_float32: return at::kFloat;
    case ct_float64: return at::kDouble;
    case ct_bfloat16: return at::kBFloat16;
    case ct_int64: return at::kLong;
    case ct_uint8: return at::kByte;
    case ct_bool: return at::kBool;
    default: TORCH_CHECK(false, "no element type has the code ", type);
    }
}

int type_code(at::ScalarType type) {
    switch (type) {
    case at::kFloat: return ct_float32;
    case at::kDouble: return ct_float64;
    case at::kBFloat16: return ct_bfloat16;
    case at::kLong: return ct_int64;
    case at::kByte: return ct_uint8;
    case at::kBool: return ct_bool;
    default: TORCH_CHECK(false, "the element type ", type, " has no code");
    }
}

Autocast autocast(c10::DeviceType device) {
#if CT_TORCH_AT_LEAST(2, 4)
    return {at::autocast::is_autocast_enabled(device), at::autocast::get_autocast_dtype(device)};
#else
    if (device == c10::DeviceType::CUDA) return {at::autocast::is_enabled(), at::autocast::get_autocast_gpu_dtype()};
    return {at::autocast::is_cpu_enabled(), at::autocast::get_autocast_cpu_dtype()};
#endif
}

void set_autocast(c10::DeviceType device, Autocast wanted) {
#if CT_TORCH_AT_LEAST(2, 4)
    at::autocast::set_autocast_enabled(device, wanted.on);
    at::autocast::set_autocast_dtype(device, wanted.type);
#else
    if (device == c10::DeviceType::CUDA) {
        at::autocast::set_enabled(wanted.on);
        at::autocast::set_autocast_gpu_dtype(wanted.type);
    } else {
        at::autocast::set_cpu_enabled(wanted.on);
        at::autocast::set_autocast_cpu_dtype(wanted.type);
    }
#endif
}

}  // namespace ct

using ct::guarded;

const char *ct_last_error(void) { return ct::last_error().c_str(); }
void ct_set_last_error(const char *message) {
    guarded([&] { ct::last_error() = message; });
}
const char *ct_version(void) { return TORCH_VERSION; }
int64_t ct_live_count(void) { return live; }
int ct_alias(const ct_tensor *tensor, ct_tensor **out) {
    return ct::produce(out, [&] { return tensor->value; });
}
void ct_free(ct_tensor *tensor) { delete tensor; }

int ct_set_threads(int64_t count) {
    return guarded([&] {
        TORCH_CHECK(count >= 1, "at least one thread is needed, not ", count);
        at::set_num_threads(static_cast<int>(count));
    });
}
int ct_threads(int64_t *out) {
    return guarded([&] { *out = at::get_num_threads(); });
}
int ct_manual_seed(uint64_t seed) {
    return guarded([&] {
        ct::load_cuda();  // libtorch asks for CUDA here, and remembers the answer
        at::manual_seed(seed);
    });
}
int ct_set_deterministic(int on) {
    return guarded([&] { at::globalContext().setDeterministicAlgorithms(on != 0, /*warn_only=*/false); });
}
int ct_set_cudnn_benchmark(int on) {
    return guarded([&] { at::globalContext().setBenchmarkCuDNN(on != 0); });
}
int ct_set_grad_mode(int on, int *before) {
    return guarded([&] {
        *before = at::GradMode::is_enabled();
        at::GradMode::set_enabled(on != 0);
    });
}

int ct_set_autocast(int device, int on, int type, int *on_before, int *type_before) {
    return guarded([&] {
        c10::DeviceType kind = device == ct_cuda ? c10::DeviceType::CUDA : c10::DeviceType::CPU;
        ct::Autocast before = ct::autocast(kind);
        ct::set_autocast(kind, {on != 0, ct::scalar_type(type)});
        if (before.on && !on) at::autocast::clear_cache();
        *on_before = before.on;
        // float16 is CUDA's default and has no code here: it is named bfloat16, and only matters while autocast is off.
        *type_before = before.type == at::kFloat ? ct_float32 : ct_bfloat16;
    });
}

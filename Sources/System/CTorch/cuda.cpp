// CUDA without a line that needs CUDA to be built: libtorch_cuda is loaded when first asked for, and registers itself with libtorch.
#include "guarded.h"

#include <ATen/Context.h>
#include <ATen/detail/CUDAHooksInterface.h>

#include <dlfcn.h>

#if CT_TORCH_AT_LEAST(2, 9)
#include <c10/core/CachingDeviceAllocator.h>
#endif

using ct::guarded;

namespace {

// Why there is no CUDA; empty where there is.
const std::string &absence() {
    // Kept for good: unloading it would leave libtorch with kernels that are gone.
    static const std::string reason = [] {
        if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) return std::string();
        const char *why = dlerror();
        return std::string(why ? why : "libtorch_cuda.so cannot be loaded");
    }();
    return reason;
}

}  // namespace

namespace ct {
void load_cuda() { absence(); }
}  // namespace ct

int ct_cuda_count(int64_t *out) {
    return guarded([&] {
        ct::load_cuda();
        *out = at::hasCUDA() ? static_cast<int64_t>(at::detail::getCUDAHooks().getNumGPUs()) : 0;
    });
}

const char *ct_cuda_absence(void) {
    int64_t count = 0;
    if (ct_cuda_count(&count) != ct_done) return ct_last_error();
    if (count > 0) return "";
    return absence().empty() ? "libtorch_cuda finds no device" : absence().c_str();
}

int ct_cuda_synchronise(int64_t index) {
    return guarded([&] {
        // A number that the host reads waits for all that the device was given before.
        c10::Device device(c10::DeviceType::CUDA, static_cast<c10::DeviceIndex>(index));
        at::empty({1}, at::TensorOptions().device(device)).zero_().item<float>();
    });
}

int ct_cuda_peak_memory(int64_t index, int reset, int64_t *allocated, int64_t *reserved) {
    return guarded([&] {
#if CT_TORCH_AT_LEAST(2, 9)
        auto *allocator = at::getDeviceAllocator(c10::DeviceType::CUDA);
        auto device = static_cast<c10::DeviceIndex>(index);
        auto statistics = allocator->getDeviceStats(device);
        auto all = static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE);
        *allocated = statistics.allocated_bytes[all].peak;
        *reserved = statistics.reserved_bytes[all].peak;
        if (reset) allocator->resetPeakStats(device);
#else
        (void)index, (void)reset;
        *allocated = *reserved = -1;
#endif
    });
}

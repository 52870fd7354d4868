// What every file of the shim needs: the handle, and the one guarded body that lets no C++ exception out.
#pragma once
#include "CTorch.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/api/include/torch/version.h>

#include <new>
#include <string>

#define CT_TORCH_AT_LEAST(major, minor) \
    (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

struct ct_tensor {
    at::Tensor value;
    explicit ct_tensor(at::Tensor tensor);
    ~ct_tensor();
    ct_tensor(const ct_tensor &) = delete;
    ct_tensor &operator=(const ct_tensor &) = delete;
};

namespace ct {

std::string &last_error();

// Runs the body; whatever it throws becomes a status and a sentence.
template <class Body> int guarded(Body &&body) noexcept {
    try {
        try {
            body();
            return ct_done;
        } catch (const c10::Error &error) {
            std::string message = error.what_without_backtrace();
            bool memory = message.find("not enough memory") != std::string::npos ||
                          message.find("allocate memory") != std::string::npos ||
                          message.find("out of memory") != std::string::npos;
            last_error() = std::move(message);
            return memory ? ct_out_of_memory : ct_invalid;
        } catch (const std::bad_alloc &) {
            last_error() = "not enough memory";
            return ct_out_of_memory;
        } catch (const std::exception &error) {
            last_error() = error.what();
            return ct_failed;
        } catch (...) {
            last_error() = "an exception of unknown type";
            return ct_failed;
        }
    } catch (...) {  // keeping the sentence failed
        return ct_out_of_memory;
    }
}

// Runs a body that gives a tensor, and hands it out.
template <class Body> int produce(ct_tensor **out, Body &&body) noexcept {
    return guarded([&] { *out = new ct_tensor(body()); });
}

inline at::IntArrayRef list(const int64_t *elements, int64_t count) {
    return at::IntArrayRef(elements, static_cast<size_t>(count));
}

at::ScalarType scalar_type(int type);
int type_code(at::ScalarType type);

// Loads libtorch_cuda, where there is one; before libtorch is first asked whether there is CUDA.
void load_cuda();

// Autocast of the calling thread for one kind of device.
struct Autocast {
    bool on;
    at::ScalarType type;
};
Autocast autocast(c10::DeviceType device);
void set_autocast(c10::DeviceType device, Autocast wanted);

// An absent tensor is a NULL handle.
inline at::Tensor maybe(const ct_tensor *tensor) { return tensor ? tensor->value : at::Tensor(); }

}  // namespace ct

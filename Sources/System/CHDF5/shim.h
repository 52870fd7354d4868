#pragma once
// Debian keeps the header where only pkg-config would look.
#if __has_include(<hdf5/serial/hdf5.h>)
#include <hdf5/serial/hdf5.h>
#else
#include <hdf5.h>
#endif

// HDF5's predefined types, property list classes and H5S_ALL are macros that open the library first; Swift cannot import
// them, so each gets a function here.

// Codes of the element types, in the order of Swift's HDF5ElementType.
static inline hid_t chdf5_memory_type(int code) {
    switch (code) {
    case 0: return H5T_NATIVE_INT8;
    case 1: return H5T_NATIVE_INT16;
    case 2: return H5T_NATIVE_INT32;
    case 3: return H5T_NATIVE_INT64;
    case 4: return H5T_NATIVE_UINT8;
    case 5: return H5T_NATIVE_UINT16;
    case 6: return H5T_NATIVE_UINT32;
    case 7: return H5T_NATIVE_UINT64;
    case 8: return H5T_NATIVE_FLOAT;
    case 9: return H5T_NATIVE_DOUBLE;
    default: return -1;
    }
}

// Types in the file are little-endian whatever the machine, so that the bytes do not depend on it.
static inline hid_t chdf5_file_type(int code) {
    switch (code) {
    case 0: return H5T_STD_I8LE;
    case 1: return H5T_STD_I16LE;
    case 2: return H5T_STD_I32LE;
    case 3: return H5T_STD_I64LE;
    case 4: return H5T_STD_U8LE;
    case 5: return H5T_STD_U16LE;
    case 6: return H5T_STD_U32LE;
    case 7: return H5T_STD_U64LE;
    case 8: return H5T_IEEE_F32LE;
    case 9: return H5T_IEEE_F64LE;
    default: return -1;
    }
}

static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }
static inline hid_t chdf5_p_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_p_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_p_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_p_dataset_access(void) { return H5P_DATASET_ACCESS; }
static inline hid_t chdf5_p_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_all(void) { return H5S_ALL; }
static inline hsize_t chdf5_unlimited(void) { return H5S_UNLIMITED; }
static inline unsigned chdf5_flag_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned chdf5_flag_read(void) { return H5F_ACC_RDONLY; }

// H5Oget_info exists under three signatures behind a macro; all that is asked of it is the kind of an object.
static inline int chdf5_object_is_group(hid_t object) { return H5Iget_type(object) == H5I_GROUP; }
static inline int chdf5_object_is_dataset(hid_t object) { return H5Iget_type(object) == H5I_DATASET; }

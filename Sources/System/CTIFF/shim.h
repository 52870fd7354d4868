#pragma once
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <tiffio.h>

// libtiff's field functions are variadic and its messages come as va_list: neither can be had from Swift.

// The last error since it was cleared: the one that made libtiff give up; earlier ones may be complaints it got over.
typedef struct {
    char text[400];
} ctiff_message;

static inline int ctiff_keep_error(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff;
    (void)module;
    ctiff_message *message = (ctiff_message *)user;
    if (message) vsnprintf(message->text, sizeof message->text, format, arguments);
    return 1;
}

static inline int ctiff_drop(TIFF *tiff, void *user, const char *module, const char *format, va_list arguments) {
    (void)tiff; (void)user; (void)module; (void)format; (void)arguments;
    return 1;
}

static inline TIFF *ctiff_open(const char *path, const char *mode, ctiff_message *message, long largestAllocation) {
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options) return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, ctiff_keep_error, message);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ctiff_drop, NULL);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, largestAllocation);
    TIFF *tiff = TIFFOpenExt(path, mode, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

static inline int ctiff_u16(TIFF *tiff, uint32_t tag, uint16_t *value) { return TIFFGetField(tiff, tag, value); }
static inline int ctiff_u16_or_default(TIFF *tiff, uint32_t tag, uint16_t *value) {
    return TIFFGetFieldDefaulted(tiff, tag, value);
}
static inline int ctiff_u32(TIFF *tiff, uint32_t tag, uint32_t *value) { return TIFFGetField(tiff, tag, value); }
static inline int ctiff_u32_or_default(TIFF *tiff, uint32_t tag, uint32_t *value) {
    return TIFFGetFieldDefaulted(tiff, tag, value);
}
static inline int ctiff_float(TIFF *tiff, uint32_t tag, float *value) { return TIFFGetField(tiff, tag, value); }
static inline const char *ctiff_text(TIFF *tiff, uint32_t tag) {
    char *text = NULL;
    return TIFFGetField(tiff, tag, &text) ? text : NULL;
}
static inline int ctiff_color_map(TIFF *tiff, uint16_t **red, uint16_t **green, uint16_t **blue) {
    return TIFFGetField(tiff, TIFFTAG_COLORMAP, red, green, blue);
}
static inline int ctiff_sub_directories(TIFF *tiff, uint16_t *count, uint64_t **offsets) {
    return TIFFGetField(tiff, TIFFTAG_SUBIFD, count, offsets);
}
static inline int ctiff_extra_samples(TIFF *tiff, uint16_t *count, uint16_t **kinds) {
    return TIFFGetField(tiff, TIFFTAG_EXTRASAMPLES, count, kinds);
}
static inline int ctiff_jpeg_tables(TIFF *tiff, uint32_t *count, uint8_t **bytes) {
    return TIFFGetField(tiff, TIFFTAG_JPEGTABLES, count, bytes);
}
static inline int ctiff_set_jpeg_to_rgb(TIFF *tiff) {
    return TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
}

static inline int ctiff_set_u16(TIFF *tiff, uint32_t tag, uint16_t value) {
    return TIFFSetField(tiff, tag, (int)value);
}
static inline int ctiff_set_u32(TIFF *tiff, uint32_t tag, uint32_t value) { return TIFFSetField(tiff, tag, value); }
static inline int ctiff_set_double(TIFF *tiff, uint32_t tag, double value) { return TIFFSetField(tiff, tag, value); }

// A rectangle as RGBA of 8 bits by libtiff's own conversion, in the stored orientation. 0 on success.
static inline int ctiff_rgba(TIFF *tiff, uint32_t row, uint32_t column, uint32_t rows, uint32_t columns,
                             uint32_t *raster, char message[1024]) {
    TIFFRGBAImage image;
    if (!TIFFRGBAImageOK(tiff, message)) return -1;
    if (!TIFFRGBAImageBegin(&image, tiff, 1, message)) return -1;
    image.req_orientation = image.orientation;
    image.row_offset = (int)row;
    image.col_offset = (int)column;
    int good = TIFFRGBAImageGet(&image, raster, columns, rows);
    TIFFRGBAImageEnd(&image);
    return good ? 0 : -1;
}

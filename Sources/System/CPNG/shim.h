#pragma once
#include <png.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// libpng reports errors by longjmp, which must not cross Swift frames: the loops over rows stand here.

typedef struct {
    uint32_t columns, rows;
    int bits;      // per sample as delivered: 8 or 16 (native byte order)
    int channels;  // as delivered: 1 gray, 2 gray + alpha, 3 RGB, 4 RGB + alpha
    int sourceBits;
    uint32_t pixelsPerMetre;  // 0 where the file does not say
    char error[256];
} cpng_image;

static inline void cpng_keep_error(png_structp png, png_const_charp text) {
    cpng_image *image = (cpng_image *)png_get_error_ptr(png);
    strncpy(image->error, text, sizeof image->error - 1);
    longjmp(png_jmpbuf(png), 1);
}

static inline void cpng_drop_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

// Reads the header (rows == NULL) or the pixels as well, into `rows` of `rowBytes` each, as the header call announced
// them. 0 on success; else image->error tells why.
static inline int cpng_read(const char *path, cpng_image *image, uint8_t *rows, size_t rowBytes) {
    memset(image, 0, sizeof *image);
    FILE *file = fopen(path, "rb");
    if (!file) {
        strcpy(image->error, "the file cannot be opened");
        return -1;
    }
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, image, cpng_keep_error, cpng_drop_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        if (png) png_destroy_read_struct(&png, NULL, NULL);
        fclose(file);
        strcpy(image->error, "no memory");
        return -1;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_read_struct(&png, &info, NULL);
        fclose(file);
        return -1;
    }
    png_init_io(png, file);
    png_set_user_limits(png, 1000000, 1000000);
    png_read_info(png, info);
    image->columns = png_get_image_width(png, info);
    image->rows = png_get_image_height(png, info);
    image->sourceBits = png_get_bit_depth(png, info);
    int unit = 0;
    png_uint_32 x = 0, y = 0;
    if (png_get_pHYs(png, info, &x, &y, &unit) && unit == PNG_RESOLUTION_METER && x == y) image->pixelsPerMetre = x;
    png_set_expand(png);  // palettes to colours, fewer than 8 bits to 8, transparency to alpha
    png_set_swap(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    image->bits = png_get_bit_depth(png, info);
    image->channels = png_get_channels(png, info);
    if (rows) {
        if (png_get_rowbytes(png, info) != rowBytes) png_error(png, "rows of another length than announced");
        for (int pass = 0; pass < passes; pass++)
            for (uint32_t row = 0; row < image->rows; row++) png_read_row(png, rows + (size_t)row * rowBytes, NULL);
    }
    png_destroy_read_struct(&png, &info, NULL);
    fclose(file);
    return 0;
}

// Writes rows of 1 to 4 channels of 8 bits. 0 on success; else image->error tells why.
static inline int cpng_write(const char *path, cpng_image *image, const uint8_t *rows, int level) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        strcpy(image->error, "the file cannot be made");
        return -1;
    }
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, image, cpng_keep_error, cpng_drop_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    if (!info) {
        if (png) png_destroy_write_struct(&png, NULL);
        fclose(file);
        strcpy(image->error, "no memory");
        return -1;
    }
    if (setjmp(png_jmpbuf(png))) {
        png_destroy_write_struct(&png, &info);
        fclose(file);
        return -1;
    }
    static const int colours[5] = {0, PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                   PNG_COLOR_TYPE_RGB_ALPHA};
    png_init_io(png, file);
    png_set_user_limits(png, 1000000, 1000000);
    png_set_IHDR(png, info, image->columns, image->rows, 8, colours[image->channels], PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (image->pixelsPerMetre)
        png_set_pHYs(png, info, image->pixelsPerMetre, image->pixelsPerMetre, PNG_RESOLUTION_METER);
    png_set_compression_level(png, level);
    png_write_info(png, info);
    for (uint32_t row = 0; row < image->rows; row++)
        png_write_row(png, rows + (size_t)row * image->columns * image->channels);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    if (fclose(file) != 0) {
        strcpy(image->error, "the file could not be written to its end");
        return -1;
    }
    return 0;
}

#pragma once
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

// What is used of libnifti2 and libznz (Debian: libnifti-dev 3.0), declared here as their headers have it. The headers
// themselves cannot be included: nifti2_io.h asks for <znzlib.h>, which lies in /usr/include/nifti, a folder that
// neither the compiler nor a pkg-config file knows of.

typedef struct {
    double m[4][4];
} nifti_dmat44;

nifti_dmat44 nifti_quatern_to_dmat44(
    double qb, double qc, double qd, double qx, double qy, double qz, double dx, double dy, double dz, double qfac);
void nifti_dmat44_to_quatern(
    nifti_dmat44 R, double *qb, double *qc, double *qd, double *qx, double *qy, double *qz, double *dx, double *dy,
    double *dz, double *qfac);
void nifti_swap_Nbytes(int64_t n, int siz, void *ar);

struct znzptr;
typedef struct znzptr *znzFile;

znzFile znzopen(const char *path, const char *mode, int use_compression);
int Xznzclose(znzFile *file);
size_t znzread(void *buf, size_t size, size_t nmemb, znzFile file);
size_t znzwrite(const void *buf, size_t size, size_t nmemb, znzFile file);
off_t znzseek(znzFile file, off_t offset, int whence);

#!/bin/bash
# Packs the programs with the shared libraries they need, for a machine that has neither Swift nor these libraries: a folder with
# bin/ (start these), libexec/ (the programs) and lib/. libtorch stays out: the other machine's Python brings it.
#
#     LIBTORCH=…/site-packages/torch swift build -c release --static-swift-stdlib --scratch-path .build-cuda
#     benchmarks/pack_programs.sh .build-cuda/release packed
#     TORCH=$(python3 -c 'import torch, os; print(os.path.dirname(torch.__file__))') packed/bin/cyto-learn list
#
# glibc, libstdc++ and libgcc are the other machine's: it must be at least as new as this one.
set -euo pipefail
from=$(realpath "$1")
to=$2
mkdir -p "$to/bin" "$to/libexec" "$to/lib"
for name in cyto-pipe cyto-stage cyto-learn; do
    [ -x "$from/$name" ] || { echo "$from/$name is not there; left out" >&2; continue; }
    strip -o "$to/libexec/$name" "$from/$name"
    ldd "$from/$name" | awk '$2 == "=>" && $3 ~ /^\// { print $1, $3 }' | while read -r soname path; do
        case $soname in
        libc.so.*|libm.so.*|libdl.so.*|librt.so.*|libpthread.so.*|libutil.so.*|libresolv.so.*|ld-linux*) continue ;;
        libstdc++.so.*|libgcc_s.so.*|libgomp.so.*|libtorch*|libc10*|libcu*|libnv*|libnccl*) case $path in
            */lib/x86_64-linux-gnu/libcurl*) ;; *) continue ;; esac ;;
        esac
        [ -e "$to/lib/$soname" ] || cp -L "$path" "$to/lib/$soname"
    done
    cat > "$to/bin/$name" <<'EOF'
#!/bin/sh
# Starts the program of this name with its libraries, and with the libtorch under $TORCH (a Python's site-packages/torch).
here=$(dirname "$(dirname "$(readlink -f "$0")")")
libraries=$here/lib
if [ -n "$TORCH" ]; then
    for folder in "$TORCH"/../nvidia/*/lib "$TORCH/lib"; do [ -d "$folder" ] && libraries=$folder:$libraries; done
fi
export LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
exec "$here/libexec/$(basename "$0")" "$@"
EOF
    chmod +x "$to/bin/$name"
done
du -sh "$to" "$to"/*

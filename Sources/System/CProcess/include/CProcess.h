// Starting and ending worker processes on Linux. A shim of our own because posix_spawn cannot ask for a parent-death signal,
// and because a runner needs wait4's resource usage of each child.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// What became of a child.
struct cyto_usage {
    int exited;          // 1: `status` is an exit code; 0: it is a signal number
    int status;
    double cpu_seconds;  // user and system, with children that were waited for
    int64_t peak_bytes;
};

// Starts a program in a process group of its own, dying with this thread (SIGKILL). stdin is /dev/null, stdout and stderr go to
// `log_fd`, descriptor 3 is `progress_fd`; all other descriptors are closed. Returns 0, or an errno; then `*failed_step` names what failed:
// 1 fork, 2 working folder, 3 exec.
int cyto_spawn(const char *program, char *const argv[], char *const envp[], const char *folder, int null_fd, int log_fd,
               int progress_fd, pid_t *pid, int *failed_step);

// A descriptor that becomes readable when the process ends; -1 with errno.
int cyto_pidfd(pid_t pid);

// If the child has ended: kills what is left of its process group, reaps the child, fills `usage`, returns 1. Else 0; -1 with errno.
int cyto_reap(pid_t pid, struct cyto_usage *usage);

// Starts a process that watches over the process groups named on the returned descriptor (int32: +pgid starts, -pgid ended) and kills
// those that run when the descriptor is closed, however this process ends. -1 with errno.
int cyto_guard(pid_t *pid);

// Closes the descriptor and waits for the guard to be gone.
void cyto_guard_end(int guard, pid_t pid);

// Names a process group to the guard.
void cyto_guard_tell(int guard, int32_t word);

// A pipe whose ends are closed on exec and whose reading end does not block; 0, or -1 with errno.
int cyto_pipe(int ends[2]);

// How many cores this process may run on.
int cyto_core_count(void);

// Starting from a program that stands loaded: it splits off a process for each task, which saves loading libraries again (20 ms for
// cyto-stage, half a second for libtorch). The processes are children of the runner as if it had started them itself.

// Two connected sockets that keep messages apart, closed on exec; 0, or -1 with errno.
int cyto_socket_pair(int ends[2]);

// In the loaded program: says that it is ready, and serves starts. Returns 0 in each process that it splits off, with that one's
// arguments, and its environment, folder and descriptors as `cyto_spawn` makes them; -1 where the program has threads, which a copy
// would lack. Else it ends with the socket. `area` is where the program's own arguments lie: written over with the new ones for `ps`.
int cyto_serve_starts(int socket, char *area, size_t area_size, int *argc, char ***argv);

// In the runner: 1 once the program is ready (told once only), 0 before, -1 where it is gone.
int cyto_is_ready(int socket);

// In the runner: has the program split off a process. `text` holds the folder, the arguments and the environment, each with its zero byte.
// Returns 0, or an errno.
int cyto_start_from(int socket, int32_t argument_count, int32_t variable_count, const char *text, size_t length,
                    int null_fd, int log_fd, int progress_fd, pid_t *pid);

// Starting and ending worker processes on Linux. A shim of our own because posix_spawn cannot ask for a parent-death signal,
// and because a runner needs wait4's resource usage of each child.
#pragma once
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

#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.h"

static void close_from(unsigned first) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
    for (int fd = (int)first; fd < 65536; fd++) close(fd);
}

void cyto_take_descriptors(int null_fd, int log_fd, int progress_fd) {
    // First to numbers that 0...3 cannot collide with.
    int log = fcntl(log_fd, F_DUPFD, 10);
    int progress = progress_fd < 0 ? -1 : fcntl(progress_fd, F_DUPFD, 10);
    int null = fcntl(null_fd, F_DUPFD, 10);
    dup2(null, 0);
    dup2(log, 1);
    dup2(log, 2);
    if (progress >= 0) dup2(progress, 3);
    close_from(progress >= 0 ? 4 : 3);
}

void cyto_default_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    for (int number = 1; number < 65; number++) {
        if (number != SIGKILL && number != SIGSTOP) sigaction(number, &action, NULL);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

int cyto_spawn(const char *program, char *const argv[], char *const envp[], const char *folder, int null_fd, int log_fd,
               int progress_fd, pid_t *pid, int *failed_step) {
    volatile int error = 0;
    volatile int step = 0;
    sigset_t all, before;
    // No handler of ours may run in the child while it shares our memory.
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t parent = getpid();
    pid_t child = vfork();
    if (child == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127);
        cyto_take_descriptors(null_fd, log_fd, progress_fd);
        if (chdir(folder) != 0) {
            error = errno;
            step = 2;
            _exit(127);
        }
        cyto_default_signals();
        execve(program, argv, envp);
        error = errno;
        step = 3;
        _exit(127);
    }
    int fork_error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (child < 0) {
        *failed_step = 1;
        return fork_error;
    }
    if (error != 0) {
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
        }
        *failed_step = step;
        return error;
    }
    *pid = child;
    *failed_step = 0;
    return 0;
}

int cyto_pidfd(pid_t pid) { return (int)syscall(SYS_pidfd_open, pid, 0); }

int cyto_reap(pid_t pid, struct cyto_usage *usage) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    // Looked at without reaping: while the zombie stands, its number cannot be given to a new process group.
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0) return -1;
    if (info.si_pid == 0) return 0;
    kill(-pid, SIGKILL);
    int status = 0;
    struct rusage used;
    pid_t result;
    do {
        result = wait4(pid, &status, 0, &used);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return -1;
    usage->exited = WIFEXITED(status) ? 1 : 0;
    usage->status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
    usage->cpu_seconds = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
                         1e-6 * ((double)used.ru_utime.tv_usec + (double)used.ru_stime.tv_usec);
    usage->peak_bytes = (int64_t)used.ru_maxrss * 1024;
    return 1;
}

enum { GUARDED = 4096 };

// Runs in the guard: plain C without allocation, because it was forked from a process with threads.
static void guard(int fd) {
    static int32_t groups[GUARDED];
    int count = 0;
    for (;;) {
        int32_t word;
        ssize_t got = read(fd, &word, sizeof word);
        if (got < 0 && errno == EINTR) continue;
        if (got != (ssize_t)sizeof word) break;
        if (word > 0) {
            if (count < GUARDED) groups[count++] = word;
        } else {
            for (int i = 0; i < count; i++) {
                if (groups[i] == -word) {
                    groups[i] = groups[--count];
                    break;
                }
            }
        }
    }
    for (int i = 0; i < count; i++) kill(-groups[i], SIGKILL);
    _exit(0);
}

int cyto_guard(pid_t *pid) {
    int ends[2];
    // A socket, not a pipe: telling a guard that is gone must not raise SIGPIPE in the runner.
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return -1;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        prctl(PR_SET_NAME, "cyto-guard");
        // SIGTERM and SIGINT are for the runner; the guard ends when the runner has.
        int fd = fcntl(ends[0], F_DUPFD, 3);
        dup2(fd, 3);
        close(0);
        close(1);
        close(2);
        close_from(4);
        guard(3);
    }
    int error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[0]);
    if (child < 0) {
        close(ends[1]);
        errno = error;
        return -1;
    }
    *pid = child;
    return ends[1];
}

void cyto_guard_end(int guard, pid_t pid) {
    close(guard);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
}

void cyto_guard_tell(int guard, int32_t word) { (void)send(guard, &word, sizeof word, MSG_NOSIGNAL); }

int cyto_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

int cyto_core_count(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

#define _GNU_SOURCE
#include "CProcess.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "child.h"

// One start, as it goes over the socket: this head, then the folder, the arguments and the environment, each with its zero byte.
// Descriptors go beside it: null, log, and progress where there is one.
struct head {
    int32_t runner;
    int32_t argument_count;
    int32_t variable_count;
};

enum { LONGEST = 160 * 1024, MOST_DESCRIPTORS = 3 };

static int thread_count(void) {
    DIR *folder = opendir("/proc/self/task");
    if (!folder) return 0;
    int count = 0;
    for (struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

// What `ps` shows of a process is the memory that held its arguments: they are written over.
static void show_as(char *area, size_t size, char *const *arguments, int count) {
    memset(area, 0, size);
    size_t place = 0;
    for (int i = 0; i < count && place + 1 < size; i++) {
        size_t length = strnlen(arguments[i], size - place - 1);
        memcpy(area + place, arguments[i], length);
        place += length + 1;
    }
}

static void become(const struct head *head, char *text, size_t length, const int *descriptors, int descriptor_count,
                   char *area, size_t area_size, int *argc, char ***argv) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != head->runner) _exit(127);
    cyto_take_descriptors(descriptors[0], descriptors[1], descriptor_count > 2 ? descriptors[2] : -1);
    cyto_default_signals();

    int count = head->argument_count + head->variable_count;
    char **strings = calloc((size_t)count + 2, sizeof *strings);
    char *own = malloc(length);
    if (!strings || !own) _exit(127);
    memcpy(own, text, length);
    const char *folder = own;
    char *place = own + strlen(own) + 1;
    for (int i = 0; i < count; i++) {
        strings[i < head->argument_count ? i : i + 1] = place;
        place += strlen(place) + 1;
    }
    *argc = head->argument_count;
    *argv = strings;
    environ = strings + head->argument_count + 1;
    show_as(area, area_size, strings, *argc);
    if (chdir(folder) != 0) {
        const char *said = "the working folder could not be entered\n";
        (void)!write(2, said, strlen(said));
        _exit(3);  // WorkerExit.inputOutput: another try may succeed
    }
}

// Whether the text holds what the head says.
static int is_whole(const struct head *head, const char *text, size_t length) {
    if (head->argument_count < 1 || head->variable_count < 0 || length == 0 || text[length - 1] != 0) return 0;
    long zeros = 0;
    for (size_t i = 0; i < length; i++) zeros += text[i] == 0;
    return zeros == 1L + head->argument_count + head->variable_count;
}

int cyto_serve_starts(int socket, char *area, size_t area_size, int *argc, char ***argv) {
    // A copy has one thread only: locks that others held would stay locked in it.
    if (thread_count() != 1) return -1;
    static char text[LONGEST];
    int32_t answer = 0;
    if (send(socket, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) return -1;
    for (;;) {
        struct head head;
        struct iovec parts[2] = {{&head, sizeof head}, {text, sizeof text}};
        union {
            struct cmsghdr align;
            char bytes[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
        } control;
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = sizeof control};
        ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) _exit(0);
        int descriptors[MOST_DESCRIPTORS], count = 0;
        for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
            if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
            count = (int)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
            memcpy(descriptors, CMSG_DATA(part), (size_t)count * sizeof(int));
        }
        size_t length = (size_t)got - sizeof head;
        if ((size_t)got <= sizeof head || count < 2 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
            !is_whole(&head, text, length)) {
            answer = -EBADMSG;
        } else {
            // A sibling: the runner is its parent, watches it and gets its usage as that of any other child.
            long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
            if (pid == 0) {
                become(&head, text, length, descriptors, count, area, area_size, argc, argv);
                return 0;
            }
            answer = pid < 0 ? -errno : (int32_t)pid;
        }
        for (int i = 0; i < count; i++) close(descriptors[i]);
        if (send(socket, &answer, sizeof answer, MSG_NOSIGNAL) != (ssize_t)sizeof answer) _exit(0);
    }
}

int cyto_socket_pair(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

int cyto_is_ready(int socket) {
    int32_t answer = -1;
    ssize_t got = recv(socket, &answer, sizeof answer, MSG_DONTWAIT);
    if (got == (ssize_t)sizeof answer && answer == 0) return 1;
    return got < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

int cyto_start_from(int socket, int32_t argument_count, int32_t variable_count, const char *text, size_t length,
                    int null_fd, int log_fd, int progress_fd, pid_t *pid) {
    struct head head = {getpid(), argument_count, variable_count};
    if (length > LONGEST) return E2BIG;
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)text, length}};
    int descriptors[MOST_DESCRIPTORS] = {null_fd, log_fd, progress_fd};
    size_t size = (progress_fd < 0 ? 2 : 3) * sizeof(int);
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(MOST_DESCRIPTORS * sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = &control, .msg_controllen = CMSG_SPACE(size)};
    struct cmsghdr *part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(part), descriptors, size);
    ssize_t sent;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return errno;
    int32_t answer;
    ssize_t got;
    do {
        got = recv(socket, &answer, sizeof answer, 0);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof answer) return EPIPE;
    if (answer <= 0) return answer < 0 ? -answer : EPIPE;
    *pid = answer;
    return 0;
}

// What every started process does first; shared by the two ways of starting one.
#pragma once

// Makes the descriptors 0 (null), 1 and 2 (log) and 3 (progress, where it is not negative), and closes all others.
void cyto_take_descriptors(int null_fd, int log_fd, int progress_fd);

// The default action for every signal, none blocked.
void cyto_default_signals(void);

import Glibc

/// Lets other threads get on.
func usleepABit() { usleep(200) }

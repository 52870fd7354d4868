// The room's first test file replaces this one.

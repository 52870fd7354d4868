// Placeholder: deleted when the first real test comes.

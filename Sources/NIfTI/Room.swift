// Placeholder: deleted when the first real file comes.

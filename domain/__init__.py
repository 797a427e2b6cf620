"""What the words mean: readings, batches, people, geography, instants. Pure."""
